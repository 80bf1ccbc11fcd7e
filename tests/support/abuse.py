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
}
"""What each tries → the body."""
HARMLESS = ("long id",)
"""Those that only ask for what is not there; the others have to be refused."""
