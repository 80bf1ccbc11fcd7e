"""Who may come in: tokens of every configured issuer, and each way to forge one refused in the same words."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from app import auth
from app.errors import Invalid, Unauthenticated
from app.settings import Settings
from tests.auth.providers import AUDIENCE, EC, ISSUER, RSA, RSA_PEM, SECRET, STRANGER, Provider, claims, signed
from tests.support.configured import configured
from tests.support.service import Person

VIEWER = "{ viewer { databaseId email fullName avatarUrl role } }"


@contextlib.contextmanager
def issued_by(**variables: str) -> Iterator[None]:
    """The service believes this issuer."""
    with configured(**variables):
        auth._viewers.clear()
        yield
    auth._viewers.clear()


@pytest.fixture
def secret() -> Iterator[None]:
    with issued_by(PIXCRAWLER_JWT_SECRET=SECRET, PIXCRAWLER_JWT_ISSUER=ISSUER, PIXCRAWLER_JWT_AUDIENCE=AUDIENCE):
        yield


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as found:
        bound = {"PIXCRAWLER_JWT_ISSUER": ISSUER, "PIXCRAWLER_JWT_AUDIENCE": AUDIENCE}
        with issued_by(PIXCRAWLER_JWKS_URL=found.url, **bound):
            yield found


@contextlib.asynccontextmanager
async def holder(api: str, token: str) -> AsyncIterator[Person]:
    async with aiohttp.ClientSession() as session:
        yield Person(api, token, session)


async def who(api: str, token: str) -> dict[str, Any]:
    async with holder(api, token) as person:
        return dict((await person.get(VIEWER))["viewer"])


async def refused(api: str, header: str | None) -> str:
    """The message of a 401 in the shape of every GraphQL error; a websocket with the same token is closed with 4403."""
    headers = {} if header is None else {"Authorization": header}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{api}/graphql", json={"query": VIEWER}, headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            (error,) = (await response.json())["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        async with session.ws_connect(f"{api}/graphql", protocols=("graphql-transport-ws",)) as ws:
            await ws.send_json({"type": "connection_init", "payload": headers})
            await ws.receive(timeout=5)
            assert ws.close_code == 4403
    return str(error["message"])


@pytest.mark.usefixtures("secret")
async def test_a_token_of_the_shared_secret_makes_a_profile_on_first_sight(api: str) -> None:
    said = claims()
    expected = {
        "databaseId": said["sub"],
        "email": said["email"],
        "fullName": "Ann Example",
        "avatarUrl": "https://example.org/ann.png",
        "role": "USER",
    }
    assert await who(api, signed(said)) == expected
    assert await who(api, signed(said | {"iat": 1, "user_metadata": {}})) == expected


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (EC, "ES256", "ec")])
async def test_a_token_of_the_providers_keys_is_believed(
    api: str, provider: Provider, key: Any, algorithm: str, kid: str
) -> None:
    said = claims()
    assert (await who(api, signed(said, key, algorithm, kid)))["databaseId"] == said["sub"]
    assert (await who(api, signed(claims(), key, algorithm, kid)))["role"] == "USER"
    assert provider.requests == 1


def _unsigned(said: Any, algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, said)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def _hmac_of_public_key() -> str:
    """Signed with the public key's PEM as if it were an HMAC secret; PyJWT itself would not make one."""
    head = {"alg": "HS256", "typ": "JWT", "kid": "rsa"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims())]
    mark = hmac.digest(RSA_PEM, b".".join(parts), hashlib.sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(mark).rstrip(b"=")]).decode()


FORGED_FOR_A_SECRET: dict[str, Callable[[], str]] = {
    "none": lambda: _unsigned(claims(), "none"),
    "none in capitals": lambda: _unsigned(claims(), "NONE"),
    "HS256 without a signature": lambda: _unsigned(claims(), "HS256"),
    "another secret": lambda: signed(claims(), "another secret of at least thirty-two bytes!"),
    "an HMAC that is not listed": lambda: signed(claims(), SECRET, "HS512"),
    "a key of our own": lambda: signed(claims(), RSA, "RS256", "rsa"),
    "expired": lambda: signed(claims(exp=int(time.time()) - 60)),
    "without an end": lambda: signed(claims(exp=None)),
    "an end that is no number": lambda: signed(claims(exp="tomorrow")),
    "not yet": lambda: signed(claims(nbf=int(time.time()) + 600)),
    "issued in the future": lambda: signed(claims(iat=int(time.time()) + 600)),
    "another audience": lambda: signed(claims(aud="anon")),
    "without an audience": lambda: signed(claims(aud=None)),
    "another issuer": lambda: signed(claims(iss="https://evil.example")),
    "without an issuer": lambda: signed(claims(iss=None)),
    "without a subject": lambda: signed(claims(sub=None)),
    "a subject that is no UUID": lambda: signed(claims(sub="admin")),
    "cut": lambda: signed(claims())[:-9],
    "nonsense": lambda: "a.b.c",
    "empty": lambda: "",
    "very long": lambda: "a" * 9_000,
    "the claims are a list": lambda: _unsigned([], "HS256"),
}


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("name", FORGED_FOR_A_SECRET)
async def test_a_forged_token_is_refused(api: str, name: str) -> None:
    message = await refused(api, f"Bearer {FORGED_FOR_A_SECRET[name]()}")
    assert message in (
        "The token is not valid here.",
        "The token has expired: sign in again.",
        "The token's subject is not a UUID.",
        "Send a bearer token.",
        "Send a token: `Authorization: Bearer …`.",
    )


FORGED_FOR_KEYS: dict[str, Callable[[], str]] = {
    "the public key as an HMAC secret": _hmac_of_public_key,
    "none": lambda: _unsigned(claims(), "none"),
    "HS256 with any secret": lambda: signed(claims()),
    "the wrong kind of key": lambda: signed(claims(), RSA, "RS256", "ec"),
    "the wrong kind of key, other way round": lambda: signed(claims(), EC, "ES256", "rsa"),
    "without a key id": lambda: signed(claims(), RSA, "RS256"),
    "an algorithm that is not listed": lambda: signed(claims(), RSA, "PS256", "rsa"),
    "another audience": lambda: signed(claims(aud="anon"), RSA, "RS256", "rsa"),
    "another issuer": lambda: signed(claims(iss="https://evil.example"), RSA, "RS256", "rsa"),
    "another's key": lambda: signed(claims(), STRANGER, "RS256", "rsa"),
}


@pytest.mark.parametrize("name", FORGED_FOR_KEYS)
async def test_a_token_forged_for_a_provider_is_refused(api: str, provider: Provider, name: str) -> None:
    assert await refused(api, f"Bearer {FORGED_FOR_KEYS[name]()}") == "The token is not valid here."


async def test_made_up_key_ids_do_not_hammer_the_provider(api: str, provider: Provider) -> None:
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await auth.viewer_of(signed(claims(), RSA, "RS256", f"made-up-{number}"))
    assert provider.requests <= 2


async def test_a_provider_in_trouble_is_left_alone_and_known_keys_still_count(
    api: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed(claims(), RSA, "RS256", "rsa")
    provider.status = 503
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await auth.viewer_of(token)
    assert provider.requests == 1
    provider.status = 200
    keys = auth._issuer_keys(provider.url)
    monkeypatch.setattr(keys, "_ask_again_s", 0.0)
    assert await auth.viewer_of(token)
    assert keys.jwk_set_cache is not None
    keys.jwk_set_cache.jwk_set_with_timestamp = None  # as when their time is over
    provider.status = 503
    assert await auth.viewer_of(signed(claims(), RSA, "RS256", "rsa"))
    assert provider.requests == 3


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "Bearer ", "Token x"])
async def test_without_a_token_one_is_told_to_send_one(api: str, header: str | None) -> None:
    assert "Send a token" in await refused(api, header)


async def test_local_tokens_are_believed_only_where_no_issuer_is_configured(api: str) -> None:
    token = await auth.issue_token("ann@example.org", "admin")
    assert (await who(api, token))["role"] == "ADMIN"
    with issued_by(PIXCRAWLER_JWT_SECRET=SECRET):
        await refused(api, f"Bearer {token}")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_without_an_issuer_the_service_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(Invalid, match="loopback"):
        auth.check_configuration(Settings(host=host))
    auth.check_configuration(Settings(host=host, jwt_secret=SECRET))


def test_loopback_in_every_spelling_will_do_and_a_short_secret_will_not() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        auth.check_configuration(Settings(host=host))
    with pytest.raises(Invalid, match="32 bytes"):
        auth.check_configuration(Settings(jwt_secret="short"))


async def test_a_secret_alone_asks_for_neither_issuer_nor_audience(api: str) -> None:
    with issued_by(PIXCRAWLER_JWT_SECRET=SECRET):
        for said in (claims(), claims(iss=None, aud=None), claims(aud=["a", "b"])):
            assert (await who(api, signed(said)))["databaseId"] == said["sub"]
        token = await auth.issue_token("ben@example.org")
        assert (await who(api, token))["email"] == "ben@example.org"
