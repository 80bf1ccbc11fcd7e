"""Mutations: from inputs to `app/jobs/`, and back to a payload. They translate; they neither query nor decide."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

import strawberry
from strawberry import UNSET

from app.errors import AppError
from app.jobs import crawl, export, profile, project, recrawl, retry, upload, validation
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.export import EXPORT_JOB_KIND
from app.jobs.project import PROJECT_KIND
from app.jobs.validation import VALIDATION_JOB_KIND
from app.values import CrawlSpec
from schema.bulk import BulkMutation
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
from schema.types.enums import ExportFormat
from schema.types.failures import Hosts, Reasons, Retryable
from schema.verbs import ID, Info, acting, answer, deleted, key, left_out


async def _project(doing: Awaitable[int]) -> Any:
    return await answer(ProjectPayload, "project", "Project", doing)


async def _crawl_job(doing: Awaitable[int]) -> Any:
    return await answer(CrawlJobPayload, "crawl_job", "CrawlJob", doing)


def _several(values: list[str] | None) -> tuple[str, ...] | None:
    """A list that may be left out or null, which say the same."""
    return None if values is UNSET or values is None else tuple(values)


def _named(given: strawberry.Maybe[str | None]) -> str | None:
    """A name that may be left out but not null."""
    if given is None:
        return None
    if given.value is None:
        raise project.refuse_null("name")
    return given.value


async def _create_crawl_job(info: Info, given: CreateCrawlJobInput) -> int:
    spec = CrawlSpec(
        project_id=key(given.project_id, PROJECT_KIND, "input", "projectId"),
        name=given.name,
        keywords=tuple(given.keywords),
        sources=tuple(source.spec() for source in given.sources),
        max_images=given.max_images,
        chunk_size=given.chunk_size,
        start=given.start,
        idempotency_key=left_out(given.idempotency_key),
        expansion=expansion_of(given.expansion),
    )
    return await crawl.create(info.context.viewer, spec)


async def _update_project(info: Info, given: UpdateProjectInput) -> int:
    name, text = _named(given.name), given.description
    return await project.update(
        info.context.viewer,
        key(given.id, PROJECT_KIND, "input", "id"),
        name=name,
        description=text.value if text else None,
        clear_description=text is not None and text.value is None,
    )


async def _update_crawl_job(info: Info, given: UpdateCrawlJobInput) -> int:
    name, most = _named(given.name), given.max_images
    if most is not None and most.value is None:
        raise project.refuse_null("maxImages")
    job = key(given.id, CRAWL_JOB_KIND, "input", "id")
    return await crawl.update(info.context.viewer, job, name=name, max_images=most.value if most else None)


async def _recrawl_crawl_job(info: Info, given: RecrawlCrawlJobInput) -> int:
    job = key(given.id, CRAWL_JOB_KIND, "input", "id")
    asked = recrawl.Again(job, left_out(given.name), left_out(given.idempotency_key))
    return await recrawl.create(info.context.viewer, asked)


async def _create_validation_job(info: Info, given: CreateValidationJobInput) -> int:
    job = key(given.crawl_job_id, CRAWL_JOB_KIND, "input", "crawlJobId")
    return await validation.create(info.context.viewer, job, left_out(given.name), given.rules.rules())


async def _create_export_job(info: Info, given: CreateExportJobInput) -> int:
    job = key(given.crawl_job_id, CRAWL_JOB_KIND, "input", "crawlJobId")
    form = str(ExportFormat(given.format).value)
    return await export.create(info.context.viewer, job, left_out(given.name), form, given.chosen())


@strawberry.type(description="Changes. What is wrong with one is data in its payload's `errors`.")
class Mutation(BulkMutation):
    """All mutations."""

    @strawberry.mutation(description="Make a project.")
    async def create_project(self, info: Info, input: CreateProjectInput) -> ProjectPayload:
        made = project.create(info.context.viewer, input.name, left_out(input.description))
        return await _project(made)

    @strawberry.mutation(description="Rename or describe a project.")
    async def update_project(self, info: Info, input: UpdateProjectInput) -> ProjectPayload:
        return await _project(_update_project(info, input))

    @strawberry.mutation(description="Make a project read-only, but for exporting and deleting.")
    async def archive_project(self, info: Info, id: ID) -> ProjectPayload:
        return await _project(acting(project.archive, PROJECT_KIND, id, info))

    @strawberry.mutation(description="Make an archived project active again.")
    async def restore_project(self, info: Info, id: ID) -> ProjectPayload:
        return await _project(acting(project.restore, PROJECT_KIND, id, info))

    @strawberry.mutation(description="Delete a project and all that belongs to it.")
    async def delete_project(self, info: Info, id: ID) -> DeletePayload:
        return await deleted(id, acting(project.delete, PROJECT_KIND, id, info))

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
        return await _crawl_job(acting(crawl.start, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Begin no new chunks; those under way finish.")
    async def pause_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(acting(crawl.pause, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Go on with a paused crawl job.")
    async def resume_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(acting(crawl.resume, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="End a crawl job now; its pending rows stay pending.")
    async def cancel_crawl_job(self, info: Info, id: ID) -> CrawlJobPayload:
        return await _crawl_job(acting(crawl.cancel, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(
        description="Try an ended crawl job's failed and pending rows, and failed sources, again. With any of the"
        " other arguments only the failed rows that fit them all, beside pending ones, and no source."
    )
    async def retry_crawl_job(
        self, info: Info, id: ID, reasons: Reasons = UNSET, hosts: Hosts = UNSET, retryable: Retryable = False
    ) -> CrawlJobPayload:
        choice = retry.Choice(_several(reasons), _several(hosts), retryable)
        return await _crawl_job(acting(partial(retry.retry, choice=choice), CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Delete a crawl job and all that belongs to it.")
    async def delete_crawl_job(self, info: Info, id: ID) -> DeletePayload:
        return await deleted(id, acting(crawl.delete, CRAWL_JOB_KIND, id, info))

    @strawberry.mutation(description="Judge a crawl job's images by rules, without fetching again.")
    async def create_validation_job(self, info: Info, input: CreateValidationJobInput) -> ValidationJobPayload:
        made = _create_validation_job(info, input)
        return await answer(ValidationJobPayload, "validation_job", "ValidationJob", made)

    @strawberry.mutation(description="End a validation job now; verdicts that were given stay.")
    async def cancel_validation_job(self, info: Info, id: ID) -> ValidationJobPayload:
        made = acting(validation.cancel, VALIDATION_JOB_KIND, id, info)
        return await answer(ValidationJobPayload, "validation_job", "ValidationJob", made)

    @strawberry.mutation(description="Make a dataset of a crawl job's usable images.")
    async def create_export_job(self, info: Info, input: CreateExportJobInput) -> ExportJobPayload:
        return await answer(ExportJobPayload, "export_job", "ExportJob", _create_export_job(info, input))

    @strawberry.mutation(description="End an export job now.")
    async def cancel_export_job(self, info: Info, id: ID) -> ExportJobPayload:
        made = acting(export.cancel, EXPORT_JOB_KIND, id, info)
        return await answer(ExportJobPayload, "export_job", "ExportJob", made)

    @strawberry.mutation(description="Delete an export job and its file.")
    async def delete_export_job(self, info: Info, id: ID) -> DeletePayload:
        return await deleted(id, acting(export.delete, EXPORT_JOB_KIND, id, info))

    @strawberry.mutation(description="Change your profile.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> ProfilePayload:
        name, picture = input.full_name, input.avatar_url
        try:
            await profile.update(
                info.context.viewer,
                full_name=name.value if name else None,
                set_full_name=name is not None,
                avatar_url=picture.value if picture else None,
                set_avatar_url=picture is not None,
            )
        except AppError as error:
            return ProfilePayload(errors=[user_error(error)])
        return ProfilePayload(profile=ref("Profile", info.context.viewer.id))
