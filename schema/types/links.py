"""Signed links to stored bytes, made when they are read."""

from __future__ import annotations

from typing import Any

from app.storage import sign_download


def signed(_context: Any, key: str | None) -> str | None:
    """A signed, expiring link to what is stored under `key`; None for nothing."""
    return None if key is None else sign_download(key)
