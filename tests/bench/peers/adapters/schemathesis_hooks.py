"""What schemathesis loads for `tests/bench/fuzz`: what counts as a fault, and what ids and other scalars it draws.

Its own check counts every error of an answer as the server's. Ours are refusals with a code, but for `INTERNAL`, behind
which the service masks what nobody caught. PIXCRAWLER_FUZZ_IDS names a file with the ids of real rows. Imports nothing
of ours.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

schemathesis = importlib.import_module("schemathesis")
graphql = importlib.import_module("schemathesis.graphql")

IDS = json.loads(Path(os.environ["PIXCRAWLER_FUZZ_IDS"]).read_text())
MOMENTS = ("2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-12:00", "2026-02-30", "")
BIG = 2**53 - 1
SERVER_ERROR = 500
REFUSED = ("INVALID", "LIMIT_EXCEEDED", "NOT_FOUND", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED")


def nothing_breaks(ctx: Any, response: Any, case: Any) -> None:
    """Refusals have a code, and nothing is a fault of the service."""
    assert response.status_code < SERVER_ERROR, response.text
    for error in response.json().get("errors", []):
        assert error["extensions"]["code"] in REFUSED, error


schemathesis.check(nothing_breaks)
text = graphql.nodes.String
graphql.scalar("ID", (st.sampled_from(IDS) | st.text()).map(text))
graphql.scalar("DateTime", st.sampled_from(MOMENTS).map(text))
graphql.scalar("BigInt", st.integers(-BIG - 1, BIG + 1).map(graphql.nodes.Int))
graphql.scalar("UUID", (st.uuids().map(str) | st.text()).map(text))
graphql.scalar("URL", (st.just("http://127.0.0.1:9/1.jpg") | st.text()).map(text))
graphql.scalar("JSON", st.text().map(text))
