"""What an operation needs to know: who asks. The same for HTTP and for a websocket."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.errors import Unauthenticated
from app.values import Viewer


@dataclass(slots=True)
class Context:
    """One request's context, or one websocket's."""

    known: Viewer | None = None
    """Who asks; None on a websocket until `connection_init`."""
    connection_params: dict[str, Any] = field(default_factory=dict)
    """The payload of `connection_init`."""
    walked: bool = False
    """Have graphql-core walk whatever is read: the tests compare the ways out."""

    @property
    def viewer(self) -> Viewer:
        """Who asks; `Unauthenticated` before anyone has said so."""
        if self.known is None:
            raise Unauthenticated("Say who you are first.")
        return self.known


def seconds_left(viewer: Viewer) -> float:
    """How long the viewer's token still holds, seconds; infinity for one that does not end."""
    if viewer.expires_at is None:
        return float("inf")
    return (viewer.expires_at - datetime.now(UTC)).total_seconds()
