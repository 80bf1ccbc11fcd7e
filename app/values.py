"""What crosses the doors between rooms: frozen values, named as the field they carry.

Everything here is plain data. Nothing imports a database, a queue or GraphQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.measures import Measures

Json = Any
"""What JSON can hold; `Any`, since a recursive alias costs more at the doors than it catches."""


MAX_URL_CHARS = 8_192
"""The longest address that is fetched. A source cuts a longer one to one character more: it then fails as bad_url."""


def camel(name: str) -> str:
    """A name of ours as GraphQL spells it: `min_width` → `minWidth`."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def snake(name: str) -> str:
    """A name of GraphQL's as we spell it: `minWidth` → `min_width`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. `everything` is true for an administrator, who sees every row."""

    id: UUID
    everything: bool = False
    expires_at: datetime | None = None
    """When the token that named them ends; a websocket is closed then."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an image comes from and what one may do with it; `None` where the source did not say.

    `license` is the source's own slug or text with its version, e.g. `by-sa 4.0`, `cc0 1.0`.
    """

    source: str | None = None
    landing_url: str | None = None
    title: str | None = None
    creator: str | None = None
    creator_url: str | None = None
    license: str | None = None
    license_url: str | None = None
    attribution: str | None = None
    extra: Mapping[str, Json] | None = None

    def as_json(self) -> dict[str, Json]:
        """The JSONB document: known keys only."""
        return {name: value for name in PROVENANCE_KEYS if (value := getattr(self, name)) is not None}


PROVENANCE_KEYS = tuple(one.name for one in fields(Provenance))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that a source offers: its address, the keyword that found it, and its provenance."""

    url: str
    keyword: str | None
    provenance: Provenance = field(default_factory=Provenance)


class RefusalCode(StrEnum):
    """Why an image is failed, invalid or a duplicate: the codes of `images.issues`."""

    BLOCKED_ADDRESS = "blocked_address"
    BAD_URL = "bad_url"
    DNS_FAILURE = "dns_failure"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    HTTP_STATUS = "http_status"
    ROBOTS = "robots"
    OPT_OUT = "opt_out"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    CORRUPT = "corrupt"
    TOO_MANY_PIXELS = "too_many_pixels"
    DUPLICATE = "duplicate"
    WIDTH = "width"
    HEIGHT = "height"
    ASPECT_RATIO = "aspect_ratio"
    FILE_SIZE = "file_size"
    FORMAT = "format"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    ENTROPY = "entropy"
    SHARPNESS = "sharpness"
    GRAYSCALE = "grayscale"
    NEAR_DUPLICATE = "near_duplicate"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason against an image: what was measured and the limit that it passed, both as text with a unit."""

    code: RefusalCode
    message: str
    measured: str | None = None
    limit: str | None = None

    def as_json(self) -> dict[str, str]:
        """The entry of `images.issues`; absent keys are left out."""
        document = {"code": str(self.code), "message": self.message}
        if self.measured is not None:
            document["measured"] = self.measured
        if self.limit is not None:
            document["limit"] = self.limit
        return document


@dataclass(frozen=True, slots=True)
class Former:
    """What a former crawl stored of the same address, and the validators that its host gave with it.

    `asked_url` is the address that answered, where redirects led to another one: the validators are that one's.
    """

    image_id: int
    sha256: bytes
    file_size: int
    measures: Measures
    storage_key: str
    etag: str | None = None
    last_modified: str | None = None
    asked_url: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A row that waits to be fetched."""

    image_id: int
    url: str
    former: Former | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """How a fetch went: whom it asked last, how often it was tried, and what the answer's head said.

    `final_url` is where redirects led; `http_status` is the last answer's, None where there was none. `passing` is true
    where it failed by what may be over later.
    """

    host: str | None = None
    attempts: int = 0
    http_status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    final_url: str | None = None
    passing: bool | None = None

    def as_json(self) -> dict[str, Json]:
        """The document `images.fetch`; what is not known is left out."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Fetched:
    """An image that was downloaded, verified, measured and stored under `storage_key`."""

    image_id: int
    url: str
    sha256: bytes
    file_size: int
    measures: Measures
    storage_key: str
    fetch: Fetch = Fetch()
    former_id: int | None = None
    """The row of a former crawl that the host said is unchanged: these are its bytes, and none were transferred."""
    former_sha256: bytes | None = None
    """What a former crawl stored of the address; None where it stored nothing, or there was none."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that was not taken, and why."""

    image_id: int
    url: str
    issue: Issue
    fetch: Fetch = Fetch()
    former_sha256: bytes | None = None
    """As of a Fetched one."""


Outcome = Fetched | Refused


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What a job asks of one source: its name and its options, checked by the source."""

    name: str
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expansion:
    """How a job's keywords are varied: what else its sources are asked for, the keyword staying the label.

    `templates` hold `{keyword}`; `synonyms` are by keyword; `languages` are codes of Wikidata; `bare` says whether the
    keyword itself is sought too.
    """

    templates: tuple[str, ...] = ()
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plurals: bool = False
    languages: tuple[str, ...] = ()
    bare: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    """What sources are asked for, the keyword that labels what they find, and what made the term of it."""

    keyword: str
    text: str
    by: str = "keyword"


@dataclass(frozen=True, slots=True)
class CrawlSpec:
    """A crawl job as it is asked for; limits are checked by `app/jobs/crawl.py`."""

    project_id: int
    name: str
    keywords: tuple[str, ...]
    sources: tuple[SourceSpec, ...]
    max_images: int = 1000
    chunk_size: int = 500
    start: bool = True
    idempotency_key: str | None = None
    expansion: Expansion = field(default_factory=Expansion)


@dataclass(frozen=True, slots=True)
class PreviewSpec:
    """What is asked of sources before a job is made; `first` candidates of each search are shown."""

    keywords: tuple[str, ...]
    sources: tuple[SourceSpec, ...]
    expansion: Expansion = field(default_factory=Expansion)
    first: int = 3


@dataclass(frozen=True, slots=True)
class Lease:
    """A chunk that is ours until the database says otherwise; `task` fences out whoever held it before."""

    crawl_job_id: int
    chunk: int
    task: str


@dataclass(frozen=True, slots=True)
class JobNews:
    """Something changed in a row: enough for a subscriber to know that it should look again.

    `kind` is the table's GraphQL type (`CrawlJob`, `ValidationJob`, `ExportJob`); `revision` only grows;
    `images` and `bytes` are running totals, for rates; `remaining` images are still to come, as far as is known;
    `project` is the key of the project that it belongs to.
    """

    kind: str
    id: int
    revision: int
    final: bool
    images: int = 0
    bytes: int = 0
    remaining: int = 0
    project: int = 0
