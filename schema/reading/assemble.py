"""From marks and models to the catalogue, checked once when the schema is assembled.

What the marks of `declare.py` leave out comes from the models: column, SQL type, nullability, target of a foreign key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)
from tortoise.models import Model

from app.access import VISIBLE, Owner
from schema.reading import declare
from schema.reading.catalogue import (
    BadDeclaration,
    Catalogue,
    Column,
    Objects,
    Page,
    Ranking,
    Single,
    Source,
    Table,
    Tallied,
    Value,
    Whichever,
)
from schema.reading.declare import MARK, MODELS, Where
from schema.reading.inner import DEFINITION, assemble_objects, assemble_statistics, marked_fields
from schema.reading.keyset import READERS
from schema.reading.sight import implied_above, implied_below
from schema.reading.tally import Tally

SQL_TYPES = {"varchar": "text", "bigserial": "bigint", "serial": "int", "integer": "int"}


def _column(model_field: Any) -> Column:
    name = model_field.source_field or model_field.model_field_name
    written = str(model_field.get_for_dialect("postgres", "SQL_TYPE")).split("(")[0].lower()
    reference = getattr(model_field, "reference", None)
    target = reference.related_model._meta.db_table if reference is not None else None
    return Column(name, SQL_TYPES.get(written, written), bool(model_field.null), target)


def table_of(type_name: str, model: type[Model]) -> Table:
    """A model's table as the reads know it."""
    meta = model._meta
    columns = {name: _column(meta.fields_map[name]) for name in meta.fields_map if name in meta.db_fields}
    rule = VISIBLE[meta.db_table]
    if rule.column not in columns:
        raise BadDeclaration(f"{meta.db_table} has no column {rule.column}, by which app/access.py shows its rows.")
    return Table(type_name, meta.db_table, columns)


def assemble(schema: GraphQLSchema) -> Catalogue:
    """Read every mark of a schema; `BadDeclaration` names the first that does not hold."""
    catalogue = Catalogue()
    for name, model in MODELS.items():
        if name in schema.type_map:
            catalogue.tables[name] = table_of(name, model)
    types = [one for one in schema.type_map.values() if isinstance(one, GraphQLObjectType)]
    # Rows first: they say which other types are objects inside their documents.
    for type_ in sorted(types, key=lambda one: one.name not in catalogue.tables):
        if not type_.name.startswith("__") and type_.name not in catalogue.objects:
            _assemble_type(catalogue, type_)
    return catalogue


def _assemble_type(catalogue: Catalogue, type_: GraphQLObjectType) -> None:
    table = catalogue.tables.get(type_.name)
    for name, made, definition in marked_fields(type_):
        mark = definition.metadata.get(MARK)
        if mark is None and table is not None and definition.base_resolver is None:
            mark = declare.Column(definition.python_name)
        if mark is not None:
            catalogue.sources[type_.name, name] = _Field(catalogue, type_.name, table, name, made).source(mark)


@dataclass(frozen=True, slots=True)
class _Field:
    """One field while its mark is read."""

    catalogue: Catalogue
    type_name: str
    table: Table | None
    name: str
    made: GraphQLField

    def source(self, mark: Any) -> Source:
        found: Source
        match mark:
            case declare.Column(name):
                found = self._column(name)
            case declare.Sql(text, nullable):
                self._agrees(nullable)
                found = Value(text)
            case declare.Derived(_, _, values, nullable):
                self._agrees(nullable)
                self._takes(values)
                found = mark
            case declare.One():
                found = self._one(mark)
            case declare.Many(via):
                found = self._many(via)
            case declare.Ranked():
                found = self._ranking(mark)
            case declare.Nodes(several):
                found = Whichever(tuple(self.catalogue.tables.values()), several)
            case declare.Document() | declare.Computed():
                found = self._document(mark)
            case Tally(of, via):
                found = self._tally(of, via)
            case _:
                raise self._bad(f"unknown mark {mark}")
        return found

    def _bad(self, what: str) -> BadDeclaration:
        return BadDeclaration(f"{self.type_name}.{self.name}: {what}.")

    @property
    def _required(self) -> bool:
        return isinstance(self.made.type, GraphQLNonNull)

    def _agrees(self, nullable: bool) -> None:
        if nullable and self._required:
            raise self._bad("what it reads may be NULL, the field may not")

    def _own(self) -> Table:
        if self.table is None:
            raise self._bad("only a type that is marked with @reads stands on a row")
        return self.table

    def _column(self, name: str) -> Value:
        table, named = self._own(), get_named_type(self.made.type)
        if self.name == "id":
            return Value(f"'{self.type_name}:' || {{t}}.id")
        found = table.columns.get(name)
        if found is None:
            raise self._bad(f"{table.name} has no column {name}")
        self._agrees(found.nullable)
        if found.sql_type == "bigint" and named.name == "Int":
            raise self._bad("the column is 64 bits wide, Int is 32")
        if found.sql_type == "bytea":
            return Value(f"encode({{t}}.{name}, 'hex')")
        return Value(f"upper({{t}}.{name})" if isinstance(named, GraphQLEnumType) else f"{{t}}.{name}")

    def _one(self, mark: declare.One) -> Single:
        target = self.catalogue.table(get_named_type(self.made.type).name)
        if mark.key:
            self._own()
            self._agrees(True)
            return Single(target, None, viewer=False, implied=False, key=mark.key)
        if mark.via is None:
            if "id" in self.made.args and self._required:
                raise self._bad("an id may name no row, so the field may be null")
            return Single(target, None, mark.viewer, False)
        table = self._own()
        link = table.columns.get(mark.via)
        if link is None or link.target != target.name:
            raise self._bad(f"{table.name}.{mark.via} does not point at {target.name}")
        implied = implied_above(table.name, target.name, mark.via)
        self._agrees(link.nullable or not implied)
        return Single(target, mark.via, False, implied)

    def _many(self, via: str | None) -> Page:
        target = self._paged()
        implied = False
        if via is None:
            # Under the index of a deep table everyone's rows lie mixed: one viewer's list would scan all others' first.
            if not isinstance(VISIBLE[target.name], Owner):
                raise self._bad(f"a list of {target.name} begins at the parent through which they are seen")
        else:
            table = self._own()
            link = target.columns.get(via)
            if link is None or link.target != table.name:
                raise self._bad(f"{target.name}.{via} does not point at {table.name}")
            implied = implied_below(table.name, target.name, via)
        return Page(target, via, implied, self._rules(), self._orders(target))

    def _paged(self) -> Table:
        """The table of a connection's rows."""
        connection: Any = get_named_type(self.made.type)
        edge: Any = get_named_type(connection.fields["edges"].type)
        self.catalogue.pages |= {connection.name, edge.name, get_named_type(connection.fields["pageInfo"].type).name}
        return self.catalogue.table(get_named_type(edge.fields["node"].type).name)

    def _ranking(self, mark: declare.Ranked) -> Ranking:
        self._own()
        self._takes(mark.values)
        implied = all(implied_below(parent, child, via) for parent, child, via in mark.kin)
        target = self._paged()
        return Ranking(Page(target, None, implied, self._rules(), self._orders(target)), mark)

    def _tally(self, of: str, via: tuple[str, ...]) -> Tallied:
        own, target = self._own(), self.catalogue.table(of)
        tables = {table.name: table for table in self.catalogue.tables.values()}
        links, implied, step = [], True, target
        for name in via:
            link = step.columns.get(name)
            if link is None or link.target not in tables:
                raise self._bad(f"{step.name}.{name} points at no table that is read")
            links.append((step.name, name))
            implied = implied and implied_below(link.target, step.name, name)
            step = tables[link.target]
        if step.name != own.name:
            raise self._bad(f"{', '.join(via)} does not lead from {target.name} to {own.name}")
        totals = assemble_statistics(self.catalogue, get_named_type(self.made.type))
        return Tallied(target, tuple(links), implied, self._rules(), totals)

    def _rules(self) -> dict[str, Where]:
        filter_type: Any = get_named_type(self.made.args["filter"].type)
        rules = {}
        for name, made in filter_type.fields.items():
            rule = made.extensions[DEFINITION].metadata.get(MARK)
            if not isinstance(rule, Where) or "{v}::" not in rule.text:
                raise self._bad(f"{filter_type.name}.{name} needs a condition with a cast value")
            rules[name] = rule
        return rules

    def _orders(self, target: Table) -> dict[str, Column]:
        order: Any = get_named_type(self.made.args["orderBy"].type)
        if not isinstance(order, GraphQLInputObjectType):
            raise self._bad("orderBy takes objects of field and direction")
        chosen: Any = get_named_type(order.fields["field"].type)
        orders = {}
        for value in chosen.values.values():
            name = getattr(value.value, "value", value.value)
            found = _measure(target, name) if "." in name else target.columns.get(name)
            if found is None or found.sql_type not in READERS:
                raise self._bad(f"{target.name} cannot be ordered by {name}")
            orders[name] = found
        return orders

    def _takes(self, values: declare.Bound) -> None:
        for argument, _ in values.values():
            if argument not in self.made.args:
                raise self._bad(f"it has no argument {argument}")

    def _document(self, mark: declare.Document | declare.Computed) -> Objects:
        self._own()
        assemble_objects(self.catalogue, get_named_type(self.made.type))
        if isinstance(mark, declare.Document):
            return Objects(mark.text, mark.several, nullable=not self._required)
        self._takes(mark.values)
        return Objects(mark.text, False, mark.values, once=True)


def _measure(target: Table, name: str) -> Column | None:
    """A number in one of the table's JSON documents, which may be missing there: `quality.sharpness`."""
    document = target.columns.get(name.partition(".")[0])
    return Column(name, "float8", nullable=True) if document is not None and document.sql_type == "jsonb" else None
