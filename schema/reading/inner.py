"""Types that stand on no row while a schema is assembled: objects inside documents, and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLField, GraphQLNonNull, get_named_type
from strawberry.types.field import StrawberryField

from schema.reading import declare
from schema.reading.catalogue import BadDeclaration, Catalogue, Objects, Source, Value
from schema.reading.declare import MARK
from schema.reading.tally import COUNT, Buckets, Groups, Total

DEFINITION = "strawberry-definition"


def marked_fields(type_: Any) -> Iterator[tuple[str, GraphQLField, StrawberryField]]:
    """A type's fields with their Strawberry definitions."""
    for name, made in type_.fields.items():
        definition = made.extensions.get(DEFINITION)
        if isinstance(definition, StrawberryField):
            yield name, made, definition


def assemble_objects(catalogue: Catalogue, inner: Any) -> None:
    """The fields of objects inside a document; those may hold objects too."""
    catalogue.objects.add(inner.name)
    for name, made, definition in marked_fields(inner):
        source: Source
        match definition.metadata.get(MARK):
            case declare.Document(text, several):
                assemble_objects(catalogue, get_named_type(made.type))
                source = Objects(text, several, nullable=not isinstance(made.type, GraphQLNonNull))
            case declare.Sql(text, _):
                source = Value(text)
            case _:
                source = Value(_inside(definition.python_name, made))
        catalogue.sources[inner.name, name] = source


def _inside(key: str, made: GraphQLField) -> str:
    """A key of a document: text by its text, so that a stray number is text too; a promised one is never NULL."""
    is_text = str(made.type).rstrip("!") in ("String", "URL")
    read = f"{{d}}->>'{key}'" if is_text else f"nullif({{d}}->'{key}', 'null')"
    if not isinstance(made.type, GraphQLNonNull):
        return read
    empty = "''" if is_text else "'{}'::jsonb"
    return f"coalesce({read}, {empty})"


def assemble_statistics(catalogue: Catalogue, type_: Any) -> dict[str, Total]:
    """The fields of a type of statistics; its totals, by the names that they have in a group's document."""
    catalogue.objects.add(type_.name)
    totals: dict[str, Total] = {}
    for name, made, definition in marked_fields(type_):
        mark = definition.metadata.get(MARK)
        if isinstance(mark, Total):
            totals[str(definition.python_name)] = mark
        elif isinstance(mark, Groups | Buckets):
            assemble_objects(catalogue, get_named_type(made.type))
        else:
            raise BadDeclaration(f"{type_.name}.{name}: statistics have totals, groups and buckets.")
        catalogue.sources[type_.name, name] = mark
    if COUNT not in totals:
        raise BadDeclaration(f"{type_.name}: statistics have a total {COUNT}.")
    return totals
