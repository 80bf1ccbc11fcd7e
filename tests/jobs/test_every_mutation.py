"""What holds for every mutation that there is: refusals are data, and another's rows are as if they were not there.

Inputs are made of the schema: a new mutation is asked without a word here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    get_named_type,
    get_nullable_type,
)

from schema.reading.declare import MODELS
from schema.root import schema
from tests.support.asking import EXPORT, VALIDATE
from tests.support.filled import filled
from tests.support.service import Person

CORE: Any = schema._schema
MUTATIONS = sorted(CORE.mutation_type.fields)
UNSTORABLE = "a\0b"
FINE = "http://127.0.0.1:9/1.jpg"
NUMBERS = {"Int": 1, "Float": 1.0, "Boolean": True}


def made(type_: Any, id: str, text: str) -> Any:
    """A value of an input type with `id` for every id, and `text` for every text."""
    type_ = get_nullable_type(type_)
    if isinstance(type_, GraphQLList):
        return [made(type_.of_type, id, text)]
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        return {name: made(type_.fields[name].type, id, text) for name in _given(type_, text)}
    return NUMBERS.get(type_.name, id if type_.name == "ID" else text)


def _given(type_: GraphQLInputObjectType, text: str) -> list[str]:
    """The fields of an input that must be there, and enums; texts where none must; one of those of `@oneOf`."""
    if type_.extensions["strawberry-definition"].is_one_of:
        return [next((name for name in type_.fields if name in ("ids", "urlList")), next(iter(type_.fields)))]
    fields = type_.fields
    needed = [name for name in fields if _is_needed(fields[name])]
    kinds = [name for name in fields if isinstance(get_named_type(fields[name].type), GraphQLEnumType)]
    texts = [name for name in fields if get_named_type(fields[name].type).name in ("String", "URL")]
    if needed:
        return list(dict.fromkeys([*needed, *kinds]))
    return texts if text == UNSTORABLE else []


def _is_needed(taken: GraphQLArgument | GraphQLInputField) -> bool:
    return isinstance(taken.type, GraphQLNonNull) and taken.default_value is Undefined


def call(name: str, id: str, text: str) -> tuple[str, dict[str, Any]]:
    """The text of a mutation and its variables."""
    field = CORE.mutation_type.fields[name]
    args = {name: one for name, one in field.args.items() if _is_needed(one)}
    head = ", ".join(f"${name}: {one.type}" for name, one in args.items())
    given = ", ".join(f"{name}: ${name}" for name in args)
    query = f"mutation({head}) {{ {name}({given}) {{ __typename errors {{ code message path }} }} }}"
    return query, {name: made(one.type, id, text) for name, one in args.items()}


def _ids(value: Any, id: str) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _ids(one, id)
    elif value == id:
        yield id


async def kept(db: asyncpg.Connection) -> list[str]:
    """All rows as text."""
    tables = [model._meta.db_table for model in MODELS.values()]
    return [str(await db.fetchval(f"select json_agg(t order by t.id)::text from {table} t")) for table in tables]


async def refused(who: Person, name: str, id: str, text: str) -> list[dict[str, Any]]:
    """The errors of a mutation's payload, which is all that it says."""
    query, variables = call(name, id, text)
    answer = await who.ask(query, **variables)
    assert "errors" not in answer, orjson.dumps(answer)
    errors: list[dict[str, Any]] = answer["data"][name]["errors"]
    assert errors, (query, variables)
    return errors


@pytest.mark.parametrize("name", MUTATIONS)
async def test_what_is_wrong_with_a_mutation_is_data_of_its_payload(
    owner: Person, db: asyncpg.Connection, name: str
) -> None:
    await owner.get("{ viewer { id } }")
    before = await kept(db)
    for id in ("CrawlJob:999999999", "Nothing:1", ""):
        (error, *_) = await refused(owner, name, id, UNSTORABLE)
        assert error["code"] in ("NOT_FOUND", "INVALID")
        assert error["message"]
        assert error["path"]
    assert await kept(db) == before


async def test_no_mutation_of_a_stranger_changes_or_knows_anothers_rows(
    owner: Person, stranger: Person, db: asyncpg.Connection
) -> None:
    job, images = await filled(db, owner, "downloaded", "failed")
    validation = await owner.do(VALIDATE, input={"crawlJobId": job, "rules": {"minWidth": 10}})
    export = await owner.do(EXPORT, input={"crawlJobId": job, "format": "ZIP"})
    project = (await owner.get("query($id: ID!) { crawlJob(id: $id) { project { id } } }", id=job))["crawlJob"]
    await stranger.get("{ viewer { id } }")
    before = await kept(db)
    rows = [job, images[0], validation["validationJob"]["id"], export["exportJob"]["id"], project["project"]["id"]]
    asked = 0
    for name in MUTATIONS:
        for id in rows:
            if not list(_ids(call(name, id, FINE)[1], id)):
                continue
            asked += 1
            missing = id.partition(":")[0] + ":999999999"
            (error,) = await refused(stranger, name, id, FINE)
            assert error["code"] == "NOT_FOUND", (name, error)
            assert [error] == await refused(stranger, name, missing, FINE)
    assert asked > len(rows) * 15
    assert await kept(db) == before
