"""The query root. What reads rows is compiled; nothing here queries."""

from __future__ import annotations

import strawberry

from schema.reading import declare
from schema.source_preview import SourcePreviewPayload, source_preview
from schema.types.crawl_job import CrawlJob
from schema.types.export_job import ExportJob
from schema.types.image import Image
from schema.types.paging import Connection, Node
from schema.types.profile import Profile
from schema.types.project import Project, ProjectFilter, ProjectOrder
from schema.types.source import Source, all_sources
from schema.types.validation_job import ValidationJob


@strawberry.type(description="What can be read. What is missing and what is not visible to the viewer look the same.")
class Query:
    """The query root."""

    viewer: Profile = declare.viewer("The profile of whoever asks.")
    node: Node | None = declare.node("Whatever has this global id; null when it is missing, malformed or not visible.")
    nodes: list[Node | None] = declare.nodes(
        "Whatever has these global ids, in their order; null for each that is not."
    )
    projects: Connection[Project] = declare.many(
        None,
        where=ProjectFilter,
        order=ProjectOrder,
        description="Every visible project: an administrator's list holds everyone's.",
    )
    project: Project | None = declare.by_id("A project.")
    crawl_job: CrawlJob | None = declare.by_id("A crawl job.")
    image: Image | None = declare.by_id("An image.")
    validation_job: ValidationJob | None = declare.by_id("A validation job.")
    export_job: ExportJob | None = declare.by_id("An export job.")
    source_preview: SourcePreviewPayload = strawberry.field(
        resolver=source_preview,
        description="Ask sources for keywords and some of their first images, without making a job or writing a row.",
    )
    sources: list[Source] = strawberry.field(
        resolver=all_sources, description="Every source that there is, usable or not."
    )
