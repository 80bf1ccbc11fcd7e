"""The contract's scalars. What is read arrives in output form already, made by the database, and passes as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError

if TYPE_CHECKING:
    # For resolvers they are what Python has; only the schema tells them apart.
    BigInt = int
    JSON = Any
    URL = str
else:
    BigInt = NewType("BigInt", int)
    JSON = NewType("JSON", object)
    URL = NewType("URL", str)

MAX_SAFE = 2**53 - 1


def moment_text(value: Any) -> str:
    """RFC 3339 in UTC; text is the database's own."""
    return value if isinstance(value, str) else str(value.astimezone(UTC).isoformat())


def read_moment(value: Any) -> datetime:
    """A time of a client: RFC 3339, in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise GraphQLError("A DateTime is written like 2026-07-01T12:00:00Z.") from error


def read_big(value: Any) -> int:
    """A whole number that every JSON reader keeps whole."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_SAFE:
        raise GraphQLError(f"A BigInt is a whole number of at most {MAX_SAFE}.")
    return value


def read_uuid(value: Any) -> UUID:
    """A UUID of a client, in any spelling that names one."""
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise GraphQLError("A UUID is written like 123e4567-e89b-12d3-a456-426614174000.") from error


def _same(value: Any) -> Any:
    return value


SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment as RFC 3339 has it, e.g. 2026-07-01T12:00:00+00:00. Always UTC.",
        serialize=moment_text,
        parse_value=read_moment,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of at most 2^53 - 1, as a JSON number.",
        serialize=_same,
        parse_value=read_big,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc7493#section-2.2",
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_same,
        parse_value=_same,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    ),
    URL: strawberry.scalar(
        name="URL",
        description="An absolute URL.",
        serialize=_same,
        parse_value=_same,
        specified_by_url="https://url.spec.whatwg.org/#absolute-url-string",
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID in lower-case hex with its hyphens.",
        serialize=str,
        parse_value=read_uuid,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
    ),
}
