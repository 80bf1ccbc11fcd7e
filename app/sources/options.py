"""A source's options, checked: the value that will be used, or Invalid with the GraphQL field and its limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.errors import Invalid
from app.values import Json, camel

MAX_WIDTH = 100_000
SHOWN = 100
"""Characters of a wrong value that the error repeats."""


def check_number(options: Mapping[str, Json], name: str, least: int, most: int, unit: str = "") -> int | None:
    """A whole number within limits; None where it was not given."""
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        limit = f"{least:,} to {most:,}"
        words = f"{camel(name)} must be {limit}{unit and ' '}{unit}."
        raise Invalid(words, path=[camel(name)], limit=limit, actual=str(value)[:SHOWN])
    return value


def check_min_width(options: Mapping[str, Json]) -> int | None:
    """The option `min_width`, pixels, 1 to MAX_WIDTH."""
    return check_number(options, "min_width", 1, MAX_WIDTH, "pixels")


def check_choice(options: Mapping[str, Json], name: str, known: Sequence[str]) -> str | None:
    """One of the known words; None where it was not given."""
    value = options.get(name)
    return None if value is None else _known(value, known, name, [camel(name)])


def check_choices(options: Mapping[str, Json], name: str, known: Sequence[str]) -> list[str] | None:
    """A list of known words, without doubles; None where it was not given or is empty."""
    values = options.get(name)
    if values is None:
        return None
    if not isinstance(values, list | tuple):
        raise Invalid(f"{camel(name)} must be a list.", path=[camel(name)])
    checked = [_known(value, known, name, [camel(name), str(place)]) for place, value in enumerate(values)]
    return list(dict.fromkeys(checked)) or None


def given(**checked: Json) -> dict[str, Json]:
    """The options that have a value."""
    return {name: value for name, value in checked.items() if value is not None}


def _known(value: Json, known: Sequence[str], name: str, path: list[str]) -> str:
    if not isinstance(value, str) or value not in known:
        limit = ", ".join(known)
        words = f"There is no {name.replace('_', ' ')} {str(value)[:SHOWN]}; known are {limit}."
        raise Invalid(words, path=path, limit=limit, actual=str(value)[:SHOWN])
    return value
