"""docs/schema.graphql is what clients' tools read: it says what the API says, and a change to it is seen in review."""

from app.settings import CHECKOUT
from schema.root import sdl

PAGE = CHECKOUT / "docs" / "schema.graphql"


def test_the_tracked_sdl_is_the_schemas() -> None:
    renew = "./pixcrawler schema export > docs/schema.graphql"
    assert PAGE.read_text() == sdl(), f"docs/schema.graphql is old: run `{renew}` and read the difference"
