"""What mutations take. Shapes only: the limits stand in `app/jobs/`, so that every way in meets them.

Where absent and null say different things, in what changes a row, a field is a `Maybe`: None is absent, `Some(None)`
null. Elsewhere both say that nothing is asked, and the default is UNSET: one of None would stand in the SDL.
"""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET, Maybe

from schema.expansion_input import KeywordExpansionInput
from schema.image_inputs import chosen
from schema.source_inputs import SourceInput, given, plain
from schema.types.enums import ExportFormat, NearDuplicateScope
from schema.types.image import ImageFilter


@strawberry.input(description="A new project.")
class CreateProjectInput:
    """Of `createProject`."""

    name: str = strawberry.field(description="1 to 100 characters.")
    description: str | None = strawberry.field(description="At most 2,000 characters.", default=UNSET)


@strawberry.input(description="Changes of a project: what is absent stays, null clears.")
class UpdateProjectInput:
    """Of `updateProject`."""

    id: strawberry.ID = strawberry.field(description="The project.")
    name: Maybe[str | None] = strawberry.field(description="1 to 100 characters; cannot be null.", default=None)
    description: Maybe[str | None] = strawberry.field(description="At most 2,000 characters.", default=None)


@strawberry.input(description="A new crawl job.")
class CreateCrawlJobInput:
    """Of `createCrawlJob`."""

    project_id: strawberry.ID = strawberry.field(description="The project it belongs to.")
    name: str = strawberry.field(description="1 to 100 characters.")
    sources: list[SourceInput] = strawberry.field(description="Where candidates come from: 1 to 20.")
    keywords: list[str] = strawberry.field(
        description="What to search for, and the images' class labels: at most 100 of 200 characters.",
        default_factory=list,
    )
    max_images: int = strawberry.field(description="How many usable images to store.", default=1000)
    chunk_size: int = strawberry.field(description="Images that one worker fetches at a time: 1 to 5,000.", default=500)
    start: bool = strawberry.field(description="Whether to start at once; else `startCrawlJob` does.", default=True)
    idempotency_key: str | None = strawberry.field(
        description="The same key gives the same job again; at most 100 characters.", default=UNSET
    )
    expansion: KeywordExpansionInput | None = strawberry.field(
        description="What to search for beside the keywords, which stay the labels.", default=UNSET
    )


@strawberry.input(description="Which ended crawl job is crawled again.")
class RecrawlCrawlJobInput:
    """Of `recrawlCrawlJob`."""

    id: strawberry.ID = strawberry.field(description="The crawl job: completed, failed or cancelled.")
    name: str | None = strawberry.field(
        description="What the new job is called: 1 to 100 characters, like the former one unless told.", default=UNSET
    )
    idempotency_key: str | None = strawberry.field(
        description="The same key gives the same job again; at most 100 characters.", default=UNSET
    )


@strawberry.input(description="Changes of a crawl job: what is absent stays.")
class UpdateCrawlJobInput:
    """Of `updateCrawlJob`."""

    id: strawberry.ID = strawberry.field(description="The crawl job.")
    name: Maybe[str | None] = strawberry.field(description="1 to 100 characters; cannot be null.", default=None)
    max_images: Maybe[int | None] = strawberry.field(description="The new goal; cannot be null.", default=None)


@strawberry.input(description="A URL list that will be uploaded.")
class CreateUrlListUploadInput:
    """Of `createUrlListUpload`."""

    filename: str = strawberry.field(description="Its suffix tells its kind: .csv, .tsv, .txt, .jsonl or .parquet.")


@strawberry.input(description="When an image is good enough; what is absent is not asked.")
class ValidationRulesInput:
    """Rules over stored measures."""

    min_width: int | None = strawberry.field(description="Pixels.", default=UNSET)
    min_height: int | None = strawberry.field(description="Pixels.", default=UNSET)
    max_width: int | None = strawberry.field(description="Pixels.", default=UNSET)
    max_height: int | None = strawberry.field(description="Pixels.", default=UNSET)
    min_aspect_ratio: float | None = strawberry.field(description="Width divided by height.", default=UNSET)
    max_aspect_ratio: float | None = strawberry.field(description="Width divided by height.", default=UNSET)
    min_file_size: int | None = strawberry.field(description="Bytes.", default=UNSET)
    max_file_size: int | None = strawberry.field(description="Bytes.", default=UNSET)
    formats: list[str] | None = strawberry.field(description="By content: jpeg, png, webp, …", default=UNSET)
    min_brightness: float | None = strawberry.field(
        description="Mean lightness, 0 (black) to 1 (white); under about 0.3 a picture is dark.", default=UNSET
    )
    max_brightness: float | None = strawberry.field(description="Mean lightness, 0 to 1.", default=UNSET)
    min_contrast: float | None = strawberry.field(
        description="Standard deviation of lightness, 0 (one tone) to 0.5 (black and white).", default=UNSET
    )
    max_contrast: float | None = strawberry.field(description="Standard deviation of lightness.", default=UNSET)
    min_entropy: float | None = strawberry.field(
        description="Entropy of lightness, bits, 0 (one tone) to 8; under about 3 a picture tells little.",
        default=UNSET,
    )
    max_entropy: float | None = strawberry.field(description="Entropy of lightness, bits.", default=UNSET)
    min_sharpness: float | None = strawberry.field(
        description="Variance of the Laplacian, 0 (no edge) and more; blurred pictures have little.",
        default=UNSET,
    )
    max_sharpness: float | None = strawberry.field(description="Variance of the Laplacian.", default=UNSET)
    grayscale: bool | None = strawberry.field(
        description="True: only files of one channel; false: none of them; unless told both.", default=UNSET
    )
    near_duplicate_distance: int | None = strawberry.field(
        description="Of images whose perceptual hashes differ in so many of 64 bits or fewer one is kept: 0 to 8.",
        default=UNSET,
    )
    near_duplicate_scope: NearDuplicateScope | None = strawberry.field(
        description="Where near-duplicates are looked for: in the job unless told.", default=UNSET
    )
    near_duplicate_mirrored: bool | None = strawberry.field(
        description="Whether a mirrored picture counts as a near-duplicate; unless told it does not.", default=UNSET
    )

    def rules(self) -> dict[str, Any]:
        """What was given, by the names of `app/checks/rules.py`."""
        return {name: plain(value) for name, value in given(**vars(self)).items()}


@strawberry.input(description="A new validation job.")
class CreateValidationJobInput:
    """Of `createValidationJob`."""

    crawl_job_id: strawberry.ID = strawberry.field(description="The crawl job whose images are judged.")
    rules: ValidationRulesInput = strawberry.field(description="By which rules.")
    name: str | None = strawberry.field(description="1 to 100 characters.", default=UNSET)


@strawberry.input(description="A new export job.")
class CreateExportJobInput:
    """Of `createExportJob`."""

    crawl_job_id: strawberry.ID = strawberry.field(description="The crawl job whose images are exported.")
    name: str | None = strawberry.field(description="1 to 100 characters.", default=UNSET)
    format: ExportFormat = strawberry.field(description="The dataset's format.", default=ExportFormat.ZIP)
    filter: ImageFilter | None = strawberry.field(
        description="Only these images; all usable ones unless told.", default=UNSET
    )

    def chosen(self) -> dict[str, Any]:
        """The filter by the names of `app/jobs/image_filter.py`, as JSON."""
        return chosen(self.filter, ("input", "filter")) if self.filter else {}


@strawberry.input(description="Changes of your profile: what is absent stays, null clears.")
class UpdateProfileInput:
    """Of `updateProfile`."""

    full_name: Maybe[str | None] = strawberry.field(description="1 to 100 characters.", default=None)
    avatar_url: Maybe[str | None] = strawberry.field(
        description="http or https, at most 8,192 characters.", default=None
    )
