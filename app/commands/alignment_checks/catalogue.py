"""The live database as its own catalogue tells it, from `pg_catalog` alone: PostgreSQL 14 to 18.

Reads the schema that comes first in the connection's search path. Judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from app.commands.alignment_checks.contract import SEQUENCE, Column
from app.commands.alignment_checks.indexes import Index

_SHORT_TYPES = {"character varying": "varchar", "timestamp with time zone": "timestamptz"}

# Views hold no rows of their own and may be anyone's; whatever holds rows is a table here.
_TABLES = """
select c.relname as name from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'f', 'm')
order by c.relname"""

_COLUMNS = """
select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       not a.attnotnull as nullable, pg_get_expr(d.adbin, d.adrelid) as default_, a.attgenerated <> '' as generated,
       a.attidentity <> '' or exists (
           select 1 from pg_depend own join pg_depend uses
               on uses.refclassid = 'pg_class'::regclass and uses.refobjid = own.objid
           where own.classid = 'pg_class'::regclass and own.refclassid = 'pg_class'::regclass
             and own.refobjid = a.attrelid and own.refobjsubid = a.attnum and own.deptype = 'a'
             and uses.classid = 'pg_attrdef'::regclass and uses.objid = d.oid
             and pg_get_expr(d.adbin, d.adrelid) like 'nextval(%'
       ) as counting
from pg_attribute a join pg_class c on c.oid = a.attrelid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum"""

_CONSTRAINTS = """
select c.relname as table, k.conname as name, k.contype::text as kind, k.convalidated as valid,
       pg_get_expr(k.conbin, k.conrelid) as condition, k.confdeltype::text as on_delete,
       (select array_agg(a.attname::text order by w.place) from unnest(k.conkey) with ordinality w(number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = w.number) as columns,
       target.relname as target,
       (select array_agg(a.attname::text order by w.place) from unnest(k.confkey) with ordinality w(number, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = w.number) as target_columns
from pg_constraint k join pg_class c on c.oid = k.conrelid left join pg_class target on target.oid = k.confrelid
where c.relnamespace = current_schema()::regnamespace and k.contype in ('p', 'u', 'f', 'c')
order by c.relname, k.conname"""

_INDEXES = """
select i.relname as name, t.relname as table, x.indisunique as unique_, x.indisprimary as primary_,
       x.indisvalid and x.indisready as valid, pg_get_expr(x.indpred, x.indrelid) as condition,
       (select array_agg(pg_get_indexdef(x.indexrelid, place, true)
            || case when x.indoption[place - 1] & 1 = 1 then ' desc' else '' end order by place)
        from generate_series(1, x.indnkeyatts::int) place) as columns,
       concat_ws(', ', nullif(m.amname, 'btree'), case when not x.indimmediate then 'deferrable' end,
                 -- A column of the catalogue from version 15 on.
                 case when (to_jsonb(x) ->> 'indnullsnotdistinct')::bool then 'nulls not distinct' end) as special
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
where t.relnamespace = current_schema()::regnamespace and t.relkind in ('r', 'p')
order by t.relname, i.relname"""

_TRIGGERS = """
select t.relname as table, g.tgname as name, g.tgtype::int as type, g.tgenabled in ('O', 'A') as enabled,
       g.tgqual is null and cardinality(g.tgattr::int2[]) = 0 as always, p.prosrc as body
from pg_trigger g join pg_class t on t.oid = g.tgrelid join pg_proc p on p.oid = g.tgfoid
where t.relnamespace = current_schema()::regnamespace and not g.tgisinternal
order by t.relname, g.tgname"""

_DELETE_RULES = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference of one or more columns and what becomes of the child when the parent goes."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    on_delete: str
    valid: bool

    def __str__(self) -> str:
        targets = ", ".join(self.target_columns)
        state = "" if self.valid else " (not validated)"
        return f"references {self.target}.{targets} on delete {self.on_delete}{state}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A CHECK constraint; `columns` are those that it reads."""

    name: str
    columns: tuple[str, ...]
    condition: str
    valid: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger. `row_update` is true of one that runs before every UPDATE of each row, without a condition."""

    name: str
    row_update: bool
    enabled: bool
    body: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the database holds, by table."""

    tables: Sequence[str]
    columns: Mapping[str, Mapping[str, Column]]
    primary_keys: Mapping[str, tuple[str, ...]]
    foreign_keys: Mapping[str, Sequence[ForeignKey]]
    checks: Mapping[str, Sequence[Condition]]
    indexes: Mapping[str, Index]
    invalid_indexes: frozenset[str]
    triggers: Mapping[str, Sequence[Trigger]]


async def read(connection: asyncpg.Connection) -> Catalogue:
    """The catalogue as this connection's transaction sees it."""
    tables = [row["name"] for row in await connection.fetch(_TABLES)]
    constraints = await connection.fetch(_CONSTRAINTS)
    indexes = [row for row in await connection.fetch(_INDEXES) if not row["primary_"]]
    foreign_keys: dict[str, list[ForeignKey]] = {name: [] for name in tables}
    checks: dict[str, list[Condition]] = {name: [] for name in tables}
    primary_keys: dict[str, tuple[str, ...]] = {}
    for row in constraints:
        columns = tuple(row["columns"] or ())
        if row["kind"] == "p":
            primary_keys[row["table"]] = columns
        elif row["kind"] == "f":
            rule = _DELETE_RULES[row["on_delete"]]
            key = ForeignKey(columns, row["target"], tuple(row["target_columns"]), rule, row["valid"])
            foreign_keys[row["table"]].append(key)
        elif row["kind"] == "c":
            checks[row["table"]].append(Condition(row["name"], columns, plain(row["condition"]), row["valid"]))
    triggers: dict[str, list[Trigger]] = {name: [] for name in tables}
    for row in await connection.fetch(_TRIGGERS):
        row_update = row["type"] & 0b1_0011 == 0b1_0011 and row["always"]
        triggers[row["table"]].append(Trigger(row["name"], row_update, row["enabled"], row["body"]))
    return Catalogue(
        tables=tables,
        columns=_columns(await connection.fetch(_COLUMNS)),
        primary_keys=primary_keys,
        foreign_keys=foreign_keys,
        checks=checks,
        indexes={row["name"]: _index(row) for row in indexes},
        invalid_indexes=frozenset(row["name"] for row in indexes if not row["valid"]),
        triggers=triggers,
    )


def _columns(rows: Sequence[asyncpg.Record]) -> dict[str, dict[str, Column]]:
    found: dict[str, dict[str, Column]] = {}
    for row in rows:
        default = plain(row["default_"]) if row["default_"] is not None else None
        if row["counting"]:
            default = SEQUENCE
        elif row["generated"]:
            default = f"generated as {default}"
        column = Column(row["name"], short_type(row["type"]), row["nullable"], default)
        found.setdefault(row["table"], {})[row["name"]] = column
    return found


def short_type(name: str) -> str:
    for long, short in _SHORT_TYPES.items():
        name = name.replace(long, short)
    return name


def _index(row: asyncpg.Record) -> Index:
    columns = tuple(_unwrapped(column.replace('"', "")) for column in row["columns"])
    condition = plain(row["condition"]) if row["condition"] else ""
    return Index(row["name"], row["table"], columns, row["unique_"], condition, row["special"])


def _unwrapped(text: str) -> str:
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def plain(sql: str) -> str:
    """An expression without casts, parentheses around comparisons, quotes around names and needless blanks.

    PostgreSQL prints what it understood, not what was written, and a little differently from version to version:
    `IN` as `= ANY (ARRAY[…])`, `BETWEEN` as two comparisons, a cast at each text. Both sides of a comparison go
    through here.
    """
    text = re.sub(r"::(?:character varying|timestamp with time zone|\w+)(?:\(\d+\))?(?:\[\])?", "", sql)
    text = re.sub(r"(\w+) BETWEEN (\S+) AND (\S+)", r"\1 >= \2 AND \1 <= \3", text)
    text = re.sub(r"= ANY \(+ARRAY\[(.*?)\]\)+", r"IN (\1)", text.replace('"', ""))
    # A list's or a call's parentheses follow a word and stay; all others only group.
    kept = re.sub(r"(\bIN|\b\w+)\s?\(([^()]*)\)", _kept, text)
    return re.sub(r"\s+", " ", kept.replace("(", "").replace(")", "").replace("⟨", "(").replace("⟩", ")")).strip()


def _kept(match: re.Match[str]) -> str:
    word, inside = match.groups()
    if word in ("AND", "OR", "NOT"):
        return f"{word} {inside}"
    return f"{word} ⟨{inside}⟩" if word == "IN" else f"{word}⟨{inside}⟩"
