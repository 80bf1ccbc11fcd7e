"""Whether the planner answers each look-up, filter, sort and join that the API offers by an index.

The statements have the shape of those that `schema/reading/` writes. They are planned and not run, with sequential
scans (and, for pages that an index is to deliver in order, sorts) priced out: on a table of ten rows the planner would
rightly read all of it, and what is asked here is whether it has a better way once there are ten million.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.commands.alignment_checks.report import Check
from app.jobs.image_filter import CONDITIONS
from app.models.image import HASHED, hash_keys
from app.values import camel

_USER = "'00000000-0000-0000-0000-000000000001'::uuid"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the planner. `ordered`: the index has to deliver the rows in order."""

    name: str
    sql: str
    ordered: bool = False


LOOK_UPS: Mapping[str, str] = {
    "profile by id": f"profiles where id = {_USER}",
    "profile by email": "profiles where email = 'a@example.org'",
    "project by id": "projects where id = 1",
    "crawl job by id": "crawl_jobs where id = 1",
    "crawl job by a user's idempotency key": "crawl_jobs j join projects p on p.id = j.project_id"
    f" where p.user_id = {_USER} and j.idempotency_key = 'k'",
    "image by id": "images where id = 1",
    "image by URL within a job": "images where crawl_job_id = 1 and md5(original_url)::uuid = md5('u')::uuid",
    "stored image by hash within a job": "images where crawl_job_id = 1 and sha256 = '\\x00'"
    " and status in ('downloaded', 'valid', 'invalid')",
    "bytes that any row names": "images where sha256 = '\\x00'",
    "pending rows of a chunk": "images where crawl_job_id = 1 and chunk = 2 and status = 'pending'",
    "images of a re-crawl with what the former job stored of their addresses": "images n left join lateral (select *"
    " from images f where f.crawl_job_id = 2 and md5(f.original_url)::uuid = md5(n.original_url)::uuid limit 1) f"
    " on true where n.crawl_job_id = 1 and n.chunk = 2 and n.status = 'pending'",
    "images of a job by a part of their hash": f"images where {hash_keys('crawl_job_id', 'phash')} && '{{1}}'::bigint[]"
    f" and {HASHED}",
    "images of a project": "images where crawl_job_id in (select id from crawl_jobs where project_id = 1)",
    "images of a profile": "images where crawl_job_id in (select id from crawl_jobs where project_id in"  # noqa: S608
    f" (select id from projects where user_id = {_USER}))",
    "validation job by id": "validation_jobs where id = 1",
    "export job by id": "export_jobs where id = 1",
    "activity line by id": "activity_logs where id = 1",
    "crawl jobs of a state": "crawl_jobs where status = 'running'",
    "validation jobs of a state": "validation_jobs where status = 'running'",
    "export jobs of a state": "export_jobs where status = 'completed'",
    "activity lines since": "activity_logs where timestamp > now() - interval '1 day'",
}

JOINS: Mapping[str, tuple[str, str, str]] = {
    "projects of a profile": ("profiles", "projects", "user_id"),
    "export jobs of a profile": ("profiles", "export_jobs", "user_id"),
    "activity lines of a profile": ("profiles", "activity_logs", "user_id"),
    "crawl jobs of a project": ("projects", "crawl_jobs", "project_id"),
    "images of a crawl job": ("crawl_jobs", "images", "crawl_job_id"),
    "validation jobs of a crawl job": ("crawl_jobs", "validation_jobs", "crawl_job_id"),
    "export jobs of a crawl job": ("crawl_jobs", "export_jobs", "crawl_job_id"),
}
"""Name → parent, child, the child's column: tried downwards and upwards."""

PARENTS: Mapping[str, tuple[str, str]] = {
    "Project": ("projects", f"user_id = {_USER}"),
    "CrawlJob": ("crawl_jobs", "project_id = 1"),
    "Image": ("images", "crawl_job_id = 1"),
    "ValidationJob": ("validation_jobs", "crawl_job_id = 1"),
    "ExportJob": ("export_jobs", "crawl_job_id = 1"),
    "ActivityLog": ("activity_logs", f"user_id = {_USER}"),
}
"""GraphQL type → its table and the condition that every page of it starts with: the parent's."""

_SAMPLES = {
    "text[]": "'{a}'",
    "text": "'a'",
    "int[]": "'{1}'",
    "int": "2",
    "float8": "0.5",
    "bool": "true",
    "timestamptz": "'2026-07-01T12:00:00Z'",
}


def _sampled(condition: str) -> str:
    """A condition as the reads write it, with a value of its cast in the placeholder's stead."""
    cast = condition.partition("{v}::")[2]
    sample = next(value for name, value in _SAMPLES.items() if cast.startswith(name))
    return condition.format(t="t", v=sample)


_AFTER = "t.created_at > now() - interval '1 day'"
_BEFORE = "t.created_at < now()"
_JOB_FILTERS = {
    "status": "t.status = any('{pending}'::text[])",
    "nameContains": "t.name ilike '%a%'",
    "createdAfter": _AFTER,
    "createdBefore": _BEFORE,
    "updatedAfter": "t.updated_at > now() - interval '1 day'",
    "updatedBefore": "t.updated_at < now()",
}
MEASURES: Mapping[str, str] = {
    name.upper(): f"(t.quality->>'{name}')::float8" for name in ("brightness", "contrast", "entropy", "sharpness")
}
"""Orders that are no column: numbers in a document."""
FILTERS: Mapping[str, Mapping[str, str]] = {
    "Project": _JOB_FILTERS,
    "CrawlJob": {
        **_JOB_FILTERS,
        "keyword": "t.keywords ?| '{a}'::text[]",
        "source": "jsonb_path_query_array(t.options, '$.sources[*].name') ?| '{a}'::text[]",
    },
    "Image": {camel(name): _sampled(condition) for name, condition in CONDITIONS.items()},
    "ValidationJob": _JOB_FILTERS,
    "ExportJob": {**_JOB_FILTERS, "format": "t.format = any('{zip}'::text[])"},
    "ActivityLog": {
        "action": "t.action = any('{a}'::text[])",
        "resourceType": "t.resource_type = any('{a}'::text[])",
        "resourceId": "t.resource_id = any('{a}'::text[])",
        "after": "t.timestamp > now() - interval '1 day'",
        "before": "t.timestamp < now()",
        "createdAfter": "t.timestamp > now() - interval '1 day'",
        "createdBefore": "t.timestamp < now()",
    },
}
"""GraphQL type → filter field → its condition: the parent's index finds the rows, the filter picks among them."""

DELIVERED: Mapping[str, str] = {
    "images of a job by id": "images where crawl_job_id = 1 and id > 5 order by id",
    "images of a job by creation": "images where crawl_job_id = 1 and (created_at, id) > (now(), 5)"
    " order by created_at, id",
    "images of a job and state by id": "images where crawl_job_id = 1 and status = 'valid' order by id",
    "all projects by id": "projects order by id",
    "all activity lines by time": "activity_logs order by timestamp",
}
"""Deep pages, which may not be sorted: an index delivers them in order."""


def questions(offered: Mapping[str, tuple[list[str], list[str]]]) -> Iterator[Question]:
    """All that is asked. `offered`: GraphQL type → its filter fields, its order fields."""
    for name, rest in LOOK_UPS.items():
        yield Question(f"plan of {name}", f"select * from {rest}")  # noqa: S608 - text of ours
    for name, (parent, child, column) in JOINS.items():
        join = f"from {parent} p join {child} c on c.{column} = p.id"
        key = _USER if parent == "profiles" else "1"
        yield Question(f"plan of {name}", f"select c.* {join} where p.id = {key}")
        yield Question(f"plan of {name}, upwards", f"select p.* {join} where c.id = 1")
    for kind, (filters, orders) in offered.items():
        table, parent = PARENTS[kind]
        for name in filters:
            condition = FILTERS[kind].get(name)
            if condition:
                sql = f"select t.* from {table} t where t.{parent} and {condition}"  # noqa: S608
                yield Question(f"plan of {kind} filtered by {name}", sql)
        for name in orders:
            key = MEASURES.get(name, f"t.{name.lower()}")
            sql = f"select t.* from {table} t where t.{parent} order by {key}, t.id limit 26"  # noqa: S608
            yield Question(f"plan of {kind} ordered by {name}", sql)
    for name, rest in DELIVERED.items():
        yield Question(f"plan of {name}, in order", f"select * from {rest} limit 26", ordered=True)  # noqa: S608


def unplanned(offered: Mapping[str, tuple[list[str], list[str]]]) -> list[str]:
    """Filters of the API that the report has no statement for."""
    return [
        f"{kind}Filter.{name} has no statement in the report"
        for kind, (filters, _) in offered.items()
        for name in filters
        if name not in FILTERS[kind]
    ]


async def known_empty(connection: asyncpg.Connection) -> frozenset[str]:
    """Tables that the planner knows to hold nothing: there it rightly reads any index from its start."""
    sql = "select relname from pg_class where relkind = 'r' and reltuples = 0"
    return frozenset(row["relname"] for row in await connection.fetch(sql))


async def check_plan(connection: asyncpg.Connection, question: Question, empty: frozenset[str]) -> Check:
    """The plan reads no whole table, and every index it uses is searched rather than read through."""
    try:
        nodes = list(_nodes(await _plan(connection, question)))
    except asyncpg.PostgresError as error:
        return Check(question.name, False, f"cannot be planned: {error}")
    used = [node["Index Name"] for node in nodes if "Index Name" in node]
    faults = [f"reads all of {node['Relation Name']}" for node in nodes if node["Node Type"] == "Seq Scan"]
    if question.ordered:
        faults += ["sorts" for node in nodes if node["Node Type"].endswith("Sort")]
    else:
        through = [node for node in nodes if "Index Name" in node and "Index Cond" not in node]
        faults += [f"reads through {node['Index Name']}" for node in through if node.get("Relation Name") not in empty]
    return Check(question.name, bool(used) and not faults, "; ".join(faults) or f"by {', '.join(used)}")


async def _plan(connection: asyncpg.Connection, question: Question) -> dict[str, Any]:
    """The plan with other ways than indexes priced out; the prices are undone, also where planning fails."""
    # A merge join may read an index from its start because it knows that the few rows wanted stand there.
    priced_out = ["enable_seqscan", "enable_mergejoin", "enable_hashjoin"]
    if question.ordered:
        priced_out += ["enable_sort", "enable_bitmapscan"]
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute("; ".join(f"set local {name} = off" for name in priced_out))
        found: dict[str, Any] = json.loads(await connection.fetchval(f"explain (format json) {question.sql}"))[0]
        return dict(found["Plan"])
    finally:
        await attempt.rollback()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
