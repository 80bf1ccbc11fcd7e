"""GraphiQL for a browser that opens `/graphql`, all of it from our own files: nothing is asked of another host."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from app.routes.refusals import refused
from app.settings import Settings

FILES = Path(__file__).parent / "static" / "graphiql"
SERVED = {
    "graphiql.min.css": "text/css",
    "page.css": "text/css",
    "react.production.min.js": "text/javascript",
    "react-dom.production.min.js": "text/javascript",
    "graphql-ws.min.js": "text/javascript",
    "graphiql.min.js": "text/javascript",
    "page.js": "text/javascript",
    "LICENSES.txt": "text/plain",
}
# The editor places its elements by their style properties, which no policy is asked about. The one style sheet that
# would be refused keeps the page behind an open dialog from scrolling, which it does not do anyway.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept",
}
FILE_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}


class BrowserRoute(Route):
    """Matches a GET that wants a page; every other request is left to the routes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Starlette's question; a partial match would answer 405 in the name of the others."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return Match.NONE, {}
        match, found = super().matches(scope)
        wanted = match is Match.FULL and "text/html" in Request(scope).headers.get("accept", "")
        return (match, found) if wanted else (Match.NONE, {})


def routes(found: Settings) -> list[BaseRoute]:
    """The routes of this module; none where PIXCRAWLER_GRAPHIQL is off."""
    if not found.graphiql:
        return []
    return [BrowserRoute("/graphql", page, methods=["GET"]), Route("/graphiql/{name}", file, methods=["GET"])]


async def page(_: Request) -> Response:
    """The page."""
    return FileResponse(FILES / "index.html", headers=PAGE_HEADERS, media_type="text/html")


async def file(request: Request) -> Response:
    """A file of the page: those of the list alone."""
    name = request.path_params["name"]
    if name not in SERVED:
        return refused(404, "NOT_FOUND", "There is no such file.")
    return FileResponse(FILES / name, headers=FILE_HEADERS, media_type=SERVED[name])
