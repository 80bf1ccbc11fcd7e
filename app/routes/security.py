"""Headers that tell a browser what it may do with any answer of ours: not guess its type, not frame it, not run it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

HSTS_S = 365 * 86_400
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
)
HSTS = (b"strict-transport-security", f"max-age={HSTS_S}".encode())


class SecurityMiddleware:
    """Adds the headers that an answer lacks: a page has a policy of its own."""

    def __init__(self, app: ASGIApp, found: Settings) -> None:
        self.app = app
        self._always_https = found.base_url.startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Behind a proxy the scheme is the proxy's word, if it is trusted; a service told of https has no other.
        headers = (*HEADERS, HSTS) if self._always_https or scope["scheme"] == "https" else HEADERS

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = [*message["headers"]]
                known = {name for name, _ in there}
                message["headers"] = there + [header for header in headers if header[0] not in known]
            await send(message)

        await self.app(scope, receive, secured)
