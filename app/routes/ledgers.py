"""`/files/failures/<crawl job>.csv` and `.jsonl`: a job's failure ledger by a signed, expiring link.

It lies nowhere: it is written while it is downloaded, from the database, a page of rows at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.database import DATABASE_ERRORS
from app.exports.ledger import FORMATS, LedgerLine
from app.jobs.failures import is_there, ledger
from app.log import log
from app.routes.files import SAFE_HEADERS
from app.routes.refusals import refused
from app.signing import verify


def routes() -> list[Route]:
    """The routes of this module; they come before those of the stored files."""
    return [Route("/files/failures/{job:int}.{suffix}", failures, methods=["GET", "HEAD"])]


async def failures(request: Request) -> Response:
    """Give a job's ledger as the link says."""
    job, suffix = request.path_params["job"], request.path_params["suffix"]
    form = FORMATS.get(suffix)
    if form is None or not verify(request.method, f"failures/{job}.{suffix}", request.query_params):
        return refused(403, "FORBIDDEN", "The link is not signed for this, or its time is over: ask for a new one.")
    try:
        if not await is_there(job):
            return refused(404, "NOT_FOUND", "There is no such crawl job any more.")
    except DATABASE_ERRORS as error:
        log.error("ledger_refused", job=job, error=str(error))
        return refused(503, "INTERNAL", "The database does not answer; try again later.")
    headers = SAFE_HEADERS | {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="crawl-job-{job}-failures.{suffix}"',
        "Accept-Ranges": "none",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=form.media_type)
    return StreamingResponse(_text(job, form.head, form.write), headers=headers, media_type=form.media_type)


async def _text(job: int, head: str, write: Callable[[Iterable[LedgerLine]], str]) -> AsyncIterator[str]:
    """The ledger, a page at a time. One that breaks off ends the connection: what was sent is seen to be no whole."""
    count = 0
    if head:
        yield head
    try:
        async for lines in ledger(job):
            count += len(lines)
            yield write(lines)
    except DATABASE_ERRORS as error:
        log.error("ledger_broken_off", job=job, rows=count, error=str(error))
        raise
    log.info("ledger_sent", job=job, rows=count)
