"""Signed, expiring links to `/files`: made in microseconds, since a page of images has one each, and checked.

A signature covers method, key, expiry and file name. The key of signatures is `PIXCRAWLER_SIGNING_KEY`, or made once
and kept in the home for its owner alone; processes that share links must share it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hmac
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from app.settings import settings

KEY_FILE = "signing.key"
KEY_BYTES = 32
ROUNDED = 4
"""A link's end is rounded to this part of its life, so that a page asked for again has the same, cacheable links."""
SIGNED_AS = {"HEAD": "GET"}
"""Who may GET may ask for the head."""


def sign_download(key: str, filename: str | None = None) -> str:
    """A link to the bytes under `key`, saved as `filename` where one is given.

    It holds for at most PIXCRAWLER_LINK_TTL_S seconds, and at least three quarters of that.
    """
    life_s = settings().link_ttl_s
    step_s = max(1, life_s // ROUNDED)
    return _link("GET", key, int(time.time() + life_s) // step_s * step_s, filename)


def signed_link(method: str, key: str, expires_s: float) -> str:
    """A link that takes `method` for `expires_s` seconds."""
    return _link(method, key, int(time.time() + expires_s), None)


def verify(method: str, key: str, query: Mapping[str, str]) -> bool:
    """Whether a request's query is one of ours for this method and key, and its time is not over."""
    try:
        expires = int(query.get("expires", ""))
    except ValueError:
        return False
    wanted = _signature(SIGNED_AS.get(method, method), key, expires, query.get("filename"))
    given = query.get("signature", "")
    # Compared as bytes: text outside ASCII would be an error, not a no.
    return hmac.compare_digest(wanted.encode(), given.encode()) and time.time() < expires


def _link(method: str, key: str, expires: int, filename: str | None) -> str:
    signature = _signature(method, key, expires, filename)
    named = "" if filename is None else f"&filename={quote(filename, safe='')}"
    return f"{settings().base_url}/files/{quote(key)}?expires={expires}&signature={signature}{named}"


def _signature(method: str, key: str, expires: int, filename: str | None) -> str:
    signed = "\n".join((method, key, str(expires), "" if filename is None else f"={filename}"))
    found = settings()
    secret = found.signing_key.encode() or _kept_key(found.home)
    return base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()


@functools.cache
def _kept_key(home: Path) -> bytes:
    """The key in the home's file, made if there is none. Whole or not there, whoever else makes it at the same time."""
    path = home / KEY_FILE
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = home / f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_bytes()
