"""What image searches of the whole web have in common: they find images, and know nothing of their licenses.

A filter by license is a search's own guess: it is kept as `license_filter` in what is told about an image, and never as
the image's license, which stays unknown.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from app.errors import Invalid, SourceFailed
from app.sources.base import Page, Query, Source, Tools, clean_text, clean_url
from app.sources.markup import text_of
from app.sources.turns import Found, take_turns
from app.values import Candidate, Json, Provenance

GAP_S = 1.0
"""The least pause between two requests to one search: nobody there has asked for our speed."""
_PRINT_CHARS = 6
"""Of a hash in a cursor: 24 bits tell the few hundred addresses of two pages apart."""

_SIZE = re.compile(r"(\d{1,6})\s*[x\N{MULTIPLICATION SIGN}]\s*(\d{1,6})", re.IGNORECASE)


def off_unless_enabled(title: str, enabled: bool, setting: str) -> tuple[bool, str | None]:
    """The answer of `available` for a search that has no interface for programs."""
    if enabled:
        return True, None
    return False, (
        f"{title} is off: it offers programs no interface, and its terms do not provide for automated queries; it may "
        f"change or block us at any time. Who has read the terms and may use it so sets {setting}=true."
    )


async def in_turns(
    source: Source,
    tools: Tools,
    query: Query,
    cursor: Json | None,
    first: Json,
    ask: Callable[[str, Json], Awaitable[Found]],
) -> AsyncGenerator[Page, None]:
    """Pages of the keywords in turn, with a gap between requests. Raises SourceFailed where the source is unavailable.

    The settings of the process that asks may be others than those under which the job was taken.
    """
    usable, reason = source.available(tools.settings)
    if not usable:
        raise SourceFailed(reason or f"{source.title} is not available.")

    async def ask_slowly(keyword: str, state: Json) -> Found:
        if tools.memory.get("asked"):
            await tools.sleep(GAP_S)
        tools.memory["asked"] = True
        return await ask(keyword, state)

    async with contextlib.aclosing(take_turns(query.keywords, first, cursor, ask_slowly)) as pages:
        async for page in pages:
            yield page


def prints(urls: Sequence[str]) -> list[str]:
    """Short hashes of a page's addresses, for a cursor."""
    return [hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:_PRINT_CHARS] for url in urls]


def is_repeat(page: Sequence[str], before: Sequence[str]) -> bool:
    """Whether a page, by its prints, has nothing that the page before it had not; searches repeat at their end."""
    return not set(page) - set(before)


def http_url(value: object) -> str | None:
    """An http(s) address; one without a scheme is taken for https; None for all else, such as embedded data."""
    url = clean_url(value) if isinstance(value, str) else ""
    url = f"https:{url}" if url.startswith("//") else url
    return url if url.lower().startswith(("http://", "https://")) else None


def size_of(text: object) -> tuple[int | None, int | None]:
    """Width and height in pixels out of a text like `1920 x 1080`; None where it holds none."""
    found = _SIZE.search(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found else (None, None)


def pixels(value: object) -> int | None:
    """A claimed length, which may be written as text; None where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def candidate(source: str, keyword: str, url: str, about: Mapping[str, Json], query: Query) -> Candidate | None:
    """A result as a candidate; None where it is narrower than wanted by its own claim.

    `about`: `page`, `title` and `creator` as the source has them, HTML or not; everything else goes to `extra`.
    """
    width, least = about.get("width"), query.options.get("min_width")
    if least is not None and isinstance(width, int) and width < least:
        return None
    extra = {name: value for name, value in about.items() if name not in ("page", "title", "creator")}
    extra["license_filter"] = query.options.get("license")
    return Candidate(
        url,
        keyword,
        Provenance(
            source=source,
            landing_url=http_url(about.get("page")),
            title=text_of(about.get("title")),
            creator=text_of(about.get("creator")),
            extra={name: told for name, value in extra.items() if (told := _told(value)) is not None} or None,
        ),
    )


def _told(value: Json) -> Json | None:
    """A value of `extra`: texts are cleaned, and what is no plain value is left out."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [told for one in value if isinstance(one, str) and (told := clean_text(one))] or None
    return value if isinstance(value, int | float) else None


def check_flag(options: Mapping[str, Json], name: str, field: str) -> bool | None:
    """True or false; None where it was not given. Raises Invalid, whose path is the GraphQL `field`."""
    value = options.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise Invalid(f"{field} must be true or false.", path=[field], actual=str(value)[:100])


def check_code(options: Mapping[str, Json], name: str, field: str, form: str, example: str) -> str | None:
    """A short code of the whole form of an expression; None where it was not given. Raises Invalid, as above."""
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise Invalid(f"{field} must be like {example}.", path=[field], limit=example, actual=str(value)[:100])
    return value


def with_key(title: str, key: str, setting: str, note: str = "") -> tuple[bool, str | None]:
    """The answer of `available` for an API that wants a key."""
    return (True, None) if key else (False, f"{title} needs a key: set {setting}. {note}".strip())
