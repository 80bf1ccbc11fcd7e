"""The list of an image's near-duplicates: looked up by bands of the perceptual hash, nearest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.checks.hamming import MAX_RADIUS, reach
from app.checks.near_duplicates import MIRROR
from app.errors import Invalid
from app.models.image import HASHED, band_keys, hash_keys, job_key
from app.models.states import STORED
from schema.reading.declare import Given, Ranked, plain, ranked
from schema.types.enums import NearDuplicateScope
from schema.types.paging import PageInfo

if TYPE_CHECKING:
    from schema.types.image import Image

DISTANCE = 4
"""The distance unless told: resized, recompressed and relit pictures lie within it, hardly any others do."""

# `{turned}` are the bits that a mirrored picture turns, or 0.
APART = "least(bit_count((n$.phash # {t}.phash)::bit(64)), bit_count((n$.phash # {t}.phash # {turned})::bit(64)))::int"
KEYS = hash_keys("n$.crawl_job_id", "n$.phash")
# The index holds each hash under its bands and its job. What is near is under one of the bands within `reach`; jobs are
# asked for by the index too, so that hashes of other people's jobs cost no visit to their rows.
RELATION = f"""(select n$.*, {APART} as rank$ from images n$
    where {KEYS} && array(
        select ({band_keys("({t}.phash # u$.turn)")})[1 + (m$ >> 22)] # (m$ & 4194303)
        from unnest({{reach}}) m$, (select 0::bigint as turn union select {{turned}}) u$
    ) and {KEYS} && array(
        select {job_key("{t}.crawl_job_id")}
        union select {job_key("o$.id")} from crawl_jobs c$ join crawl_jobs o$ on o$.project_id = c$.project_id
        where c$.id = {{t}}.crawl_job_id and {{scope}} = 'project'
    ) and n$.{HASHED} and n$.status in {STORED} and n$.id <> {{t}}.id and {APART} <= {{distance}})"""  # noqa: S608 - text of ours


@strawberry.type(description="An image that looks like another, and how much.")
class NearDuplicateEdge:
    """A near-duplicate with its distance."""

    cursor: str = plain("Its place in the list: what `after` and `before` take.")
    distance: int = plain("In how many of 64 bits the perceptual hashes differ, or one from the other's mirrored.")
    node: Annotated[Image, strawberry.lazy("schema.types.image")] = plain("The image.")


@strawberry.type(description="A page of an image's near-duplicates.")
class NearDuplicateConnection:
    """A page, its images with and without distances."""

    edges: list[NearDuplicateEdge] = plain("The page's images with their distances.")
    nodes: list[Annotated[Image, strawberry.lazy("schema.types.image")]] = plain("The page's images.")
    page_info: PageInfo = plain("Where the page lies in the list.")
    total_count: int = plain("Images of the whole list, on this page or not.")


def near_duplicates(where: Any, order: Any) -> Any:
    """The field: stored images within a distance, nearest first; `where` and `order` are the inputs of images."""
    return ranked(
        Ranked(
            RELATION,
            {
                "reach": ("distance", Given("int[]", lambda value, path: list(reach(_checked(value, path))))),
                "distance": ("distance", Given("int", _checked)),
                "scope": ("scope", Given("text", lambda value, _: value)),
                "turned": ("mirrored", Given("bigint", lambda value, _: MIRROR - 2**64 if value else 0)),
            },
            edge="distance",
            kin=(("projects", "crawl_jobs", "project_id"), ("crawl_jobs", "images", "crawl_job_id")),
        ),
        "Stored images that look like it, nearest first, without itself; none while its hash is not known.",
        where=where,
        order=order,
        distance=(int, f"In how many of 64 bits the perceptual hashes may differ: 0 to {MAX_RADIUS}.", DISTANCE),
        scope=(NearDuplicateScope, "Where they are looked for.", NearDuplicateScope.JOB),
        mirrored=(bool, "Whether mirrored pictures are looked for as well.", False),
    )


def _checked(distance: int, path: Sequence[str]) -> int:
    if not 0 <= distance <= MAX_RADIUS:
        raise Invalid(
            f"distance takes 0 to {MAX_RADIUS} bits, not {distance}.",
            path=path,
            limit=str(MAX_RADIUS if distance > MAX_RADIUS else 0),
            actual=str(distance),
        )
    return distance
