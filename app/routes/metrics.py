"""`/metrics`, for Prometheus."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.metrics import exposition


def routes() -> list[Route]:
    """The routes of this module."""
    return [Route("/metrics", metrics, methods=["GET"])]


async def metrics(_: Request) -> Response:
    """Every metric in the text format."""
    return Response(await exposition(), media_type=CONTENT_TYPE_LATEST)
