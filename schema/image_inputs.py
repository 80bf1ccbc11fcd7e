"""Which images of a crawl job a mutation is about, and what they become. The limits stand in `app/jobs/images.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET, Maybe

from app.errors import Invalid
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.documents import clean
from app.jobs.images import Choice, Wanted
from app.values import camel
from schema.reading.ids import int_key
from schema.source_inputs import given, plain
from schema.types.enums import ImageVerdict
from schema.types.image import ImageFilter, crawl_job_key


def chosen(asked: ImageFilter, path: Sequence[str]) -> dict[str, Any]:
    """A filter by the names of `app/jobs/image_filter.py`, as JSON; an id by the key in it, or NotFound."""
    found = {name: plain(value) for name, value in given(**vars(asked)).items()}
    if "gone_in" in found:
        found["gone_in"] = crawl_job_key(found["gone_in"])
        if found["gone_in"] is None:
            raise CRAWL_JOB_KIND.missing([*path, "goneIn"])
    return found


def _findable(found: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The filter; Invalid for a text that no row can hold."""
    for name, value in found.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and clean(one) != one:
                what = f"{camel(name)} must hold neither the character NUL nor half of a surrogate pair."
                raise Invalid(what, path=[*path, camel(name)])
    return found


@strawberry.input(description="Which of a crawl job's images: these, or all that a filter keeps.", one_of=True)
class ImageChoiceInput:
    """Of mutations of many images."""

    ids: list[strawberry.ID] | None = strawberry.field(
        description="These, all or none: 1 to 100 ids of images of the crawl job.", default=UNSET
    )
    filter: ImageFilter | None = strawberry.field(
        description="Those that it keeps and that this can be done to; at most 5,000 a request.", default=UNSET
    )

    def choice(self) -> Choice:
        """The same in the words of `app/jobs/images.py`."""
        if self.ids:
            return Choice(ids=[int_key(str(one), "Image") for one in self.ids])
        if self.filter:
            path = ("input", "images", "filter")
            return Choice(chosen=_findable(chosen(self.filter, path), path))
        return Choice(ids=())


@strawberry.input(description="Changes of many images of one crawl job: what is absent stays.")
class UpdateImagesInput:
    """Of `updateImages`."""

    crawl_job_id: strawberry.ID = strawberry.field(description="The crawl job.")
    images: ImageChoiceInput = strawberry.field(description="Which of its images.")
    verdict: Maybe[ImageVerdict | None] = strawberry.field(
        description="Whether they are kept or refused; null gives a verdict back, and the next validation judges.",
        default=None,
    )
    reason: str | None = strawberry.field(
        description="Why, in the images' `issues`: at most 200 characters; goes with a verdict.", default=UNSET
    )
    keyword: Maybe[str | None] = strawberry.field(
        description="Their class in the dataset: at most 200 characters; null is none.", default=None
    )

    def wanted(self) -> Wanted:
        """The same in the words of `app/jobs/images.py`."""
        status = None
        if self.verdict is not None:
            status = str(self.verdict.value.value) if self.verdict.value is not None else "downloaded"
        return Wanted(
            status,
            None if self.reason is UNSET else self.reason,
            self.keyword.value if self.keyword else None,
            relabels=self.keyword is not None,
        )


@strawberry.input(description="Which images of one crawl job are deleted.")
class DeleteImagesInput:
    """Of `deleteImages`."""

    crawl_job_id: strawberry.ID = strawberry.field(description="The crawl job.")
    images: ImageChoiceInput = strawberry.field(description="Which of its images.")
