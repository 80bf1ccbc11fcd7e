"""Global ids: `Type:key`, opaque to clients. A malformed one names no row, like one that is missing."""

from __future__ import annotations

import uuid

INT_MAX = {"int": 2**31 - 1, "bigint": 2**63 - 1}
KEY_TYPES = {"Profile": "uuid", "Image": "bigint"}
"""SQL types of the keys that are not `int`."""


def global_id(type_name: str, key: object) -> str:
    """The id of the row `key` of a type."""
    return f"{type_name}:{key}"


def split(text: str) -> tuple[str, str]:
    """Type and key as written, unchecked."""
    type_name, _, key = text.partition(":")
    return type_name, key


def key_of(text: str, type_name: str) -> int | uuid.UUID | None:
    """The key in a global id of the type `type_name`; None for another type's, a malformed or an impossible one."""
    named, written = split(text)
    return read_key(written, KEY_TYPES.get(type_name, "int")) if named == type_name else None


def int_key(text: str, type_name: str) -> int | None:
    """`key_of` for a type that is numbered."""
    key = key_of(text, type_name)
    return key if isinstance(key, int) else None


def read_key(written: str, sql_type: str) -> int | uuid.UUID | None:
    """A key in its one spelling: digits without sign, space or leading zero; a UUID with its hyphens."""
    if sql_type == "uuid":
        return _read_uuid(written)
    if not (written.isascii() and written.isdigit() and len(written) < 20):
        return None
    number = int(written)
    return number if str(number) == written and number <= INT_MAX[sql_type] else None


def _read_uuid(written: str) -> uuid.UUID | None:
    try:
        found = uuid.UUID(written)
    except ValueError:
        return None
    return found if str(found) == written.lower() else None
