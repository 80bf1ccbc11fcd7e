"""What every mutation does around its verb: ids become keys, and what was wrong becomes data of the payload."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import strawberry
from strawberry import UNSET

from app.errors import AppError
from app.jobs.change import Kind
from schema.context import Context
from schema.payloads import DeletePayload, user_error
from schema.reading.declare import ref
from schema.reading.ids import int_key

Info = strawberry.Info[Context, None]
ID = strawberry.ID


async def answer(payload: Any, field: str, type_name: str, doing: Awaitable[int]) -> Any:
    """`payload` with the row that `doing` names, or with what was wrong as data."""
    try:
        return payload(**{field: ref(type_name, await doing)})
    except AppError as error:
        return payload(errors=[user_error(error)])


async def deleted(given: ID, doing: Awaitable[object]) -> DeletePayload:
    """The id that was given, once `doing` is done, or what was wrong as data."""
    try:
        await doing
    except AppError as error:
        return DeletePayload(errors=[user_error(error)])
    return DeletePayload(deleted_id=given)


def key(given: ID, kind: Kind, *path: str) -> int:
    """The row's key; NotFound for an id that cannot name one."""
    found = int_key(str(given), kind.type_name)
    if found is None:
        raise kind.missing(path or ("id",))
    return found


def left_out(value: str | None) -> str | None:
    """A text that may be left out or null, which say the same."""
    return None if value is UNSET else value


def acting(verb: Any, kind: Kind, given: ID, info: Info) -> Awaitable[int]:
    """`verb(viewer, key)` once awaited, so that a bad id is an error as data too."""

    async def act() -> int:
        return int(await verb(info.context.viewer, key(given, kind)))

    return act()
