"""Every field compiles alone and PostgreSQL takes it; a type that promises too much is refused at start."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    parse,
    specified_scalar_types,
)
from strawberry.schema.config import StrawberryConfig

from app.models import states
from app.models.crawl_job import CrawlJob as CrawlJobRow
from app.models.export_job import ExportJob as ExportJobRow
from app.models.image import Image as ImageRow
from app.models.profile import Profile as ProfileRow
from schema.reading.arguments import Values
from schema.reading.assemble import assemble
from schema.reading.catalogue import BadDeclaration
from schema.reading.declare import MODELS, column, many, one, plain, reads, sql, where
from schema.reading.write import VIEWER
from schema.root import build_schema, schema
from schema.types import enums
from schema.types.image import ImageFilter, ImageOrder
from schema.types.paging import Connection
from schema.types.scalars import SCALARS
from tests.reading.world import ADMIN, OWNER, World

CORE = schema._schema
FIELDS = [
    (type_name, field)
    for type_name in schema.reads.catalogue.tables
    for field in CORE.type_map[type_name].fields  # type: ignore[attr-defined] # they are object types
]


def leaf(type_: Any) -> str:
    """A selection of a type that is as small as can be."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return ""
    inner = [f"{name}{leaf(made.type)}" for name, made in named.fields.items() if name not in schema_links(named)]
    return "{ " + " ".join(inner) + " }"


def schema_links(named: GraphQLObjectType) -> set[str]:
    """Fields that lead to other rows, whose selection would never end."""
    if named.name not in schema.reads.catalogue.tables:
        return set()
    return {name for name in named.fields if isinstance(get_named_type(named.fields[name].type), GraphQLObjectType)}


def planned(query: str, everything: bool) -> tuple[str, list[Any]]:
    """A query's statement and parameters."""
    document: Any = parse(query)
    viewer = ADMIN if everything else OWNER
    values: Values = {VIEWER: viewer.id}
    plan = schema.reads.plan(document.definitions[0], {}, values, viewer)
    assert plan.whole
    return plan.sql, plan.parameters(values)


@pytest.mark.parametrize(("type_name", "field"), FIELDS)
@pytest.mark.parametrize("everything", [False, True])
async def test_every_field_compiles_alone_and_postgresql_takes_it(
    rows: World, connection: asyncpg.Connection, type_name: str, field: str, everything: bool
) -> None:
    made = CORE.type_map[type_name].fields[field]  # type: ignore[attr-defined] # an object type
    query = f'{{ node(id: "{type_name}:1") {{ ... on {type_name} {{ {field}{leaf(made.type)} }} }} }}'
    text, parameters = planned(query, everything)
    assert await connection.fetch(f"explain {text}", *parameters)


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { id } }",
        "{ projects(orderBy: [{field: NAME}]) { totalCount edges { cursor } pageInfo { endCursor } } }",
        *(f'{{ {name}(id: "x") {{ id }} }}' for name in ("project", "crawlJob", "image", "validationJob", "exportJob")),
        '{ nodes(ids: ["x"]) { id } }',
    ],
)
async def test_every_root_field_is_one_statement(rows: World, connection: asyncpg.Connection, query: str) -> None:
    text, parameters = planned(query, False)
    assert await connection.fetch(f"explain {text}", *parameters)


@pytest.mark.parametrize(
    "name", ["Role", "ProjectStatus", "CrawlJobStatus", "ImageStatus", "ValidationJobStatus", "ExportJobStatus"]
)
def test_the_api_has_the_states_that_rows_have(name: str) -> None:
    assert [one.value for one in getattr(enums, name)] == [one.value for one in getattr(states, name)]
    assert [one.name for one in getattr(enums, name)] == [one.value.upper() for one in getattr(states, name)]


def test_everything_is_described() -> None:
    silent = []
    for name, type_ in CORE.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if not type_.description:
            silent.append(name)
        if isinstance(type_, GraphQLEnumType):
            silent += [f"{name}.{key}" for key, value in type_.values.items() if not value.description]
        for key, made in getattr(type_, "fields", {}).items():
            silent += [f"{name}.{key}"] if not made.description else []
            arguments = {} if isinstance(type_, GraphQLInputObjectType) else made.args
            silent += [f"{name}.{key}({arg})" for arg, given in arguments.items() if not given.description]
    for directive in CORE.directives:
        silent += [f"@{directive.name}"] if not directive.description else []
        silent += [f"@{directive.name}({arg})" for arg, given in directive.args.items() if not given.description]
    assert silent == []


def test_every_scalar_of_ours_says_where_it_is_specified() -> None:
    scalars = [one for one in CORE.type_map.values() if isinstance(one, GraphQLScalarType)]
    ours = {one.name: one.specified_by_url for one in scalars if one.name not in specified_scalar_types}
    assert sorted(ours) == ["BigInt", "DateTime", "JSON", "URL", "UUID"]
    assert all(str(url).startswith("https://") for url in ours.values())


@reads(ImageRow)
@strawberry.type
class Unknown:
    """A field that the table does not have."""

    nowhere: int = plain("")


@reads(ImageRow)
@strawberry.type
class Nullable:
    """A column that may be NULL under a field that may not."""

    width: int = plain("")


@reads(ImageRow)
@strawberry.type
class Narrow:
    """A 64-bit column under a 32-bit field."""

    key: int = column("id", "")


@reads(ImageRow)
@strawberry.type
class NullableSql:
    """An expression that may be NULL under a field that may not."""

    phash: str = sql("{t}.phash", "", nullable=True)


@reads(ExportJobRow)
@strawberry.type
class Astray:
    """A link over a column that points elsewhere."""

    user: Unknown = one("user_id", description="")


@reads(ProfileRow)
@strawberry.type
class Person:
    """A profile."""

    email: str = plain("")


@reads(ExportJobRow)
@strawberry.type
class Export:
    """A link to a row that may be hidden, under a field that may not be null."""

    user: Person = one("user_id", description="")


@reads(ImageRow)
@strawberry.type
class Picture:
    """An image."""

    filename: str = plain("")


@reads(CrawlJobRow)
@strawberry.type
class Crawl:
    """A list of a deep table that begins nowhere."""

    pictures: Connection[Picture] = many(None, where=ImageFilter, order=ImageOrder, description="")


@strawberry.input
class PictureFilter:
    """A condition without a cast."""

    since: datetime | None = where("{t}.created_at > {v}", "")


@reads(CrawlJobRow)
@strawberry.type
class Shoot:
    """A list under a filter that does not cast."""

    pictures: Connection[Picture] = many("crawl_job_id", where=PictureFilter, order=ImageOrder, description="")


BAD = {
    "no column nowhere": (Unknown,),
    "width: what it reads may be NULL": (Nullable,),
    "64 bits": (Narrow,),
    "phash: what it reads may be NULL": (NullableSql,),
    "does not point at images": (Astray, Unknown),
    "Export.user: what it reads may be NULL, the field may not": (Export, Person),
    "begins at the parent": (Crawl, Picture),
    "cast": (Shoot, Picture),
}
for types in BAD.values():
    for declared in types:
        MODELS.pop(declared.__name__, None)


@pytest.mark.parametrize("reason", BAD)
def test_a_type_that_promises_what_its_table_does_not_keep_is_refused(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = types = BAD[reason]
    rows = {Person: ProfileRow, Export: ExportJobRow, Astray: ExportJobRow, Crawl: CrawlJobRow, Shoot: CrawlJobRow}
    for one_type in reversed(types):
        monkeypatch.setitem(MODELS, one_type.__name__, rows.get(one_type, ImageRow))
    query = type("Query", (), {"__annotations__": {"x": first | None}, "x": one(description="")})
    made = strawberry.Schema(query=strawberry.type(query), types=types, config=StrawberryConfig(scalar_map=SCALARS))
    with pytest.raises(BadDeclaration, match=reason):
        assemble(made._schema)


async def test_a_plan_serves_every_call_of_its_shape(rows: World) -> None:
    from tests.reading.world import ask

    fresh, other = build_schema(), build_schema(elide=False)
    query = """query($n: Int, $id: ID!, $skip: Boolean = false, $order: [ImageOrder!], $filter: ImageFilter) {
      crawlJob(id: $id) { name @skip(if: $skip)
        images(first: $n, orderBy: $order, filter: $filter) { nodes { id } } } }"""
    calls: list[dict[str, Any]] = [
        *({"n": n, "id": f"CrawlJob:{job}"} for n in range(1, 6) for job in rows.jobs[:4]),
        *({"n": n, "id": f"CrawlJob:{rows.jobs[0]}", "skip": True} for n in (1, 2)),
        *(
            {"n": 1, "id": "CrawlJob:1", "order": [{"field": "WIDTH", "direction": way}]}
            for way in ("ASC", "DESC", "ASC")
        ),
        *({"n": 1, "id": "CrawlJob:1", "filter": {"minWidth": width}} for width in (1, 2, 3)),
        *({"n": 1, "id": "CrawlJob:1", "filter": {"status": ["VALID"] * count}} for count in (1, 2, 3)),
    ]
    for variables in calls:
        answer = await ask(query, variables, on=fresh)
        assert answer["errors"] == []
        assert answer == await ask(query, variables, on=other)
    # As told; skipping; two orders; two filters.
    assert fresh.reads.plans.misses == 6
    assert fresh.documents.misses == 1
