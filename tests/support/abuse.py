"""Requests that are meant to hurt: bodies as they go over the wire, by what they try."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MEBIBYTE = 2**20


def body(query: object, **more: Any) -> bytes:
    """A request's body."""
    return json.dumps({"query": query, **more}).encode()


def _deep(levels: int) -> str:
    return "{ viewer " + "{ projects { nodes { user " * levels + "{ id }" + " } } }" * levels + " }"


def _chain(length: int, times: int) -> str:
    """Fragments each of which spreads the next several times."""
    links = " ".join(f"fragment F{n} on Profile {{ {' '.join([f'...F{n + 1}'] * times)} }}" for n in range(length))
    return f"{{ viewer {{ ...F0 }} }} {links} fragment F{length} on Profile {{ id }}"


def _tree(size: int) -> str:
    lists = ("projects", "crawlJobs", "images")
    return "{ viewer" + "".join(f" {{ {name}(first: {size}) {{ nodes" for name in lists) + " { id }" + " } }" * 3 + " }"


NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
FILTER = 'query($f: ImageFilter) { crawlJob(id: "x") { images(filter: $f) { totalCount } } }'
PROJECT = "query($id: ID!) { project(id: $id) { id } }"
CREATE = "mutation($n: String!) { createProject(input: {name: $n}) { project { id } errors { code path limit } } }"

ABUSE: Mapping[str, bytes] = {
    "deep fields": body(_deep(300)),
    "deep braces": body("{" * 9_000),
    "deep list literal": body("{ nodes(ids: " + "[" * 4_000 + "]" * 4_000 + ") { id } }"),
    "deep variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
    "wide": body("{ viewer { " + "id " * 9_000 + "} }"),
    "wide, equal lists": body("{ viewer { " + "projects { nodes { id } } " * 1_500 + "} }"),
    "aliases": body("{ " + " ".join(f"a{n}: viewer {{ id }}" for n in range(2_000)) + " }"),
    "aliased mutations": body(
        "mutation { " + " ".join(f'a{n}: deleteProject(id: "Project:x") {{ deletedId }}' for n in range(1_000)) + " }"
    ),
    "few aliases, each with a page": body(
        "{ "
        + " ".join(
            f"a{n}: viewer {{ projects(first: 100) {{ nodes {{ id crawlJobs(first: 100) {{ nodes {{ id }} }} }} }} }}"
            for n in range(30)
        )
        + " }"
    ),
    "batch": b"[" + b",".join([body("{ viewer { id } }")] * 1_000) + b"]",
    "fragment within itself": body("{ viewer { ...A } } fragment A on Profile { id ...A }"),
    "fragments in a circle": body(
        "{ viewer { ...A } } fragment A on Profile { ...B } fragment B on Profile { ...C } "
        "fragment C on Profile { id ...A }"
    ),
    "fragments that double": body(_chain(60, 2)),
    "fragments that multiply": body(_chain(90, 10)),
    "many fragments": body(
        "{ viewer { "
        + " ".join(f"...F{n}" for n in range(900))
        + " } } "
        + " ".join(f"fragment F{n} on Profile {{ id }}" for n in range(900))
    ),
    "many operations": body(" ".join(f"query Q{n} {{ viewer {{ id }} }}" for n in range(1_200)), operationName="Q1"),
    "directives": body("{ viewer { id " + "@include(if: true) " * 1_500 + "} }"),
    "huge lists": body(_tree(100)),
    "lists of a wrong size": body(_tree(2**31 - 1)),
    "many ids": body(NODES, variables={"ids": [f"Image:{n}" for n in range(50_000)]}),
    "long filter": body(FILTER, variables={"f": {"status": ["VALID"] * 80_000}}),
    "long name": body(CREATE, variables={"n": "x" * (MEBIBYTE - 1_000)}),
    "long id": body(PROJECT, variables={"id": "Project:" + "9" * (MEBIBYTE - 1_000)}),
    "long string in the document": body('{ project(id: "' + "x" * (MEBIBYTE - 1_000) + '") { id } }'),
    "long comment": body("{ viewer { idd } } #" + "x" * (MEBIBYTE - 1_000)),
    "long name of a field": body("{ " + "a" * (MEBIBYTE - 1_000) + " }"),
    "more than a mebibyte": body("{ viewer { id } } #" + "x" * (2 * MEBIBYTE)),
    "bytes that are no UTF-8": b'{"query": "{ viewer { id } } # \xff\xfe\xc3\x28"}',
    "half a pair of characters": b'{"query": "query($id: ID!) { project(id: $id) { id } }", '
    b'"variables": {"id": "\\ud800"}}',
    "NUL": body(CREATE, variables={"n": "a\0b"}),
    "NUL in the document": body("{ viewer \0 { id } }"),
    "marks of direction and order": body("{ viewer \u202e\ufeff\u2066 { id } }"),
    "number for a text": body(CREATE, variables={"n": 3}),
    "object for an id": body(PROJECT, variables={"id": {"$ne": None}}),
    "list for an id": body(PROJECT, variables={"id": ["Project:1"] * 3}),
    "number beyond all": b'{"query": "query($n: Int) { viewer { projects(first: $n) { totalCount } } }", '
    b'"variables": {"n": 1e400}}',
    "long number": b'{"query": "{ __typename }", "variables": {"n": ' + b"9" * 500_000 + b"}}",
    "query that is a number": body(3),
    "query that is an object": body({"a": "{ __typename }"}),
    "no body": b"",
    "half a body": b'{"query": "{ __typ',
    "NaN": b'{"query": "{ __typename }", "variables": {"n": NaN}}',
    "repeated field": body("{ viewer { " + "id " * 490 + "} }"),
    "repeated lists": body("{ viewer { " + "projects(first: 1) { totalCount } " * 240 + "} }"),
    "lists that differ": body(
        "{ viewer { " + " ".join(f"projects(first: {n}) {{ totalCount }}" for n in range(240)) + " } }"
    ),
    "repeated fragments": body('{ node(id: "x") { ' + "... on Project { id } ... on Image { id } " * 160 + "} }"),
    "fragments inside each other": body("{ viewer { " + "... on Profile { " * 190 + "id" + " }" * 190 + " } }"),
    "fields that are not there": body("{ viewer { " + " ".join(f"crawlJobStatistic{n}" for n in range(490)) + " } }"),
    "arguments that are not there": body(
        '{ crawlJob(id: "x", ' + ", ".join(f"ide{n}: 1" for n in range(1_200)) + ") { id } }"
    ),
    "members that are not there": body(
        "mutation { createProject(input: { "
        + ", ".join(f"nam{n}: 1" for n in range(1_200))
        + " }) { project { id } } }"
    ),
    "wrong values of an enum": body(
        '{ crawlJob(id: "x") { images(filter: { status: [ '
        + " ".join(f"VALI{n}" for n in range(3_000))
        + " ] }) { totalCount } } }"
    ),
    "directives that are not there": body("{ viewer { id " + " ".join(f"@includ{n}" for n in range(1_900)) + " } }"),
    "variables without use": body("query(" + " ".join(f"$v{n}: Int" for n in range(990)) + ") { viewer { id } }"),
    "variables without declaration": body("{ nodes(ids: [" + " ".join(f"$v{n}" for n in range(1_900)) + "]) { id } }"),
    "types of types of types": body("{ __schema { types " + "{ fields { type " * 7 + "{ name }" + " } }" * 7 + " } }"),
    "types of all types, many times": body(
        "{ "
        + " ".join(f"a{n}: __schema {{ types {{ fields {{ type {{ fields {{ name }} }} }} }} }}" for n in range(20))
        + " }"
    ),
    "spaces": body("{ viewer { idd } }" + " " * 130_000),
    "comments": body("{ viewer { idd } }" + "#\n" * 65_000),
    "escapes": body('{ project(id: "' + "\\u0041" * 21_000 + '") { idd } }'),
    "quotes that do not end": body('{ project(id: "' + '\\"' * 60_000),
    "long block string": body('{ project(id: """' + " \n" * 60_000 + '""") { idd } }'),
    "half a pair in the document": body('{ project(id: "\\ud800") { id } }'),
    "digits in the document": body("{ viewer { projects(first: " + "9" * 60_000 + ") { totalCount } } }"),
    "wrong values of an enum in variables": body(FILTER, variables={"f": {"status": ["VALI"] * 20_000}}),
    "unknown members in variables": body(FILTER, variables={"f": {f"statu{n}": 1 for n in range(50_000)}}),
    "unknown variables": body(PROJECT, variables={f"i{n}": 1 for n in range(60_000)}),
    "objects inside each other": b'{"query": "query($f: ImageFilter) { viewer { id } }", "variables": {"f": '
    + b'{"a":' * 900
    + b"1"
    + b"}" * 900
    + b"}}",
    "lists inside each other": b'{"query": "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": {"ids": '
    + b"[" * 900
    + b"]" * 900
    + b"}}",
    "operation name of a mebibyte": body("{ viewer { id } }", operationName="x" * (MEBIBYTE - 1_000)),
    "operation name that is not there": body("query A { viewer { id } }", operationName="B"),
    "operation name that is a list": body("{ viewer { id } }", operationName=["A"]),
    "no operation": body("fragment A on Profile { id }"),
    "types of its own": body("type Query { a: Int } { viewer { id } }"),
    "extensions that are a text": body("{ viewer { id } }", extensions="x" * 100_000),
    "extensions without a query": body(None, extensions={"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}),
    "a member twice": b'{"query": "{ viewer { id } }", "query": 3}',
}
"""What each tries → the body."""
