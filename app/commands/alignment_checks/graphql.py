"""The GraphQL types of projects and of crawl, validation and export jobs, against the SDL that the service builds."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    DefinitionNode,
    EnumTypeDefinitionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    parse,
    print_ast,
)

from app.commands.alignment_checks.report import Check, compared

Fields = Mapping[str, str]

_PAGE = (
    "(first: Int, after: String, last: Int, before: String, filter: {0}Filter, orderBy: [{0}Order!]): {0}Connection!"
)

_NODE = {"id": "ID!", "databaseId": "Int!", "name": "String!"}
_STAMPS = {"createdAt": "DateTime!", "updatedAt": "DateTime!"}
_RUN = {"progress": "Int!", "errorMessage": "String", "startedAt": "DateTime", "completedAt": "DateTime"}


def _pages(**fields: str) -> dict[str, str]:
    return {name: _PAGE.format(node) for name, node in fields.items()}


TYPES: Mapping[str, Fields] = {
    "Project": {
        **_NODE,
        **_STAMPS,
        "description": "String",
        "status": "ProjectStatus!",
        "user": "Profile!",
        **_pages(crawlJobs="CrawlJob"),
    },
    "CrawlJob": {
        **_NODE,
        **_STAMPS,
        **_RUN,
        "status": "CrawlJobStatus!",
        "keywords": "[String!]!",
        "maxImages": "Int!",
        "totalImages": "Int!",
        "downloadedImages": "Int!",
        "validImages": "Int!",
        "totalChunks": "Int!",
        "activeChunks": "Int!",
        "completedChunks": "Int!",
        "failedChunks": "Int!",
        "chunkProgress": "Int!",
        "chunkSize": "Int!",
        "sources": "[CrawlJobSource!]!",
        "taskIds": "[String!]!",
        "project": "Project!",
        **_pages(images="Image", validationJobs="ValidationJob", exportJobs="ExportJob"),
    },
    "ValidationJob": {
        **_NODE,
        **_STAMPS,
        **_RUN,
        "status": "ValidationJobStatus!",
        "totalImages": "Int!",
        "validatedImages": "Int!",
        "invalidImages": "Int!",
        "validationRules": "ValidationRules!",
        "crawlJob": "CrawlJob!",
    },
    "ExportJob": {
        **_NODE,
        **_STAMPS,
        **_RUN,
        "status": "ExportJobStatus!",
        "format": "ExportFormat!",
        "totalImages": "Int!",
        "exportedImages": "Int!",
        "fileSize": "BigInt",
        "downloadUrl": "URL",
        "exportOptions": "JSON!",
        "expiresAt": "DateTime",
        "crawlJob": "CrawlJob!",
        "user": "Profile",
    },
}
ENUMS: Mapping[str, str] = {
    "ProjectStatus": "ACTIVE ARCHIVED",
    "CrawlJobStatus": "PENDING RUNNING PAUSED COMPLETED FAILED CANCELLED",
    "ValidationJobStatus": "PENDING RUNNING COMPLETED FAILED CANCELLED",
    "ExportJobStatus": "PENDING RUNNING COMPLETED FAILED CANCELLED EXPIRED",
}

COMBINING = frozenset({"anyOf", "allOf", "not"})


def built_sdl() -> str:
    """The SDL of the schema as it is assembled.

    Raises LookupError with a sentence where it cannot be: the report shows that as a line.
    """
    try:
        return str(importlib.import_module("schema.root").sdl())
    except (ImportError, AttributeError, TypeError, ValueError, GraphQLError) as error:
        raise LookupError(f"the GraphQL schema cannot be assembled: {error}") from error


def check_graphql(sdl: str) -> Iterator[Check]:
    """Every field of the contract with its type and arguments. What stands beside them is the service's own."""
    try:
        definitions = _definitions(sdl)
    except GraphQLError as error:
        yield Check("GraphQL schema", False, f"the SDL does not parse: {error.message}")
        return
    for name, fields in TYPES.items():
        node = definitions.get(name)
        found = _fields(node) if isinstance(node, ObjectTypeDefinitionNode) else {}
        differs = [
            f"{field} is {found.get(field, 'missing')}, the contract says {kind}"
            for field, kind in fields.items()
            if found.get(field) != kind
        ]
        yield compared(f"GraphQL type {name}", differs, f"{len(fields)} fields")
    for name, values in ENUMS.items():
        node = definitions.get(name)
        there = " ".join(v.name.value for v in node.values) if isinstance(node, EnumTypeDefinitionNode) else "missing"
        differs = [] if set(there.split()) == set(values.split()) else [f"{there}; the contract says {values}"]
        yield compared(f"GraphQL enum {name}", differs, values)


def _fields(node: ObjectTypeDefinitionNode) -> dict[str, str]:
    """Field → its type; before it the arguments of a page, which clients write down."""
    found = {}
    for field in node.fields:
        kind = print_ast(field.type)
        arguments = ", ".join(f"{a.name.value}: {print_ast(a.type)}" for a in field.arguments)
        found[field.name.value] = f"({arguments}): {kind}" if arguments else kind
    return found


def offered(sdl: str, kinds: Iterable[str]) -> dict[str, tuple[list[str], list[str]]]:
    """What lists of each type can be filtered and ordered by: the fields of `XFilter`, the values of `XOrderField`.

    Filters that combine other filters are left out: they add no column.
    """
    definitions = _definitions(sdl) if sdl else {}
    found = {}
    for kind in kinds:
        filters, orders = definitions.get(f"{kind}Filter"), definitions.get(f"{kind}OrderField")
        names = [f.name.value for f in filters.fields] if isinstance(filters, InputObjectTypeDefinitionNode) else []
        values = [v.name.value for v in orders.values] if isinstance(orders, EnumTypeDefinitionNode) else []
        found[kind] = ([name for name in names if name not in COMBINING], values)
    return found


def _definitions(sdl: str) -> dict[str, DefinitionNode]:
    nodes = parse(sdl).definitions
    return {node.name.value: node for node in nodes if isinstance(node, TypeDefinitionNode)}
