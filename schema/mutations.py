"""Mutations: from inputs to `app/jobs/`, and back to a payload. They translate; they neither query nor decide."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

import strawberry
from strawberry import UNSET

from app.errors import AppError
from app.jobs import crawl, export, profile, project, recrawl, retry, upload, validation
from app.jobs.change import Kind
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.export import EXPORT_JOB_KIND
from app.jobs.project import PROJECT_KIND
from app.jobs.validation import VALIDATION_JOB_KIND
from app.values import CrawlSpec
from schema.context import Context
from schema.expansion_input import expansion_of
from schema.inputs import (
    CreateCrawlJobInput,
    CreateExportJobInput,
    CreateProjectInput,
    CreateUrlListUploadInput,
    CreateValidationJobInput,
    RecrawlCrawlJobInput,
    UpdateCrawlJobInput,
    UpdateProfileInput,
    UpdateProjectInput,
)
from schema.payloads import (
    CrawlJobPayload,
    DeletePayload,
    ExportJobPayload,
    ProfilePayload,
    ProjectPayload,
    UrlListUploadPayload,
    ValidationJobPayload,
    user_error,
)
from schema.reading.declare import ref
from schema.reading.ids import int_key
from schema.types.enums import ExportFormat
from schema.types.failures import Hosts, Reasons, Retryable

Info = strawberry.Info[Context, None]
ID = strawberry.ID


async def _answer(payload: Any, field: str, type_name: str, doing: Awaitable[int]) -> Any:
    """`payload` with the row that `doing` names, or with what was wrong as data."""
    try:
        return payload(**{field: ref(type_name, await doing)})
    except AppError as error:
        return payload(errors=[user_error(error)])


async def _project(doing: Awaitable[int]) -> Any:
    return await _answer(ProjectPayload, "project", "Project", doing)


async def _crawl_job(doing: Awaitable[int]) -> Any:
    return await _answer(CrawlJobPayload, "crawl_job", "CrawlJob", doing)


async def _deleted(given: ID, doing: Awaitable[object]) -> DeletePayload:
    try:
        await doing
    except AppError as error:
        return DeletePayload(errors=[user_error(error)])
    return DeletePayload(deleted_id=given)


def _key(given: ID, kind: Kind, *path: str) -> int:
    """The row's key; NotFound for an id that cannot name one."""
    key = int_key(str(given), kind.type_name)
    if key is None:
        raise kind.missing(path or ("id",))
    return key


def _left_out(value: str | None) -> str | None:
    """A text that may be left out or null, which say the same."""
    return None if value is UNSET else value


def _several(values: list[str] | None) -> tuple[str, ...] | None:
    """A list that may be left out or null, which say the same."""
    return None if values is UNSET or values is None else tuple(values)


def _named(value: str | None, field: str) -> str | None:
    """A text that may be left out but not null."""
    if value is None:
        raise project.refuse_null(field)
    return None if value is UNSET else value


async def _create_crawl_job(info: Info, given: CreateCrawlJobInput) -> int:
    spec = CrawlSpec(
        project_id=_key(given.project_id, PROJECT_KIND, "input", "projectId"),
        name=given.name,
        keywords=tuple(given.keywords),
        sources=tuple(source.spec() for source in given.sources),
        max_images=given.max_images,
        chunk_size=given.chunk_size,
        start=given.start,
        idempotency_key=_left_out(given.idempotency_key),
        expansion=expansion_of(given.expansion),
    )
    return await crawl.create(info.context.viewer, spec)


async def _update_project(info: Info, given: UpdateProjectInput) -> int:
    name, text = _named(given.name, "name"), given.description
    return await project.update(
        info.context.viewer,
        _key(given.id, PROJECT_KIND, "input", "id"),
        name=name,
        description=None if text is UNSET else text,
        clear_description=text is None,
    )


async def _update_crawl_job(info: Info, given: UpdateCrawlJobInput) -> int:
    name = _named(given.name, "name")
    if given.max_images is None:
        raise project.refuse_null("maxImages")
    most = None if given.max_images is UNSET else given.max_images
    key = _key(given.id, CRAWL_JOB_KIND, "input", "id")
    return await crawl.update(info.context.viewer, key, name=name, max_images=most)


async def _recrawl_crawl_job(info: Info, given: RecrawlCrawlJobInput) -> int:
    key = _key(given.id, CRAWL_JOB_KIND, "input", "id")
    asked = recrawl.Again(key, _left_out(given.name), _left_out(given.idempotency_key))
    return await recrawl.create(info.context.viewer, asked)


async def _create_validation_job(info: Info, given: CreateValidationJobInput) -> int:
    key = _key(given.crawl_job_id, CRAWL_JOB_KIND, "input", "crawlJobId")
    return await validation.create(info.context.viewer, key, _left_out(given.name), given.rules.rules())


async def _create_export_job(info: Info, given: CreateExportJobInput) -> int:
    key = _key(given.crawl_job_id, CRAWL_JOB_KIND, "input", "crawlJobId")
    form = str(ExportFormat(given.format).value)
    return await export.create(info.context.viewer, key, _left_out(given.name), form, given.chosen())


def _acting(verb: Any, kind: Kind, given: ID, info: Info) -> Awaitable[int]:
    """`verb(viewer, key)` once awaited, so that a bad id is an error as data too."""

    async def act() -> int:
        return int(await verb(info.context.viewer, _key(given, kind)))

    return act()


def _deleting(verb: Any, kind: Kind, given: ID, info: Info) -> Awaitable[object]:
    async def act() -> object:
        return await verb(info.context.viewer, _key(given, kind))

    return act()


@strawberry.type(description="Changes. What is wrong with one is data in its payload's `errors`.")
class Mutation:
    """All mutations."""

    @strawberry.mutation(description="Make a project.")
    async def create_project(self, info: Info, input: CreateProjectInput) -> ProjectPayload:
        made = project.create(info.context.viewer, input.name, _left_out(input.description))
        return await _project(made)

    @strawberry.mutation(description="Rename or describe a project.")
    async def update_project(self, info: Info, input: UpdateProjectInput) -> ProjectPayload:
        return await _project(_update_project(info, input))

    @strawberry.mutation(description="Make a project read-only, but for exporting and deleting.")
    async def archive_project(self, info: Info, id: ID) -> ProjectPayload:
        return await _project(_acting(project.archive, PROJECT_KIND, id, info))

    @strawberry.mutation(description="Make an archived project active again.")
    async def restore_project(self, info: Info, id: ID) -> ProjectPayload:
        return await _project(_acting(project.restore, PROJECT_KIND, id, info))

    @strawberry.mutation(description="Delete a project and all that belongs to it.")
    async def delete_project(self, info: Info, id: ID) -> DeletePayload:
        return await _deleted(id, _deleting(project.delete, PROJECT_KIND, id, info))

    @strawberry.mutation(description="Get a place to PUT a URL list that is too large for a request.")
    async def create_url_list_upload(self, info: Info, input: CreateUrlListUploadInput) -> UrlListUploadPayload:
        try:
            made = await upload.create(info.context.viewer, input.filename)
        except AppError as error:
            return UrlListUploadPayload(errors=[user_error(error)])
        return UrlListUploadPayload(
            upload_id=ID(made.upload_id), upload_url=made.upload_url, expires_at=made.expires_at
        )

    @strawberry.mutation(description="Make a crawl job and, unless told otherwise, start it.")
    async def create_crawl_job(self, info: Info, input: CreateCrawlJobInput) -> CrawlJobPayload:
        return await _crawl_job(_create_crawl_job(info, input))

    @strawberry.mutation(
        description="Make an ended crawl job again: a new job with the same sources, keywords and options, which"
        " fetches only what is new or changed since, and tells the difference."
    )
    async def recrawl_crawl_job(self, info: Info, input: RecrawlCrawlJobInput) -> CrawlJobPayload:
        return await _crawl_job(_recrawl_crawl_job(info, input))

    @strawberry.mutation(description="Rename a crawl job or move its goal.")
    async def update_crawl_job(self, info: Info, input: UpdateCrawlJobInput) -> CrawlJobPayload:
        return await _crawl_job(_update_crawl_job(info, input))

    @strawberry.mutation(description="Start a pending crawl job.")
    async def start_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(_acting(crawl.start, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Begin no new chunks; those under way finish.")
    async def pause_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(_acting(crawl.pause, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Go on with a paused crawl job.")
    async def resume_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(_acting(crawl.resume, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="End a crawl job now; its pending rows stay pending.")
    async def cancel_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(_acting(crawl.cancel, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(
        description="Try an ended crawl job's failed and pending rows, and failed sources, again. With any of the"
        " other arguments only the failed rows that fit them all, beside pending ones, and no source."
    )
    async def retry_crawl_job(
        self, info: Info, id: ID, reasons: Reasons = UNSET, hosts: Hosts = UNSET, retryable: Retryable = False
    ) -> CrawlJobPayload:
        choice = retry.Choice(_several(reasons), _several(hosts), retryable)
        return await _crawl_job(_acting(partial(retry.retry, choice=choice), CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Delete a crawl job and all that belongs to it.")
    async def delete_crawl_job(self, info: Info, id: ID) -> DeletePayload:
        return await _deleted(id, _deleting(crawl.delete, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Judge a crawl job's images by rules, without fetching again.")
    async def create_validation_job(self, info: Info, input: CreateValidationJobInput) -> ValidationJobPayload:
        made = _create_validation_job(info, input)
        return await _answer(ValidationJobPayload, "validation_job", "ValidationJob", made)

    @strawberry.mutation(description="End a validation job now; verdicts that were given stay.")
    async def cancel_validation_job(self, info: Info, id: ID) -> ValidationJobPayload:
        made = _acting(validation.cancel, VALIDATION_JOB_KIND, id, info)
        return await _answer(ValidationJobPayload, "validation_job", "ValidationJob", made)

    @strawberry.mutation(description="Make a dataset of a crawl job's usable images.")
    async def create_export_job(self, info: Info, input: CreateExportJobInput) -> ExportJobPayload:
        return await _answer(ExportJobPayload, "export_job", "ExportJob", _create_export_job(info, input))

    @strawberry.mutation(description="End an export job now.")
    async def cancel_export_job(self, info: Info, id: ID) -> ExportJobPayload:
        made = _acting(export.cancel, EXPORT_JOB_KIND, id, info)
        return await _answer(ExportJobPayload, "export_job", "ExportJob", made)

    @strawberry.mutation(description="Delete an export job and its file.")
    async def delete_export_job(self, info: Info, id: ID) -> DeletePayload:
        return await _deleted(id, _deleting(export.delete, EXPORT_JOB_KIND, id, info))

    @strawberry.mutation(description="Change your profile.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> ProfilePayload:
        name, picture = input.full_name, input.avatar_url
        try:
            await profile.update(
                info.context.viewer,
                full_name=None if name is UNSET else name,
                set_full_name=name is not UNSET,
                avatar_url=None if picture is UNSET else picture,
                set_avatar_url=picture is not UNSET,
            )
        except AppError as error:
            return ProfilePayload(errors=[user_error(error)])
        return ProfilePayload(profile=ref("Profile", info.context.viewer.id))
