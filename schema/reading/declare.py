"""How a GraphQL type says where its fields come from; knows no operation and runs no SQL.

Types stay ordinary Strawberry classes. A field without a mark is the model's column of the same name; the others carry
one of the marks below. In a mark's SQL `{t}.x` is the row's column `x` (a page has only those that are named), `{v}` a
filter's bound value (write its cast), `{d}` the JSON document that an object is made of and `{i}` its place in its
list, from 0. What is counted of rows: see `tally.py`.

A mutation or subscription names a row and leaves reading it to the selection:

    from schema.reading.declare import one, ref

    @strawberry.type(description="…")
    class ProjectPayload:
        project: Project | None = one(description="The project as it is now.")

    return ProjectPayload(project=ref("Project", 17))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from tortoise.models import Model

C = TypeVar("C", bound=type)

MARK = "reads"
"""The key of a mark in a Strawberry field's metadata."""

MODELS: dict[str, type[Model]] = {}
"""GraphQL type name → the model whose rows it reads; filled by `@reads` as the types are imported."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A row that a resolver names. A `version` says that rows read for it may be shared with whoever asks the same."""

    type: str
    key: object
    version: int | None = None


def ref(type_name: str, key: object, version: int | None = None) -> Any:
    """A `Ref` for a field declared with `one()`; typed `Any`, since the field promises the type that is read."""
    return Ref(type_name, key, version)


@dataclass(frozen=True, slots=True)
class Column:
    """The column of another name than the field's."""

    name: str


@dataclass(frozen=True, slots=True)
class Sql:
    """An expression over one row, or over the document of an object inside JSONB."""

    text: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Given:
    """What an argument binds: its SQL type, and the parameter made of what the client gave.

    `bind(value, path)` raises Invalid, of `path`, for what the argument does not take.
    """

    sql_type: str
    bind: Callable[[Any, Sequence[str]], Any]


Bound = Mapping[str, tuple[str, Given]]
"""Placeholder of a mark's SQL → the argument that it is made of, and how."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A Python function of the JSON values of some expressions; it is called after the statement, once a row.

    `function(context, *values)` gives the field's JSON value. It waits for nothing, and its value may be shared among
    those who may read the row. In an expression `{name}` is what `values[name]` binds.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    values: Bound = field(default_factory=dict)
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class One:
    """One row: the parent over our column `via`; without it the viewer, the row of argument `id`, or a `Ref`.

    `key` is SQL for the key of a row that no column points at: it may be gone, or another's.
    """

    via: str | None = None
    viewer: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Many:
    """A keyset page: the rows whose column `via` points at us, or without it every visible row."""

    via: str | None = None


@dataclass(frozen=True, slots=True)
class Nodes:
    """Any row by global id: one (`id`) or several (`ids`)."""

    several: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A typed object made of a JSONB expression over the row, or with `several` one for each element of its array."""

    text: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """A typed object made of a JSONB expression that is dear: it is computed once, whatever is selected of it.

    In it `{name}` is what `values[name]` binds.
    """

    text: str
    values: Bound


@dataclass(frozen=True, slots=True)
class Ranked:
    """A keyset page of rows in the order of a whole number that is computed, then by id.

    `relation` is SQL in parentheses: the table's columns and the number, as `rank$`. In it `{t}` is the row that the
    list belongs to and `{name}` what `values[name]` binds. Edges carry the number as their field `edge`.
    """

    relation: str
    values: Bound
    edge: str
    kin: tuple[tuple[str, str, str], ...]
    """Parent table, child table, the child's column: the links over which its rows hang together with ours."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition that a filter may set; `bind` makes the parameter of what the client gave."""

    text: str
    bind: Callable[[Any], Any] | None = None


def reads(model: type[Model]) -> Callable[[C], C]:
    """The type reads `model`'s rows; who sees them is said in `app/access.py`."""

    def mark(read_type: C) -> C:
        MODELS[read_type.__name__] = model
        return read_type

    return mark


@dataclass(frozen=True, slots=True)
class _Argument:
    type: Any
    description: str
    default: Any = UNSET


def _field(mark: Any, description: str, arguments: Mapping[str, _Argument] | None = None, **more: Any) -> Any:
    made = StrawberryField(description=description, metadata={MARK: mark}, **more)
    # A default of None would print `= null` into the SDL, and absent would look like null.
    made._arguments = [
        StrawberryArgument(
            python_name=name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(argument.type),
            description=argument.description,
            default=argument.default,
        )
        for name, argument in (arguments or {}).items()
    ]
    return made


def plain(description: str) -> Any:
    """The column of the field's own name."""
    return StrawberryField(description=description)


def column(name: str, description: str) -> Any:
    """The column `name`."""
    return _field(Column(name), description)


def sql(text: str, description: str, *, nullable: bool = False) -> Any:
    """An expression; `nullable` says whether it may yield NULL, and must agree with the field's type."""
    return _field(Sql(text, nullable), description)


def derived(function: Callable[..., Any], *needs: str, description: str) -> Any:
    """A Python function of SQL expressions (see `Derived`)."""
    return _field(Derived(function, needs), description)


def marked(mark: Any, description: str, **arguments: tuple[Any, str, Any]) -> Any:
    """A field of any mark with arguments; each is a type, a description and a default."""
    return _field(mark, description, _arguments(arguments))


def document(text: str, description: str) -> Any:
    """An object inside a JSONB expression that is an object."""
    return _field(Document(text), description)


def documents(text: str, description: str) -> Any:
    """The objects of a JSONB expression that is an array; anything else than an array is no objects."""
    return _field(Document(text, several=True), description)


def one(via: str | None = None, *, key: str = "", description: str) -> Any:
    """The parent row over the column `via` or the SQL `key`; else the row that a resolver names by `ref()`, or none."""
    return _field(One(via, key=key), description, **({} if via or key else {"default": None}))


def viewer(description: str) -> Any:
    """The profile of whoever asks."""
    return _field(One(viewer=True), description)


def by_id(description: str) -> Any:
    """The row of a global id."""
    return _field(One(), description, {"id": _Argument(strawberry.ID, "Its global id.")})


def node(description: str) -> Any:
    """A row of any type by its global id."""
    return _field(Nodes(), description, {"id": _Argument(strawberry.ID, "A global id of any type.")})


def nodes(description: str) -> Any:
    """Rows of any type by their global ids."""
    ids = _Argument(list[strawberry.ID], "Global ids of any types, at most 100.")
    return _field(Nodes(several=True), description, {"ids": ids})


FILTER = "Which ones: fields are ANDed, the values of a list are ORed."
"""What every argument `filter` says."""

PAGE_ARGUMENTS: Mapping[str, _Argument] = {
    "first": _Argument(int | None, "How many, from the beginning or after `after`: 1 to 100, 25 unless told."),
    "after": _Argument(str | None, "The cursor after which the page begins; goes with `first`."),
    "last": _Argument(int | None, "How many, from the end or before `before`: 1 to 100."),
    "before": _Argument(str | None, "The cursor before which the page ends; goes with `last`."),
}


def many(via: str | None = None, *, where: Any, order: Any, description: str) -> Any:
    """A page of the rows whose column `via` points at us, or without it of all visible ones."""
    arguments = dict(PAGE_ARGUMENTS)
    arguments["filter"] = _Argument(where | None, FILTER)
    arguments["order_by"] = _Argument(
        list[order] | None, "In which order, most significant first, at most 4; by id unless told. Ties go by id."
    )
    return _field(Many(via), description, arguments)


def ranked(mark: Ranked, description: str, *, where: Any, order: Any, **arguments: tuple[Any, str, Any]) -> Any:
    """A page of rows in a computed order unless told; each of `arguments` is a type, a description and a default."""
    chosen = {
        "filter": _Argument(where | None, FILTER),
        "order_by": _Argument(list[order] | None, "In which order instead, as of other lists; at most 4."),
    }
    return _field(mark, description, _arguments(arguments) | dict(PAGE_ARGUMENTS) | chosen)


def _arguments(given: Mapping[str, tuple[Any, str, Any]]) -> dict[str, _Argument]:
    return {name: _Argument(*argument) for name, argument in given.items()}


def where(text: str, description: str, bind: Callable[[Any], Any] | None = None) -> Any:
    """A condition of a filter input."""
    return StrawberryField(default=UNSET, metadata={MARK: Where(text, bind)}, description=description)
