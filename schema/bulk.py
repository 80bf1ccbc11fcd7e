"""Mutations of many rows at once. They translate; they neither query nor decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import strawberry

from app.errors import AppError
from app.jobs import crawl, export, images
from app.jobs.change import Kind
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.export import EXPORT_JOB_KIND
from app.jobs.limits import check_count
from app.values import Viewer
from schema.image_inputs import DeleteImagesInput, UpdateImagesInput
from schema.payloads import ImagesPayload, ManyPayload, user_error
from schema.reading.declare import ref
from schema.verbs import ID, Info, key

MANY = 100
"""Rows that one request names."""

Ids = Annotated[list[ID], strawberry.argument(description="Their global ids: 1 to 100.")]


async def _images(doing: Awaitable[images.Done]) -> ImagesPayload:
    try:
        done = await doing
    except AppError as error:
        return ImagesPayload(errors=[user_error(error)])
    return ImagesPayload(count=done.images, has_more=done.more, crawl_job=ref("CrawlJob", done.crawl_job_id))


async def _update_images(info: Info, given: UpdateImagesInput) -> images.Done:
    job = key(given.crawl_job_id, CRAWL_JOB_KIND, "input", "crawlJobId")
    return await images.update(info.context.viewer, job, given.images.choice(), given.wanted())


async def _delete_images(info: Info, given: DeleteImagesInput) -> images.Done:
    job = key(given.crawl_job_id, CRAWL_JOB_KIND, "input", "crawlJobId")
    return await images.delete(info.context.viewer, job, given.images.choice())


async def _each(
    verb: Callable[[Viewer, int], Awaitable[int]], kind: Kind, ids: Sequence[ID], info: Info
) -> ManyPayload:
    """Do `verb` to each row in its own transaction: what is wrong with one is no hindrance for the next."""
    made = ManyPayload()
    try:
        check_count(ids, ["ids"], 1, MANY)
    except AppError as error:
        return ManyPayload(errors=[user_error(error)])
    for place, given in enumerate(ids):
        try:
            await verb(info.context.viewer, key(given, kind))
        except AppError as error:
            error.path = ("ids", str(place))
            made.errors.append(user_error(error))
        else:
            made.ids.append(given)
    return made


@strawberry.type
class BulkMutation:
    """Mutations of many rows."""

    @strawberry.mutation(
        description="Judge images by hand, or change their class: all of one transaction, at most 5,000 a request."
        " A verdict by hand stands, whatever validations say, until it is given back."
    )
    async def update_images(self, info: Info, input: UpdateImagesInput) -> ImagesPayload:
        return await _images(_update_images(info, input))

    @strawberry.mutation(
        description="Delete images, and with each the duplicates that have its bytes. What waits to be fetched stays."
    )
    async def delete_images(self, info: Info, input: DeleteImagesInput) -> ImagesPayload:
        return await _images(_delete_images(info, input))

    @strawberry.mutation(description="End crawl jobs now, each for itself; their pending rows stay pending.")
    async def cancel_crawl_jobs(self, info: Info, ids: Ids) -> ManyPayload:
        return await _each(crawl.cancel, CRAWL_JOB_KIND, ids, info)

    @strawberry.mutation(description="Delete crawl jobs and all that belongs to them, each for itself.")
    async def delete_crawl_jobs(self, info: Info, ids: Ids) -> ManyPayload:
        return await _each(crawl.delete, CRAWL_JOB_KIND, ids, info)

    @strawberry.mutation(description="Delete export jobs and their files, each for itself.")
    async def delete_export_jobs(self, info: Info, ids: Ids) -> ManyPayload:
        return await _each(export.delete, EXPORT_JOB_KIND, ids, info)
