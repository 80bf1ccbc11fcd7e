"""From a bearer token to a `Viewer`: signature, claims, and the profile row, made on first sight.

Three issuers: HS256 with `PIXCRAWLER_JWT_SECRET`; RS256 or ES256 with the keys of `PIXCRAWLER_JWKS_URL`; and, where
neither is set, a local one whose secret is kept in the home, for a single user on loopback.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import os
import secrets
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt

from app.database import acquire
from app.errors import Conflict, Invalid, Unauthenticated
from app.issuer_keys import IssuerKeys
from app.settings import Settings, settings
from app.values import Viewer

LOCAL_ISSUER = "pixcrawler"
LOCAL_EMAIL = "local@no-email.invalid"
LEEWAY_S = 10
MIN_SECRET_BYTES = 32
VIEWER_TTL_S = 5.0
"""How long a token's profile is believed without asking the database again."""
MAX_VIEWERS = 10_000
MAX_TOKEN_CHARS = 8_192
EMAIL_CHARS, NAME_CHARS, URL_CHARS = 255, 100, 8_192

FIND = "select id, role from profiles where id = $1"
INSERT = """
insert into profiles (id, email, full_name, avatar_url) values ($1, $2, $3, $4)
on conflict do nothing returning id, role
"""


def is_local(found: Settings) -> bool:
    """Whether no identity provider is configured: single-user local mode."""
    return not found.jwt_secret and not found.jwks_url


def check_configuration(found: Settings) -> None:
    """Invalid where the settings are not safe: local mode beyond loopback, or a short secret."""
    if found.jwt_secret and len(found.jwt_secret.encode()) < MIN_SECRET_BYTES:
        raise Invalid(f"PIXCRAWLER_JWT_SECRET must have at least {MIN_SECRET_BYTES} bytes.")
    if is_local(found) and not _is_loopback(found.host):
        raise Invalid(
            f"Without PIXCRAWLER_JWT_SECRET or PIXCRAWLER_JWKS_URL the service listens on loopback only, "
            f"not on {found.host}: configure one, or unset PIXCRAWLER_HOST."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def kept_secret(path: Path) -> str:
    """The secret in the file `path`, made on first use and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "x", opener=_open_private) as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


@functools.cache
def local_secret() -> str:
    """The local issuer's secret."""
    return kept_secret(settings().home / "local_jwt_secret")


@functools.cache
def _issuer_keys(url: str) -> IssuerKeys:
    return IssuerKeys(url)


def _expected(found: Settings) -> dict[str, Any]:
    """The issuer and audience that a token must carry, and which claims it must have."""
    required = ["exp", "sub"]
    if is_local(found):
        return {"issuer": LOCAL_ISSUER, "audience": LOCAL_ISSUER, "options": {"require": [*required, "iss", "aud"]}}
    given: dict[str, Any] = {}
    if found.jwt_issuer:
        given["issuer"] = found.jwt_issuer
        required.append("iss")
    if found.jwt_audience:
        given["audience"] = found.jwt_audience
        required.append("aud")
    return given | {"options": {"require": required, "verify_aud": bool(found.jwt_audience)}}


async def _key(token: str, found: Settings) -> tuple[Any, str]:
    """The key by the header's algorithm, from an allow-list: a public key is never an HMAC secret."""
    header = jwt.get_unverified_header(token)
    algorithm = header.get("alg")
    if algorithm == "HS256" and is_local(found):
        return local_secret(), "HS256"
    if algorithm == "HS256" and found.jwt_secret:
        return found.jwt_secret, "HS256"
    if algorithm in ("RS256", "ES256") and found.jwks_url and header.get("kid"):
        # The client blocks where the key is not known yet.
        return (await asyncio.to_thread(_issuer_keys(found.jwks_url).get_signing_key, header["kid"])).key, algorithm
    raise jwt.InvalidAlgorithmError("algorithm")


async def claims_of(token: str) -> dict[str, Any]:
    """The token's claims, proved; Unauthenticated otherwise, without saying which check failed."""
    found = settings()
    if not token or len(token) > MAX_TOKEN_CHARS:
        raise Unauthenticated("Send a bearer token.")
    try:
        key, algorithm = await _key(token, found)
        return dict(jwt.decode(token, key, algorithms=[algorithm], leeway=LEEWAY_S, **_expected(found)))
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("The token has expired: sign in again.") from error
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        # The last two are PyJWT's for a key of another kind than the algorithm's, and for claims of no known shape.
        raise Unauthenticated("The token is not valid here.") from error


_viewers: dict[str, tuple[float, Viewer]] = {}


async def viewer_of(token: str) -> Viewer:
    """Who holds `token`; Unauthenticated where it does not hold, Conflict where another profile has its email."""
    known = _viewers.get(token)
    now = time.monotonic()
    if known is not None and now - known[0] < VIEWER_TTL_S and not _ended(known[1]):
        return known[1]
    viewer = await _profile_of(await claims_of(token))
    if len(_viewers) >= MAX_VIEWERS:
        _viewers.clear()
    _viewers[token] = (now, viewer)
    return viewer


def _ended(viewer: Viewer) -> bool:
    return viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC)


async def _profile_of(claims: dict[str, Any]) -> Viewer:
    try:
        key = uuid.UUID(str(claims["sub"]))
    except ValueError as error:
        raise Unauthenticated("The token's subject is not a UUID.") from error
    about = claims.get("user_metadata")
    about = about if isinstance(about, dict) else {}
    email = _text(claims.get("email"), EMAIL_CHARS) or f"{key}@no-email.invalid"
    name = _text(about.get("full_name"), NAME_CHARS) or _text(claims.get("name"), NAME_CHARS)
    picture = _text(about.get("avatar_url"), URL_CHARS) or _text(claims.get("picture"), URL_CHARS)
    async with acquire() as connection:
        row = await connection.fetchrow(FIND, key)
        if row is None:
            row = await connection.fetchrow(INSERT, key, email, name, picture)
            row = row or await connection.fetchrow(FIND, key)
    if row is None:
        raise Conflict(f"The email {email} belongs to another profile.")
    return Viewer(row["id"], row["role"] == "admin", _moment(claims["exp"]))


def _text(value: object, most: int) -> str | None:
    """A claim as a column takes it: at most `most` characters, no NUL; None where it is no text or empty."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode(errors="ignore").decode()[:most].strip() or None


def _moment(expires: Any) -> datetime | None:
    """The end of a token; None where it lies beyond the calendar."""
    try:
        return datetime.fromtimestamp(int(expires), UTC)
    except (OverflowError, ValueError, OSError):
        return None


PROFILE_FOR_EMAIL = """
insert into profiles (id, email, role) values ($1, $2, $3)
on conflict (email) do update set role = excluded.role returning id
"""


async def issue_token(email: str = LOCAL_EMAIL, role: str = "user", expires_s: int = 30 * 86_400) -> str:
    """A token of our own for the profile with this email, made if new, its role set.

    Invalid where tokens come from elsewhere (`PIXCRAWLER_JWKS_URL` without a secret).
    """
    found = settings()
    if found.jwks_url and not found.jwt_secret:
        raise Invalid("Tokens come from the identity provider of PIXCRAWLER_JWKS_URL: ask it for one.")
    if role not in ("user", "admin"):
        raise Invalid("The role is user or admin.", path=["role"])
    async with acquire() as connection:
        key = await connection.fetchval(PROFILE_FOR_EMAIL, uuid.uuid4(), email, role)
    now = int(time.time())
    issuer = LOCAL_ISSUER if is_local(found) else found.jwt_issuer
    audience = LOCAL_ISSUER if is_local(found) else found.jwt_audience
    claims: dict[str, Any] = {"sub": str(key), "email": email, "iat": now, "exp": now + expires_s}
    if issuer:
        claims["iss"] = issuer
    if audience:
        claims["aud"] = audience
    secret = local_secret() if is_local(found) else found.jwt_secret
    return jwt.encode(claims, secret, algorithm="HS256")
