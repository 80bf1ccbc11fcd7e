"""What a newer schema takes away from those who wrote clients for an older one."""

from __future__ import annotations

from graphql import GraphQLInputObjectType, GraphQLSchema, build_schema
from graphql.utilities import find_breaking_changes


def broken(released: str, now: str) -> list[str]:
    """A sentence for each change from the SDL `released` to the SDL `now` that breaks a client; sorted."""
    old, new = build_schema(released), build_schema(now)
    found = [f"{change.type.name}: {change.description}" for change in find_breaking_changes(old, new)]
    return sorted([*found, *_narrowed(old, new)])


def _narrowed(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """Inputs that took several of their fields and now take one: graphql-core does not look at `@oneOf`."""
    return [
        f"INPUT_BECAME_ONE_OF: {name} takes exactly one of its fields now."
        for name, before in old.type_map.items()
        if isinstance(before, GraphQLInputObjectType) and not before.is_one_of
        if isinstance(after := new.type_map.get(name), GraphQLInputObjectType) and after.is_one_of
    ]
