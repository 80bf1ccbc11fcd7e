"""Other settings for a while, in this process: what is opened within the block reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from app.settings import settings


@contextlib.contextmanager
def configured(**variables: str) -> Iterator[None]:
    """These environment variables, and settings that know them; the earlier ones again afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        settings.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()
    settings.cache_clear()
