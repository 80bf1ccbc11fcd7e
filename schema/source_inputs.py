"""What each source takes, as the member of `SourceInput` that has its name.

Only shapes: what a value may be is checked by the source itself (`app/sources/`), whose error names the field here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import UNSET

from app.values import SourceSpec
from schema.types.scalars import JSON

LICENSES = "Only under these licenses, by slug: by, by-sa, by-nc, cc0, pdm, …"
MIN_WIDTH = "Least width in pixels, by the source's own claim."
RENDITION = "Take the smallest rendition that is at least this many pixels wide instead of the original."
FILTER = "The search's own license filter; it is no license of an item."
SAFE = "Leave out what the search calls unsafe; true unless told."
LANGUAGE = "A language code, e.g. en."
COUNTRY = "A country code, e.g. US."
ORIENTATION = "landscape, portrait or square."
SIZE = "small, medium, large or wallpaper."
KIND = "photo, clipart, gif, transparent or line."
SHAPE = "square, tall or wide."


def _may(description: str) -> Any:
    return strawberry.field(description=description, default=UNSET)


@strawberry.input(description="Openly licensed pictures that Openverse knows, by keyword.")
class OpenverseInput:
    """Of `app/sources/openverse.py`."""

    license: list[str] | None = _may(LICENSES)
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Files of Wikimedia Commons, by keyword.")
class CommonsInput:
    """Of `app/sources/commons.py`."""

    license: list[str] | None = _may("Only under these: by, by-sa, cc0, pd, pdm, gfdl, sa.")
    min_width: int | None = _may(MIN_WIDTH)
    rendition_width: int | None = _may(RENDITION)


@strawberry.input(description="The pictures of web pages.")
class WebPageInput:
    """Of `app/sources/web_page.py`."""

    urls: list[str] = strawberry.field(description="Addresses of pages: 1 to 100.")


@strawberry.input(description="The pictures of whole sites: by sitemap, feed, or the pages that these name.")
class SiteInput:
    """Of `app/sources/site.py`."""

    urls: list[str] = strawberry.field(description="Addresses of sites, sitemaps or feeds: 1 to 20.")
    max_pages: int | None = _may("Pages to read at most: 1 to 100,000, 1,000 unless told.")
    read_pages: bool | None = _may("Whether pages are read that name no images themselves; true unless told.")


@strawberry.input(description="Images of an own SearXNG instance, by keyword.")
class SearxngInput:
    """Of `app/sources/searxng.py`."""

    engines: str | None = _may("Names of engines, separated by commas: at most 20.")
    language: str | None = _may("A language code, or all.")
    safe_search: int | None = _may("0 off, 1 moderate, 2 strict.")
    time_range: str | None = _may("day, month or year.")
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="The images of IIIF collections and manifests.")
class IiifInput:
    """Of `app/sources/iiif.py`."""

    urls: list[str] = strawberry.field(description="Addresses of collections or manifests: 1 to 100.")
    max_side: int | None = _may("Pixels of the longer side that are enough; the largest unless told.")


@strawberry.input(description="The images of buckets and folders that list their files.")
class BucketInput:
    """Of `app/sources/bucket.py`."""

    urls: list[str] = strawberry.field(description="Addresses of buckets or folders: 1 to 20.")
    label_by_folder: bool | None = _may("Whether an image's folder is its label; false unless told.")


@strawberry.input(description="DuckDuckGo's image search. Off unless the operator enables it.")
class DuckduckgoInput:
    """Of `app/sources/duckduckgo.py`."""

    license: str | None = _may(FILTER + " any, public, share, share_commercially, modify or modify_commercially.")
    time: str | None = _may("day, week, month or year.")
    size: str | None = _may(SIZE)
    kind: str | None = _may(KIND)
    shape: str | None = _may(SHAPE)
    region: str | None = _may("e.g. us-en.")
    safe_search: bool | None = _may(SAFE)
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Bing's image search. Off unless the operator enables it.")
class BingInput:
    """Of `app/sources/bing.py`."""

    license: str | None = _may(FILTER + " any, public_domain, commercial or modify_commercially.")
    size: str | None = _may(SIZE)
    kind: str | None = _may(KIND)
    shape: str | None = _may(SHAPE)
    max_age_days: int | None = _may("1 to 3,650.")
    market: str | None = _may("e.g. en-US.")
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Baidu's image search. Off unless the operator enables it.")
class BaiduInput:
    """Of `app/sources/baidu.py`."""

    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Flickr's photographs under open licenses, by keyword. Needs the operator's key.")
class FlickrInput:
    """Of `app/sources/flickr.py`."""

    license: list[str] | None = _may(LICENSES)
    match: str | None = _may("Where the keyword is sought: text or tags.")
    min_width: int | None = _may(MIN_WIDTH)
    rendition_width: int | None = _may(RENDITION)


@strawberry.input(description="Brave's image search: one page a keyword. Needs the operator's key.")
class BraveInput:
    """Of `app/sources/brave.py`."""

    country: str | None = _may(COUNTRY)
    language: str | None = _may(LANGUAGE)
    safe_search: bool | None = _may(SAFE)
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Google's image search through SerpApi. Needs the operator's key.")
class SerpapiInput:
    """Of `app/sources/serpapi.py`."""

    license: str | None = _may(FILTER + " creative_commons or commercial.")
    country: str | None = _may(COUNTRY)
    language: str | None = _may(LANGUAGE)
    safe_search: bool | None = _may(SAFE)
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Pexels. Its terms forbid datasets without permission: off unless enabled, with a key.")
class PexelsInput:
    """Of `app/sources/pexels.py`."""

    orientation: str | None = _may(ORIENTATION)
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Pixabay. Its terms forbid mass download: off unless enabled, with a key.")
class PixabayInput:
    """Of `app/sources/pixabay.py`."""

    orientation: str | None = _may("landscape or portrait.")
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="Unsplash. Its terms restrict machine learning: off unless enabled, with a key.")
class UnsplashInput:
    """Of `app/sources/unsplash.py`."""

    orientation: str | None = _may(ORIENTATION)
    min_width: int | None = _may(MIN_WIDTH)


@strawberry.input(description="One image of a URL list.")
class UrlEntryInput:
    """An entry."""

    url: str = strawberry.field(description="The image's address, http or https.")
    keyword: str | None = _may("Its class label; the job's first keyword unless told.")
    provenance: JSON | None = _may(
        "An object: source, landingUrl, title, creator, license, …; the rest is kept in `extra`."
    )


@strawberry.input(description="A list of URLs: given here, or a file uploaded before.", one_of=True)
class UrlListInput:
    """Of `app/sources/url_list.py`."""

    entries: list[UrlEntryInput] | None = _may("The list itself.")
    upload_id: strawberry.ID | None = _may("From `createUrlListUpload`.")


@strawberry.input(description="Where candidates come from: exactly one.", one_of=True)
class SourceInput:
    """One source of a crawl job; a member has the name of the source."""

    openverse: OpenverseInput | None = _may("Openverse.")
    commons: CommonsInput | None = _may("Wikimedia Commons.")
    web_page: WebPageInput | None = _may("Web pages.")
    site: SiteInput | None = _may("Sites, by sitemap or feed.")
    searxng: SearxngInput | None = _may("An own SearXNG instance.")
    iiif: IiifInput | None = _may("IIIF collections and manifests.")
    url_list: UrlListInput | None = _may("A list of URLs.")
    bucket: BucketInput | None = _may("Buckets and folders that list their files.")
    duckduckgo: DuckduckgoInput | None = _may("DuckDuckGo.")
    bing: BingInput | None = _may("Bing.")
    baidu: BaiduInput | None = _may("Baidu.")
    flickr: FlickrInput | None = _may("Flickr.")
    brave: BraveInput | None = _may("Brave.")
    serpapi: SerpapiInput | None = _may("SerpApi.")
    pexels: PexelsInput | None = _may("Pexels.")
    pixabay: PixabayInput | None = _may("Pixabay.")
    unsplash: UnsplashInput | None = _may("Unsplash.")

    def spec(self) -> SourceSpec:
        """The source's name and options, in the words of `app/sources/`."""
        ((name, asked),) = given(**vars(self)).items()
        options = given(**vars(asked))
        if "entries" in options:
            options["entries"] = [given(**vars(entry)) for entry in options["entries"]]
        if "upload_id" in options:
            options["upload_id"] = str(options["upload_id"])
        return SourceSpec(name, options)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were given and are not null."""
    return {name: value for name, value in fields.items() if value is not UNSET and value is not None}


def plain(value: Any) -> Any:
    """A coerced input as JSON has it: enums by their value, times as RFC 3339."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return getattr(value, "value", value)
