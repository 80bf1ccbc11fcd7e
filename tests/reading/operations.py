"""Random operations over the whole query root: types, aliases, fragments, directives, variables, pages both ways."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLEnumType, GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type

from schema.root import schema
from tests.reading.world import World

CORE = schema._schema
MAX_NAMES = 20
NOT_READ = ("sources", "sourcePreview")
"""Fields of the root that are answered by no statement."""
VARIABLES = (
    '$yes: Boolean = true, $no: Boolean!, $first: Int, $status: [ImageStatus!], $filter: CrawlJobFilter, $id: ID = ""'
)
FILTERS = {
    "ImageFilter": (
        "{}",
        "null",
        "{status: [VALID, FAILED]}",
        "{status: $status}",
        "{status: []}",
        '{keyword: ["cat"], minWidth: 100}',
        '{issue: ["width", "corrupt"]}',
        '{license: ["by-sa 4.0"], source: ["openverse"]}',
        '{format: ["jpeg"], maxFileSize: 2000}',
        '{host: ["A.example"], httpStatus: [404, 503]}',
        "{difference: [NEW, CHANGED]}",
        "{goneIn: $id}",
        '{createdAfter: "2026-01-01T00:00:02Z", createdBefore: "2026-01-01T00:00:04+00:00"}',
    ),
    "CrawlJobFilter": (
        "{}",
        "$filter",
        '{keyword: ["dog", "none"]}',
        '{nameContains: "JOB \\\\"}',
        "{status: [RUNNING]}",
    ),
    "ProjectFilter": ('{nameContains: "%_"}', "{status: [ACTIVE]}", '{nameContains: "%1"}'),
    "ExportJobFilter": ("{format: [ZIP]}", "{status: [COMPLETED, EXPIRED]}"),
    "ValidationJobFilter": ("{status: [PENDING, RUNNING]}", '{nameContains: "RULES"}'),
    "ActivityLogFilter": ('{action: ["project.created"]}', '{resourceType: ["project"], resourceId: ["1", "3"]}'),
}


@dataclass
class Maker:
    """Makes one operation."""

    chance: random.Random
    world: World
    names: int = 0
    abstract: bool = False
    fragments: list[str] = field(default_factory=list)

    def operation(self) -> tuple[str, dict[str, Any]]:
        """An operation's text and variables."""
        body = self._selection(CORE.query_type, 6)
        # Every variable is used, or validation would refuse both ways alike.
        used = (
            "used: projects(first: $first) { totalCount } no: __typename @include(if: $no)"
            " yes: __typename @skip(if: $yes)"
            " job: crawlJob(id: $id) { a: images(filter: {status: $status}) { totalCount } }"
            " mine: viewer { projects { nodes { crawlJobs(filter: $filter) { totalCount } } } }"
        )
        text = f"query({VARIABLES}) {{ {used} {body[1:]} {' '.join(self.fragments)}"
        variables: dict[str, Any] = {"no": self.chance.random() < 0.5}
        choices: dict[str, list[Any]] = {
            "yes": [True, False],
            "first": [None, 1, 3],
            "status": [None, [], ["VALID"], ["PENDING", "FAILED"]],
            "filter": [None, {}, {"keyword": ["cat"]}, {"status": None, "nameContains": "1"}],
            "id": [f"CrawlJob:{self.chance.choice(self.world.jobs)}"],
        }
        for name, values in choices.items():
            if self.chance.random() < 0.7:
                variables[name] = self.chance.choice(values)
        return text, variables

    def _name(self) -> str:
        self.names += 1
        return f"x{self.names}"

    def _selection(self, on: Any, depth: int) -> str:
        if isinstance(on, GraphQLInterfaceType):
            chosen = self.chance.sample(list(CORE.get_possible_types(on)), 2)
            outside, self.abstract = self.abstract, True
            parts = ["id"] + [f"... on {one.name} {self._selection(one, depth - 1)}" for one in chosen]
            self.abstract = outside
            return "{ " + " ".join(parts) + " }"
        names = self.chance.sample(list(on.fields), min(len(on.fields), self.chance.randint(1, 4)))
        parts = [self._field(on, name, on.fields[name], depth) for name in names if name not in NOT_READ]
        parts = [part for part in parts if part]
        if self.chance.random() < 0.3:
            parts.append("__typename")
        if self.chance.random() < 0.15 and on is not CORE.query_type and not self.abstract:
            name = self._name()
            self.fragments.append(f"fragment {name} on {on.name} {{ {' '.join(parts) or '__typename'} }}")
            return f"{{ ...{name} __typename }}"
        return "{ " + (" ".join(parts) or "__typename") + " }"

    def _field(self, on: Any, name: str, made: GraphQLField, depth: int) -> str:
        named: Any = get_named_type(made.type)
        directive = self.chance.choice(["", "", "", "", "@include(if: $yes)", "@skip(if: $no)"])
        composite = isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
        # Fields of one name under two types of an abstract one would have to merge.
        aliased = bool(made.args) or self.abstract or self.chance.random() < 0.2
        if (composite and depth <= 0) or (aliased and self.names >= MAX_NAMES):
            return ""
        alias = f"{self._name()}: " if aliased else ""
        body = self._selection(named, depth - 1) if composite else ""
        return f"{alias}{name}{self._arguments(made)} {directive} {body}"

    def _arguments(self, made: GraphQLField) -> str:
        if "after" in made.args:
            parts = self._page(made)
        elif "first" in made.args:
            parts = [f"first: {self.chance.randint(1, 4)}"]
        elif "filter" in made.args:
            parts = self._filter(made)
        elif "ids" in made.args:
            parts = ["ids: [" + ", ".join(f'"{self._id()}"' for _ in range(4)) + ', $id, "no"]']
        elif "id" in made.args:
            type_name = get_named_type(made.type).name
            parts = [f'id: "{self._id(None if type_name == "Node" else type_name)}"']
        else:
            parts = []
        return f"({', '.join(parts)})" if parts else ""

    def _page(self, made: GraphQLField) -> list[str]:
        way = self.chance.choice(["first", "last", ""])
        parts = [f"{way}: {self.chance.randint(1, 4)}"] if way else []
        if "distance" in made.args:
            return [*parts, self.chance.choice(["distance: 8", "scope: PROJECT, distance: 2", "scope: PROJECT"])]
        parts += self._filter(made)
        if self.chance.random() < 0.6:
            order: Any = get_named_type(made.args["orderBy"].type)
            fields: Any = get_named_type(order.fields["field"].type)
            assert isinstance(fields, GraphQLEnumType)
            chosen_fields = self.chance.sample(list(fields.values), self.chance.randint(0, min(3, len(fields.values))))
            each = [f"{{field: {one}{self.chance.choice(['', ', direction: DESC'])}}}" for one in chosen_fields]
            parts.append(f"orderBy: [{', '.join(each)}]")
        return parts

    def _filter(self, made: GraphQLField) -> list[str]:
        chosen = FILTERS[get_named_type(made.args["filter"].type).name]
        return [f"filter: {self.chance.choice(chosen)}"] if self.chance.random() < 0.5 else []

    def _id(self, type_name: str | None = None) -> str:
        world = self.world
        keys: dict[str, list[Any]] = {
            "Project": world.projects,
            "CrawlJob": world.jobs,
            "Image": world.images,
            "ValidationJob": world.validations,
            "ExportJob": world.exports,
            "ActivityLog": world.logs,
            "Profile": ["00000000-0000-0000-0000-000000000001"],
        }
        name = type_name or self.chance.choice(list(keys))
        return f"{name}:{self.chance.choice([*keys[name], 10**9, 'x'])}"
