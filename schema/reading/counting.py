"""Statistics as one SQL expression: one pass over the rows counts whatever is selected, and nothing else.

The rows are grouped by each key apart (GROUPING SETS) in a relation that is made once. It holds a row for all of them
together, and one for each group of each key; totals, lists of groups and histograms are read from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.values import snake
from schema.reading import pages
from schema.reading.catalogue import Objects, Tallied
from schema.reading.declare import Given
from schema.reading.keyset import page_size
from schema.reading.tally import COUNT, Buckets, Groups, Total

if TYPE_CHECKING:
    from schema.reading.walk import Selected
    from schema.reading.write import Writer

MOST = {"most": ("first", Given("int", page_size))}


def write(writer: Writer, tallied: Tallied, f: Selected, t: str) -> str:
    """The JSON of a type of statistics over the rows that hang below the row `t`."""
    return _Counting(writer, tallied, f, t, writer.alias()).text()


@dataclass(slots=True)
class _Counting:
    writer: Writer
    tallied: Tallied
    f: Selected
    t: str
    made: str
    """The name of the relation that holds what was counted."""
    keys: dict[str, Groups | Buckets] = field(default_factory=dict)
    totals: dict[str, Total] = field(default_factory=dict)

    def text(self) -> str:
        self.keys = {one.name: one.source for one in self.f.below if isinstance(one.source, Groups | Buckets)}
        asked = {COUNT, *map(snake, _names(self.f))}
        self.totals = {name: one for name, one in self.tallied.totals.items() if name in asked}
        items = ", ".join(f'{self._item(one)} as "{one.key}"' for one in self.f.below)
        return f"(with {self.made} as materialized ({self._counted()}) select row_to_json(r$) from (select {items}) r$)"

    def _counted(self) -> str:
        writer, tallied = self.writer, self.tallied
        a, rows = writer.alias(), writer.alias()
        conditions = [
            _below(writer, tallied.links, a, self.t),
            *writer.guards(tallied.table, a, implied=tallied.implied),
            *pages.filtered(writer, tallied.rules, self.f, a),
        ]
        keys = "".join(f", {_key(one).replace('{t}', a)} as k{n}$" for n, one in enumerate(self.keys.values()))
        # The offset hides from the planner that keys are expressions. Of those it expects very many groups, and would
        # sort whole rows for each; so it hashes narrow ones, a third of the time.
        source = f"(select {a}.*{keys} from {tallied.table.name} {a} where {' and '.join(conditions)} offset 0) {rows}"
        totals = ", ".join(f'{one.text.replace("{t}", rows)} as "{name}"' for name, one in self.totals.items())
        if not self.keys:
            return f"select 0 as set$, {totals} from {source}"
        names = ", ".join(f"k{n}$" for n in range(len(self.keys)))
        sets = ", ".join(f"(k{n}$)" for n in range(len(self.keys)))
        return f"select grouping({names}) as set$, {names}, {totals} from {source} group by grouping sets ((), {sets})"

    def _set(self, name: str | None = None) -> str:
        """The condition of the rows that a key made, or of the one for all: GROUPING tells which keys do not count."""
        every: int = 2 ** len(self.keys) - 1
        number = every if name is None else every - (1 << (len(self.keys) - 1 - self._place(name)))
        return f"{self.made}.set$ = {number}"

    def _place(self, name: str) -> int:
        return list(self.keys).index(name)

    def _item(self, one: Selected) -> str:
        match one.source:
            case Total():
                return f'(select {self.made}."{snake(one.name)}" from {self.made} where {self._set()})'
            case Groups(few=few) as groups:
                document = self._groups(one.name, groups)
                objects = Objects(document, several=few, values={} if few else MOST, once=not few)
                return self.writer.objects(objects, self.t, one)
            case Buckets(bounds=bounds):
                return self.writer.objects(Objects(self._buckets(one.name, bounds), False, once=True), self.t, one)
        return f"'{self.f.type_name}'"

    def _groups(self, name: str, groups: Groups) -> str:
        """The document of a list of groups, most frequent first."""
        ranked = f'row_number() over (order by q$."{COUNT}" desc, q$.key) as place$'
        rows = f"(select q$.*, {ranked} from ({self._keyed(name, several=groups.several)}) q$) g$"
        if groups.few:
            return f"(select jsonb_agg(to_jsonb(g$) order by g$.place$) from {rows})"
        rest = "filter (where g$.place$ > {most})"
        others = ", ".join(f"'{name}', coalesce(sum(g$.\"{name}\") {rest}, 0)" for name in self.totals)
        return (
            "(select jsonb_build_object('groups', jsonb_agg(to_jsonb(g$) order by g$.place$)"
            f" filter (where g$.place$ <= {{most}}), 'others', jsonb_build_object('groups', count(*) {rest}, {others}))"
            f" from {rows})"
        )

    def _keyed(self, name: str, *, several: bool) -> str:
        """The groups of a key: `key` and totals."""
        made, key = self.made, f"k{self._place(name)}$"
        if not several:
            return f"select {made}.{key} as key, {self._listed('{}')} from {made} where {self._set(name)}"
        each = f"lateral (select distinct e$.key from jsonb_array_elements_text({made}.{key}) e$(key)) d$"
        return f"select d$.key, {self._listed('sum({})')} from {made}, {each} where {self._set(name)} group by d$.key"

    def _listed(self, form: str) -> str:
        return ", ".join(f'{form.format(f"{self.made}.{chr(34)}{name}{chr(34)}")} as "{name}"' for name in self.totals)

    def _buckets(self, name: str, bounds: Sequence[int]) -> str:
        """The document of a histogram: every range, and how many rows have no number."""
        made, key = self.made, f"{self.made}.k{self._place(name)}$"
        limits = ", ".join(map(str, bounds))
        ranges = f"unnest(array[0, {limits}]::int[], array[{limits}]::int[]) with ordinality b$(low, high, place)"
        totals = ", ".join(f"'{total}', coalesce({made}.\"{total}\", 0)" for total in self.totals)
        bucket = f"jsonb_build_object('at_least', b$.low, 'below', b$.high, {totals})"
        unknown = f'select {made}."{COUNT}" from {made} where {self._set(name)} and {key} is null'
        return (
            f"(select jsonb_build_object('buckets', jsonb_agg({bucket} order by b$.place), 'unknown',"
            f" coalesce(({unknown}), 0)) from {ranges} left join {made} on {self._set(name)} and {key} = b$.place - 1)"
        )


def _key(mark: Groups | Buckets) -> str:
    """The expression that rows are grouped by."""
    if isinstance(mark, Buckets):
        return f"width_bucket({mark.key}, array[{', '.join(map(str, mark.bounds))}])"
    return mark.key


def _below(writer: Writer, links: Sequence[tuple[str, str]], a: str, t: str) -> str:
    """The condition that the row `a` hangs below the row `t`."""
    (_, column), *above = links
    if not above:
        return f"{a}.{column} = {t}.id"
    parent = writer.alias()
    inner = _below(writer, above, parent, t)
    return f"{a}.{column} in (select {parent}.id from {above[0][0]} {parent} where {inner})"


def _names(f: Selected) -> Iterator[str]:
    """The names of all fields below a field."""
    for fields in f.on.values():
        for one in fields:
            yield one.name
            yield from _names(one)
