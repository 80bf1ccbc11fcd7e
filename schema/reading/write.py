"""From selected fields to SQL expressions that yield the fields' JSON, and the binders of their parameters.

Every object and every page is a scalar sub-select, so expressions nest and there is no join list. Values are numbered
parameters, each cast; no input reaches the text but response keys, which are GraphQL names. Our own aliases end in `$`,
which no GraphQL name holds: a response key can hide none of them. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.errors import Invalid, LimitExceeded
from schema.reading import counting, pages, sight
from schema.reading.arguments import Arg, Bind, Values, as_plain
from schema.reading.catalogue import Objects, Page, Ranking, Single, Table, Tallied, Value, Whichever
from schema.reading.declare import Bound, Derived, Given
from schema.reading.ids import read_key, split
from schema.reading.patch import holds_derived
from schema.reading.walk import Selected

VIEWER = "#viewer"
REF = "#ref"
"""Names under which a request's values carry the viewer's id and the `Ref` that is read; no variable has them."""
MAX_SQL = 32 * 1024
"""Bytes of a statement: beyond, planning takes longer than running."""
MAX_NODES = 100


@dataclass(slots=True)
class Writer:
    """Writes one statement."""

    everything: bool = False
    """The viewer sees every row (an administrator)."""
    named_types: bool = False
    """Rows of abstract types carry `__typename`, by which graphql-core tells them apart."""
    elide: bool = True
    """Leave a rule of visibility out where the row before implies it; with and without give equal answers."""
    binds: list[Bind] = field(default_factory=list)
    _numbers: dict[object, str] = field(default_factory=dict)
    _aliases: int = 0

    def value(self, bind: Bind, identity: object = None) -> str:
        """A placeholder for what `bind` yields; one `identity` shares one placeholder."""
        if identity is not None and identity in self._numbers:
            return self._numbers[identity]
        self.binds.append(bind)
        number = f"${len(self.binds)}"
        if identity is not None:
            self._numbers[identity] = number
        return number

    def viewer(self) -> str:
        """The placeholder of the viewer's id."""
        return self.value(lambda values: values[VIEWER], VIEWER) + "::uuid"

    def bound(self, text: str, values: Bound, f: Selected) -> str:
        """`text` with what the arguments of `f` bind in place of their names in braces."""
        for name, (argument, given) in values.items():
            value = self.value(_given_bind(given, f.args[argument], (*f.path, argument)))
            text = text.replace("{" + name + "}", f"{value}::{given.sql_type}")
        return text

    def alias(self) -> str:
        """A name that nothing else in the statement has."""
        self._aliases += 1
        return f"t{self._aliases}$"

    def statement(self, fields: Sequence[Selected]) -> str:
        """One column of JSON text for each root field; empty without any."""
        parts = [f"{self.root(one)}::text" for one in fields]
        text = f"select {', '.join(parts)}" if parts else ""
        if len(text) > MAX_SQL:
            raise LimitExceeded(
                "This operation asks for too much at once; ask for it in parts.",
                limit=f"{MAX_SQL} bytes of SQL",
                actual=str(len(text)),
            )
        return text

    def root(self, f: Selected) -> str:
        """A field that stands on no row: a root field, or an object that a `Ref` names."""
        match f.source:
            case None if f.name == "__typename":
                return "'\"Query\"'"
            case Single() as single:
                return self._named(single, f)
            case Page() as page:
                return pages.write(self, page, f, lambda _: [])
            case Whichever() as whichever:
                return self._whichever(whichever, f)
        raise TypeError(f"{f.name}: {f.source} stands on a row")

    def row(self, type_name: str, t: str, fields: Sequence[Selected], *, typed: bool = False) -> str:
        """The select list of the row `t`: each field under its response key."""
        items = [(one.key, self._expression(type_name, t, one)) for one in fields]
        if typed and all(key != "__typename" for key, _ in items):
            items.append(("__typename", f"'{type_name}'"))
        return listed(items)

    def hidden(self, table: Table, t: str) -> list[str]:
        """The condition that keeps what the viewer does not see out, unless they see everything."""
        return [] if self.everything else [sight.conditions(table.name, t, self.viewer, self.alias)]

    def guards(self, table: Table, t: str, *, implied: bool) -> list[str]:
        """`hidden`, unless the row that led here implies it."""
        return [] if implied and self.elide else self.hidden(table, t)

    def _expression(self, type_name: str, t: str, f: Selected) -> str:
        match f.source:
            case None:
                return f"'{type_name}'"
            case Value(text):
                return text.replace("{t}", t)
            case Derived(_, needs, bound):
                return f"json_build_array({self.bound(', '.join(needs), bound, f).replace('{t}', t)})"
            case Single(table, via, _, implied, key):
                link = key.replace("{t}", t) if key else f"{t}.{via}"
                return self._single(table, f, lambda a: [f"{a}.id = {link}"], implied=implied)
            case Page() | Ranking() | Tallied() as many:
                return self._many(many, f, t)
            case Objects() as objects:
                return self.objects(objects, t, f)
        raise TypeError(f"{type_name}.{f.name}: {f.source} stands on no row")

    def _many(self, many: Page | Ranking | Tallied, f: Selected, t: str) -> str:
        """What is made of the rows that belong to the row `t`."""
        if isinstance(many, Tallied):
            return counting.write(self, many, f, t)
        return pages.write_below(self, many, f, t)

    def _single(
        self,
        table: Table,
        f: Selected,
        link: Callable[[str], list[str]],
        *,
        implied: bool = False,
    ) -> str:
        t = self.alias()
        conditions = [*link(t), *self.guards(table, t, implied=implied)]
        typed = f.abstract and (self.named_types or holds_derived(f))
        row = self.row(table.type_name, t, f.on[table.type_name], typed=typed)
        return f"(select row_to_json(r$) from (select {row} from {table.name} {t} where {all_of(conditions)}) r$)"

    def _named(self, single: Single, f: Selected) -> str:
        table = single.table
        if single.viewer:
            return self._single(table, f, lambda t: [f"{t}.id = {self.viewer()}"])
        key = self.value(_key_bind(f, table)) + f"::{table.columns['id'].sql_type}"
        return self._single(table, f, lambda t: [f"{t}.id = {key}"])

    def _whichever(self, whichever: Whichever, f: Selected) -> str:
        """A CASE over the types: the text does not depend on which ids come."""
        a = self.alias()
        cases = [f"when '{table.type_name}' then {self._by_key(table, f, a)}" for table in whichever.tables]
        chosen = f"case {a}.kind {' '.join(cases)} end"
        read = _ids_bind(f, whichever)
        types = self.value(lambda values: read(values)[0]) + "::text[]"
        keys = self.value(lambda values: read(values)[1]) + "::text[]"
        rows = f"unnest({types}, {keys}) with ordinality {a}(kind, key, place)"
        if not whichever.several:
            return f"(select {chosen} from {rows})"
        return f"(select coalesce(json_agg({chosen} order by {a}.place), '[]') from {rows})"

    def _by_key(self, table: Table, f: Selected, ids: str) -> str:
        return self._single(table, f, lambda t: [f"{t}.id = {ids}.key::{table.columns['id'].sql_type}"])

    def objects(self, objects: Objects, t: str, f: Selected) -> str:
        """The JSON of objects inside a document over the row `t`."""
        document = f"({self.bound(objects.text, objects.values, f).replace('{t}', t)})"
        (type_name,) = f.on
        if objects.once:
            a = self.alias()
            items = [(one.key, self._inside(one, type_name, t, f"{a}.doc", "0")) for one in f.below]
            # The offset keeps the planner from writing the expression wherever a field reads it.
            rows = f"select {listed(items)} from (select {document} as doc offset 0) {a} where {a}.doc is not null"
            return f"(select row_to_json(r$) from ({rows}) r$)"
        if not objects.several:
            items = [(one.key, self._inside(one, type_name, t, document, "0")) for one in f.below]
            there = f" where {document} is not null" if objects.nullable else ""
            return f"(select row_to_json(r$) from (select {listed(items)}{there}) r$)"
        a = self.alias()
        items = [(one.key, self._inside(one, type_name, t, f"{a}.doc", f"({a}.place - 1)::int")) for one in f.below]
        elements = f"jsonb_array_elements(case jsonb_typeof{document} when 'array' then {document} else '[]' end)"
        rows = f"select {listed(items)} from {elements} with ordinality {a}(doc, place) order by {a}.place"
        return f"(select coalesce(json_agg(r$), '[]') from ({rows}) r$)"

    def _inside(self, f: Selected, type_name: str, t: str, document: str, place: str) -> str:
        if not isinstance(f.source, Value | Objects):
            return f"'{type_name}'"
        text = f.source.text.replace("{t}", t).replace("{d}", document).replace("{i}", place)
        return text if isinstance(f.source, Value) else self.objects(replace(f.source, text=text), t, f)


def listed(items: Sequence[tuple[str, str]]) -> str:
    """A select list: expressions under response keys."""
    return ", ".join(f'{expression} as "{key}"' for key, expression in items)


def all_of(conditions: Sequence[str]) -> str:
    """Conditions joined by AND."""
    return " and ".join(conditions) or "true"


def _given_bind(given: Given, argument: Arg, path: tuple[str, ...]) -> Bind:
    return lambda values: given.bind(as_plain(argument.bind(values)), path)


def _key_bind(f: Selected, table: Table) -> Bind:
    given = f.args.get("id")
    if given is None:
        return lambda values: values[REF].key
    sql_type, bind = table.columns["id"].sql_type, given.bind

    def key(values: Values) -> Any:
        named, written = split(bind(values) or "")
        return read_key(written, sql_type) if named == table.type_name else None

    return key


def _ids_bind(f: Selected, whichever: Whichever) -> Callable[[Values], tuple[list[str], list[str]]]:
    kinds = {table.type_name: table.columns["id"].sql_type for table in whichever.tables}
    bind = f.args["ids" if whichever.several else "id"].bind
    path = (*f.path, "ids")

    def pairs(values: Values) -> tuple[list[str], list[str]]:
        given = bind(values)
        ids = given if whichever.several else [given or ""]
        if len(ids) > MAX_NODES:
            raise Invalid(
                f"At most {MAX_NODES} ids at once, not {len(ids)}.",
                path=path,
                limit=str(MAX_NODES),
                actual=str(len(ids)),
            )
        found = [_kind_and_key(text, kinds) for text in ids]
        return [kind for kind, _ in found], [key for _, key in found]

    return pairs


def _kind_and_key(text: str, kinds: dict[str, str]) -> tuple[str, str]:
    kind, written = split(text)
    if kind in kinds and read_key(written, kinds[kind]) is not None:
        return kind, written
    return "", ""
