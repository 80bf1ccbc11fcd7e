"""A keyset page as one SQL expression: the rows once, and from them nodes, edges, page info; the count apart.

A page's relation has the columns that are read of it and no others, since it is kept for whoever reads it twice. Its
rows are numbered only in a page from the end, whose order must be turned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.errors import Invalid
from schema.reading import keyset
from schema.reading.arguments import NOTHING, Arg, Bind, as_plain
from schema.reading.catalogue import Page, Ranking
from schema.reading.declare import Where
from schema.reading.keyset import Key

if TYPE_CHECKING:
    from schema.reading.walk import Selected
    from schema.reading.write import Writer

Link = Callable[[str], list[str]]
"""The conditions that tie a row's alias to where the page stands."""

PLACE = "place$"
"""The number of a row in a page from the end, counted from there."""
RANK = Key("rank$", "int", nullable=False, descending=False)
"""The computed number that a ranked list is ordered by."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the list is asked for."""

    keys: tuple[Key, ...]
    backward: bool
    size: Arg
    cursor: Arg
    size_path: tuple[str, ...]
    cursor_path: tuple[str, ...]


def write(writer: Writer, page: Page, f: Selected, link: Link) -> str:
    """The JSON of a connection."""
    keys = _keys(page, f.args.get("orderBy", NOTHING), (*f.path, "orderBy"))
    return _PageWriter(writer, page, f, link, _window(keys, f), page.table.name).text()


def write_below(writer: Writer, page: Page | Ranking, f: Selected, t: str) -> str:
    """The JSON of a connection that belongs to the row `t`."""
    if isinstance(page, Ranking):
        return _write_ranked(writer, page, f, t)
    return write(writer, page, f, lambda a: [f"{a}.{page.via} = {t}.id"])


def _write_ranked(writer: Writer, ranking: Ranking, f: Selected, t: str) -> str:
    """A connection in a computed order, unless another is asked for."""
    page, mark = ranking.page, ranking.mark
    relation = writer.bound(mark.relation.replace("{t}", t), mark.values, f)
    keys = _keys(page, f.args["orderBy"], (*f.path, "orderBy"))
    window = _window(keys if f.args["orderBy"].sample else (RANK, *keys), f)
    return _PageWriter(writer, page, f, lambda _: [], window, relation, mark.edge).text()


def _window(keys: tuple[Key, ...], f: Selected) -> Window:
    first, last, after, before = (f.args[name] for name in ("first", "last", "after", "before"))
    if first.sample is not None and last.sample is not None:
        raise Invalid("Ask for `first` or `last`, not both.", path=(*f.path, "last"))
    backward = last.sample is not None or (first.sample is None and before.sample is not None)
    if (after if backward else before).sample is not None:
        raise Invalid("`after` goes with `first`, `before` with `last`.", path=f.path)
    names = ("last", "before") if backward else ("first", "after")
    size, cursor = (f.args[name] for name in names)
    return Window(keys, backward, size, cursor, (*f.path, names[0]), (*f.path, names[1]))


def _keys(page: Page, order: Arg, path: tuple[str, ...]) -> tuple[Key, ...]:
    chosen = order.sample or []
    if len(chosen) > keyset.MAX_KEYS:
        raise Invalid(
            f"An order has at most {keyset.MAX_KEYS} fields.",
            path=path,
            limit=str(keyset.MAX_KEYS),
            actual=str(len(chosen)),
        )
    keys: list[Key] = []
    for item in chosen:
        column = page.orders[as_plain(item["field"])]
        keys.append(Key(column.name, column.sql_type, column.nullable, as_plain(item["direction"]) == "desc"))
    if len({key.column for key in keys}) < len(keys):
        raise Invalid("An order names each field once.", path=path)
    id_type = page.table.columns["id"].sql_type
    return (*keys, Key("id", id_type, nullable=False, descending=bool(keys) and keys[-1].descending))


@dataclass(slots=True)
class _PageWriter:
    writer: Writer
    page: Page
    f: Selected
    link: Link
    window: Window
    relation: str
    """The SQL of what the rows are picked from."""
    rank_field: str = ""
    """The edges' field that is the rank, in a list that has one."""
    size: str = ""
    rows: str = ""
    """The alias of the page's rows."""
    one_more: bool = False
    """Whether the relation has one row more than the page, which tells that there is another page."""

    def text(self) -> str:
        self.size = _size(self.writer, self.window)
        self.one_more = any(one.name == "pageInfo" for one in self.f.below)
        self.rows = self.writer.alias()
        items = ", ".join(f'{self._item(one)} as "{one.key}"' for one in self.f.below)
        return f"(with {self.rows} as ({self._source(items)}) select row_to_json(r$) from (select {items}) r$)"

    def _source(self, items: str) -> str:
        """The rows, of which `items` are made."""
        t, window = self.writer.alias(), self.window
        read = re.findall(rf'(?<!\w){re.escape(self.rows)}\."?(\w+\$?)', items)
        columns = ", ".join(f"{t}.{name}" for name in dict.fromkeys(read) if name != PLACE) or f"{t}.id"
        order = keyset.order_sql(window.keys, t, backward=window.backward)
        conditions = self._matching(t)
        if window.cursor.sample is not None:
            conditions.append(keyset.beyond_sql(window.keys, t, self._cursor_values(), backward=window.backward))
        number = f", row_number() over (order by {order}) as {PLACE}" if window.backward else ""
        where = " and ".join(conditions) or "true"
        limit = f"{self.size}{' + 1' if self.one_more else ''}"
        return f"select {columns}{number} from {self.relation} {t} where {where} order by {order} limit {limit}"

    def _cursor_values(self) -> list[str]:
        window = self.window

        def read(values: Any, place: int) -> Any:
            return keyset.read_cursor(window.cursor.bind(values), window.keys, window.cursor_path)[place]

        return [
            self.writer.value(lambda values, place=place: read(values, place)) + f"::{key.sql_type}"  # type: ignore[misc] # mypy does not type a lambda's default
            for place, key in enumerate(window.keys)
        ]

    def _matching(self, t: str) -> list[str]:
        """What holds for every row of the list, on this page or not."""
        conditions = [*self.link(t), *self.writer.guards(self.page.table, t, implied=self.page.implied)]
        return [*conditions, *filtered(self.writer, self.page.rules, self.f, t)]

    def _within(self) -> str:
        """The page's own rows in their order."""
        if self.window.backward:
            return f" where {self.rows}.{PLACE} <= {self.size} order by {self.rows}.{PLACE} desc"
        return f" limit {self.size}" if self.one_more else ""

    def _item(self, one: Selected) -> str:
        match one.name:
            case "nodes":
                row = self.writer.row(self.page.table.type_name, self.rows, one.below)
                return f"(select coalesce(json_agg(r$), '[]') from (select {row} from {self.rows}{self._within()}) r$)"
            case "edges":
                return self._edges(one)
            case "pageInfo":
                return self._info(one)
            case "totalCount":
                t = self.writer.alias()
                where = " and ".join(self._matching(t)) or "true"
                return f"(select count(*) from {self.relation} {t} where {where})"
        return f"'{self.f.type_name}'"

    def _edges(self, edges: Selected) -> str:
        items, laterals = [], ""
        for one in edges.below:
            match one.name:
                case "cursor":
                    items.append(f'{keyset.cursor_sql(self.window.keys, self.rows)} as "{one.key}"')
                case "node":
                    a = self.writer.alias()
                    row = self.writer.row(self.page.table.type_name, self.rows, one.below)
                    laterals += f" cross join lateral (select {row}) {a}"
                    items.append(f'{a} as "{one.key}"')
                case self.rank_field:
                    items.append(f'{self.rows}.{RANK.column} as "{one.key}"')
                case _:
                    items.append(f"'{edges.type_name}' as \"{one.key}\"")
        rows = f"select {', '.join(items)} from {self.rows}{laterals}{self._within()}"
        return f"(select coalesce(json_agg(r$), '[]') from ({rows}) r$)"

    def _info(self, info: Selected) -> str:
        rows, backward = self.rows, self.window.backward
        more = f"(select count(*) > {self.size} from {rows})"
        # The row of the cursor lies on the other side, at least when the cursor was made.
        other = "true" if self.window.cursor.sample is not None else "false"
        sources = {
            "hasNextPage": other if backward else more,
            "hasPreviousPage": more if backward else other,
            "startCursor": self._end(last=False),
            "endCursor": self._end(last=True),
            "__typename": f"'{info.type_name}'",
        }
        items = ", ".join(f'{sources[one.name]} as "{one.key}"' for one in info.below)
        return f"(select row_to_json(r$) from (select {items}) r$)"

    def _end(self, *, last: bool) -> str:
        """The cursor of the page's first row in the order of the list, or of its last."""
        cursor, rows = keyset.cursor_sql(self.window.keys, self.rows), self.rows
        order = keyset.order_sql(self.window.keys, rows, backward=last)
        page = f"(select * from {rows}{self._within()}) {rows}"
        return f"(select {cursor} from {page} order by {order} limit 1)"


def filtered(writer: Writer, rules: Mapping[str, Where], f: Selected, t: str) -> list[str]:
    """The conditions of the row `t` that the argument `filter` sets."""
    asked, conditions = f.args.get("filter", NOTHING), []
    for name in sorted(asked.sample or {}):
        if asked.sample[name] is not None:
            rule = rules[name]
            value = writer.value(_filter_bind(rule, asked.item(name), f, name), (id(f), name))
            conditions.append("(" + rule.text.replace("{t}", t).replace("{v}", value) + ")")
    return conditions


def _size(writer: Writer, window: Window) -> str:
    """A size that the operation itself says stands in the text: of one it does not know the database takes a tenth of
    the list for granted, and then plans each request of a long list anew."""
    if window.size.fixed:
        return str(keyset.page_size(window.size.sample, window.size_path))
    return writer.value(lambda values: keyset.page_size(window.size.bind(values), window.size_path)) + "::int"


def _filter_bind(rule: Where, given: Arg, f: Selected, name: str) -> Bind:
    def bind(values: Any) -> Any:
        value = as_plain(given.bind(values))
        _check_text(value, (*f.path, "filter", name))
        return rule.bind(value) if rule.bind else value

    return bind


def _check_text(value: Any, path: tuple[str, ...]) -> None:
    """Refuse text that the database cannot hold."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and ("\0" in one or not _encodes(one)):
            raise Invalid("A text holds no NUL and no half of a character pair.", path=path)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
