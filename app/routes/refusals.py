"""Errors of the plain HTTP routes, in the shape that GraphQL's have."""

from __future__ import annotations

from starlette.responses import JSONResponse


def refused(status: int, code: str, message: str, limit: str | None = None) -> JSONResponse:
    """An answer that says no: `{"errors": [{"message", "extensions": {"code", "limit"}}]}`."""
    extensions = {"code": code} | ({} if limit is None else {"limit": limit})
    return JSONResponse(
        {"errors": [{"message": message, "extensions": extensions}]}, status, {"Cache-Control": "no-store"}
    )
