"""The GraphQL types of projects and of crawl, validation and export jobs, against the SDL that the service builds."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_required_argument,
)

from app.commands.alignment_checks.report import Check, compared

Fields = Mapping[str, str]

_PAGE_ARGUMENTS = ("first", "after", "last", "before", "filter", "orderBy")
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


def built_schema() -> GraphQLSchema:
    """The schema that the SDL of the service describes.

    Raises LookupError with a sentence where it cannot be assembled: the report shows that as a line.
    """
    try:
        return build_schema(importlib.import_module("schema.root").sdl())
    except (ImportError, AttributeError, TypeError, ValueError, GraphQLError) as error:
        raise LookupError(f"the GraphQL schema cannot be assembled: {error}") from error


def chunk_progress_sql(row: str) -> str:
    """How the API computes `CrawlJob.chunkProgress` of the row of that name; empty where it does not."""
    try:
        types, declare = (
            importlib.import_module(name) for name in ("schema.types.crawl_job", "schema.reading.declare")
        )
    except ImportError:
        return ""
    definition = getattr(getattr(types, "CrawlJob", None), "__strawberry_definition__", None)
    fields = definition.fields if definition is not None else []
    marks = [field.metadata.get(declare.MARK) for field in fields if field.name == "chunk_progress"]
    return marks[0].text.format(t=row) if marks and isinstance(marks[0], declare.Sql) else ""


def check_graphql(schema: GraphQLSchema) -> Iterator[Check]:
    """Every field of the contract with its type and arguments. What stands beside them is the service's own."""
    for name, fields in TYPES.items():
        node = schema.type_map.get(name)
        if not isinstance(node, GraphQLObjectType):
            yield Check(f"GraphQL type {name}", False, "missing")
            continue
        found = node.fields
        there = {field: _signature(found[field]) if field in found else "missing" for field in fields}
        differs = [
            f"{field} is {there[field]}, the contract says {kind}"
            for field, kind in fields.items()
            if there[field] != kind
        ]
        yield compared(f"GraphQL type {name}", differs, f"{len(fields)} fields")
    for name, values in ENUMS.items():
        node = schema.type_map.get(name)
        members = " ".join(node.values) if isinstance(node, GraphQLEnumType) else "missing"
        differs = [] if set(members.split()) == set(values.split()) else [f"{members}; the contract says {values}"]
        yield compared(f"GraphQL enum {name}", differs, values)


def _signature(field: GraphQLField) -> str:
    """The field's type; before it the arguments of a page, and any other that a client would have to give."""
    known = [name for name in _PAGE_ARGUMENTS if name in field.args]
    known += [name for name, arg in field.args.items() if name not in known and is_required_argument(arg)]
    arguments = ", ".join(f"{name}: {field.args[name].type}" for name in known)
    return f"({arguments}): {field.type}" if arguments else str(field.type)


def offered(schema: GraphQLSchema, kinds: Iterable[str]) -> dict[str, tuple[list[str], list[str]]]:
    """What lists of each type can be filtered and ordered by: the fields of `XFilter`, the values of `XOrderField`.

    Filters that combine other filters are left out: they add no column.
    """
    found = {}
    for kind in kinds:
        filters, orders = schema.type_map.get(f"{kind}Filter"), schema.type_map.get(f"{kind}OrderField")
        names = list(filters.fields) if isinstance(filters, GraphQLInputObjectType) else []
        values = list(orders.values) if isinstance(orders, GraphQLEnumType) else []
        found[kind] = ([name for name in names if name not in COMBINING], values)
    return found
