"""The limits of what a person may ask for, each with its unit, and the checks that name field, limit and value."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import Invalid
from app.jobs.documents import clean

NAME_CHARS = 100
DESCRIPTION_CHARS = 2_000
KEYWORD_CHARS = 200
URL_CHARS = 8_192
KEYWORDS = 100
SOURCES = 20
MAX_IMAGES = 10_000_000
CHUNK_SIZE = 5_000
IDEMPOTENCY_KEY_CHARS = 100


def check_text(value: str, path: Sequence[str], most: int, *, least: int = 1) -> str:
    """`value` without blanks at its ends; Invalid where it is not `least` to `most` characters or not storable."""
    text = value.strip()
    name = next(part for part in reversed(path) if not part.isdigit())
    if clean(text) != text:
        raise Invalid(f"{name} must hold neither the character NUL nor half of a surrogate pair.", path=path)
    if not least <= len(text) <= most:
        what = f"{least} to {most} characters" if least else f"at most {most} characters"
        raise Invalid(f"{name} takes {what}, not {len(text)}.", path=path, limit=str(most), actual=str(len(text)))
    return text


def check_number(value: int, path: Sequence[str], least: int, most: int) -> int:
    """`value`; Invalid where it does not lie in `least`..`most`."""
    if not least <= value <= most:
        limit = str(least if value < least else most)
        raise Invalid(f"{path[-1]} takes {least} to {most}, not {value}.", path=path, limit=limit, actual=str(value))
    return value


def check_count(values: Sequence[object], path: Sequence[str], least: int, most: int) -> None:
    """Invalid where there are not `least` to `most` values."""
    if not least <= len(values) <= most:
        limit = str(least if len(values) < least else most)
        raise Invalid(
            f"{path[-1]} takes {least} to {most} entries, not {len(values)}.",
            path=path,
            limit=limit,
            actual=str(len(values)),
        )
