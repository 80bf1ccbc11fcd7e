"""docs/schema.graphql is what clients' tools read: it says what the API says, and a change to it is seen in review.

What docs/schema-released.graphql promises stays: a client that was written for it goes on working.
"""

from __future__ import annotations

import pytest

from app.settings import CHECKOUT
from schema.root import sdl
from tests.rules.breaking import broken

PAGE = CHECKOUT / "docs" / "schema.graphql"
RELEASED = CHECKOUT / "docs" / "schema-released.graphql"


def test_the_tracked_sdl_is_the_schemas() -> None:
    renew = "./pixcrawler schema export > docs/schema.graphql"
    assert PAGE.read_text() == sdl(), f"docs/schema.graphql is old: run `{renew}` and read the difference"


def test_nothing_that_clients_may_rely_on_is_broken() -> None:
    found = broken(RELEASED.read_text(), sdl())
    keep = "keep the old way beside the new one, marked @deprecated; a major release alone may take it away"
    assert found == [], "clients of docs/schema-released.graphql break:\n" + "\n".join(found) + f"\n{keep}"


OLD = """directive @oneOf on INPUT_OBJECT
"A"
type Query { job(id: ID!): Job many(first: Int): [Job!]! }
type Job { id: ID! name: String! state: State! width: Int }
enum State { ON OFF }
input Which { ids: [ID!] all: Boolean }
type Mutation { stop(which: Which): Job }
"""
BREAKS = {
    "FIELD_REMOVED: Field Job.name was removed.": ("name: String! ", ""),
    "FIELD_CHANGED_KIND: Field Job.name changed type from String! to String.": ("name: String!", "name: String"),
    "VALUE_REMOVED_FROM_ENUM: Enum value State.OFF was removed.": ("ON OFF", "ON"),
    "ARG_REMOVED: Argument Query.many(first:) was removed.": ("many(first: Int)", "many"),
    "REQUIRED_ARG_ADDED: A required argument Query.many(size:) was added.": ("first: Int", "first: Int size: Int!"),
    "REQUIRED_INPUT_FIELD_ADDED: A required field Which.job was added.": ("all: ", "job: ID! all: "),
    "INPUT_BECAME_ONE_OF: Which takes exactly one of its fields now.": ("input Which", "input Which @oneOf"),
}


@pytest.mark.parametrize("says", BREAKS)
def test_what_breaks_a_client_is_named(says: str) -> None:
    assert broken(OLD, OLD.replace(*BREAKS[says])) == [says]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ON OFF", "ON OFF HELD"),
        ("name: String!", "name: String! size: Int"),
        ("first: Int", "first: Int last: Int"),
        ("id: ID!)", "id: ID)"),
        ('"A"', '"B"'),
        ("state: State!", 'state: State! @deprecated(reason: "now")'),
    ],
)
def test_what_is_added_or_said_otherwise_breaks_nobody(before: str, after: str) -> None:
    assert broken(OLD, OLD.replace(before, after)) == []
