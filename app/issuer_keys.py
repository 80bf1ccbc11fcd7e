"""The public keys of an identity provider (JWKS): fetched seldom, kept when it does not answer.

Whoever sends tokens with made-up key ids, or a provider that is down, must not make each request a request to it.
"""

from __future__ import annotations

import time
from typing import Any

import jwt

from app.log import log

TIMEOUT_S = 5
LIFESPAN_S = 600
"""After this time the keys are fetched again: how long a key that was withdrawn is still believed."""
COOLDOWN_S = 30
"""An unknown key id leads to a fetch this often at most: how long a new key may have to wait."""
RETRY_S = 5.0
"""A provider that did not answer is left alone for this long."""


class IssuerKeys(jwt.PyJWKClient):
    """One provider's keys. `get_signing_key()` blocks; raises a PyJWTError where there is no such key."""

    def __init__(self, url: str) -> None:
        super().__init__(url, lifespan=LIFESPAN_S, timeout=TIMEOUT_S, cooldown_duration=COOLDOWN_S)
        self._known: Any = None
        self._ask_again_s = 0.0

    def fetch_data(self) -> Any:
        """The provider's keys or, where it does not answer, those that it gave last."""
        if time.monotonic() >= self._ask_again_s:
            try:
                self._known = super().fetch_data()
            except (jwt.PyJWTError, ValueError) as error:
                self._ask_again_s = time.monotonic() + RETRY_S
                log.warning("jwks_unreachable", url=self.uri, error=str(error))
        if self._known is None:
            raise jwt.PyJWKClientConnectionError("The identity provider's keys are not known.")
        return self._known
