"""Identity providers for tests: secrets, key pairs, a JWKS server on loopback, tokens in Supabase's shape."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

SECRET = "a secret of more than the sixty-four bytes that even HS512 would ask for"
ISSUER = "https://project.supabase.example/auth/v1"
AUDIENCE = "authenticated"
RSA = rsa.generate_private_key(65537, 2048)
STRANGER = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
RSA_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
Key = Any


def claims(**changed: Any) -> dict[str, Any]:
    """What Supabase says of a user; a change to None leaves the claim out."""
    subject = str(uuid.uuid4())
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "email": f"{subject}@example.org",
        "phone": "",
        "role": "authenticated",
        "aal": "aal1",
        "session_id": str(uuid.uuid4()),
        "is_anonymous": False,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"full_name": "Ann Example", "avatar_url": "https://example.org/ann.png"},
        "iat": now,
        "exp": now + 3_600,
    } | changed
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any], key: Key = SECRET, algorithm: str = "HS256", kid: str | None = None) -> str:
    """A token with these claims."""
    return jwt.encode(said, key, algorithm, headers={"kid": kid} if kid else None)


@dataclass
class Provider:
    """A JWKS server with an RSA key `rsa` and an EC key `ec`. `status` other than 200 is a provider in trouble."""

    requests: int = 0
    status: int = 200
    port: int = 0
    keys: list[dict[str, Any]] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/.well-known/jwks.json"

    async def __aenter__(self) -> Provider:
        self.keys = [
            json.loads(RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": "rsa", "use": "sig", "alg": "RS256"},
            json.loads(ECAlgorithm.to_jwk(EC.public_key())) | {"kid": "ec", "use": "sig", "alg": "ES256"},
        ]
        app = web.Application()
        app.router.add_get("/.well-known/jwks.json", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        self.requests += 1
        return web.json_response({"keys": self.keys}, status=self.status)
