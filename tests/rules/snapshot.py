"""A schema as sorted lines of its own definition, so that two can be compared as text."""

from __future__ import annotations

import asyncpg

from app.database import credentials

_OURS = "relnamespace = 'public'::regnamespace and c.relname <> 'aerich'"

_LINES = {
    "column": f"""
        select concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                         case when a.attnotnull then 'not null' end, pg_get_expr(d.adbin, d.adrelid))
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where c.{_OURS} and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped""",
    # NOT NULL is a constraint of its own from version 18 on; it is compared as a part of its column.
    "constraint": f"""
        select concat_ws(' ', c.relname, k.conname, pg_get_constraintdef(k.oid))
        from pg_constraint k join pg_class c on c.oid = k.conrelid where c.{_OURS} and k.contype <> 'n'""",
    "index": "select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'aerich'",
    "comment": f"select c.relname || ' ' || obj_description(c.oid, 'pg_class') from pg_class c where c.{_OURS}",
    "sequence": f"""
        select c.relname from pg_class c where c.{_OURS} and c.relkind = 'S' and c.relname <> 'aerich_id_seq'""",
    "trigger": f"""
        select pg_get_triggerdef(g.oid) from pg_trigger g join pg_class c on c.oid = g.tgrelid
        where c.{_OURS} and not g.tgisinternal""",
    "function": "select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace",
}

ALL = tuple(_LINES)
DECLARED = tuple(kind for kind in ALL if kind not in ("trigger", "function"))
"""What models can declare; triggers and their functions stand in the migration only."""


async def snapshot(url: str, kinds: tuple[str, ...] = ALL) -> list[str]:
    """The lines of those kinds, each after its kind."""
    connection = await asyncpg.connect(**credentials(url))
    try:
        found = [(kind, row[0]) for kind in kinds for row in await connection.fetch(_LINES[kind])]
        return sorted(f"{kind}: {line}" for kind, line in found if line)
    finally:
        await connection.close()
