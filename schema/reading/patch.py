"""Derived fields: where a plan has them, and how their values come into an answer.

In the statement a derived field's response key holds the JSON array of what it is made of; here the array is replaced
by the function's value. There are no hidden names but `__typename` on rows of abstract type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from schema.reading.declare import Derived
from schema.reading.walk import Selected


@dataclass(frozen=True, slots=True)
class Patch:
    """What to do to an object, or to each of a list of them."""

    derived: tuple[tuple[str, Callable[..., Any]], ...] = ()
    inside: tuple[tuple[str, Patch], ...] = ()
    by_type: dict[str, Patch] | None = None
    """For an abstract level: what to do by `__typename`."""
    keep_type: bool = True


def holds_derived(f: Selected) -> bool:
    """Whether the field, or a field below it, is derived."""
    return isinstance(f.source, Derived) or any(holds_derived(one) for fields in f.on.values() for one in fields)


def patch_of(f: Selected, *, keep_types: bool) -> Patch | None:
    """What a field's value needs; None where nothing below it is derived. `keep_types` is for graphql-core."""
    if not f.abstract:
        return _patch_fields(f.below, keep_types=keep_types) if f.on else None
    if not holds_derived(f):
        return None
    by_type = {name: _patch_type(fields, keep_types=keep_types) for name, fields in f.on.items()}
    return Patch(by_type=by_type)


def _patch_type(fields: Sequence[Selected], *, keep_types: bool) -> Patch:
    found = _patch_fields(fields, keep_types=keep_types) or Patch()
    keep = keep_types or any(one.key == "__typename" for one in fields)
    return Patch(found.derived, found.inside, keep_type=keep)


def _patch_fields(fields: Sequence[Selected], *, keep_types: bool) -> Patch | None:
    derived = tuple((one.key, one.source.function) for one in fields if isinstance(one.source, Derived))
    inside = [(one.key, patch_of(one, keep_types=keep_types)) for one in fields]
    below = tuple((key, patch) for key, patch in inside if patch is not None)
    return Patch(derived, below) if derived or below else None


def apply(patch: Patch, value: Any, context: Any) -> None:
    """Put the derived values into a parsed answer, in place."""
    if isinstance(value, list):
        for one in value:
            apply(patch, one, context)
    elif value is not None:
        _apply_one(patch, value, context)


def _apply_one(patch: Patch, row: dict[str, Any], context: Any) -> None:
    if patch.by_type is not None:
        patch = patch.by_type[row["__typename"]]
        if not patch.keep_type:
            del row["__typename"]
    for key, function in patch.derived:
        row[key] = function(context, *row[key])
    for key, below in patch.inside:
        apply(below, row[key], context)
