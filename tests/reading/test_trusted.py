"""Trusted documents: asked for by hash, with the text or without; and a service that runs no others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from app.errors import AppError, Invalid
from app.settings import settings
from schema.trusted import PREFIX, Trusted, hash_of, read_manifest
from tests.reading.served import OWN, made, serving, socket
from tests.reading.world import OWNER, World
from tests.support.configured import configured

MINE = "query Mine { viewer { id } }"
OTHER = "{ viewer { email } }"
WATCH = "subscription Watch($id: ID!) { progress(id: $id, frames: 1) { version } }"
VIEWER = {"viewer": {"id": f"Profile:{OWNER.id}"}}
UNKNOWN = PREFIX + "0" * 64


def named(text: str) -> str:
    """The document id of a text."""
    return PREFIX + hash_of(text)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest as graphql-codegen's client preset writes it."""
    path = tmp_path / "persisted-documents.json"
    path.write_text(json.dumps({hash_of(text): text for text in (MINE, WATCH)}, indent=2))
    return path


@asynccontextmanager
async def trusting(manifest: Path, only: bool = False) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a service with this manifest."""
    with configured(PIXCRAWLER_TRUSTED_DOCUMENTS=str(manifest), PIXCRAWLER_TRUSTED_ONLY=str(only)):
        async with serving(made()) as client:
            yield client


async def asked(client: aiohttp.ClientSession, **body: Any) -> tuple[int, Any]:
    """The status and the body of an answer."""
    headers = {"Authorization": f"Bearer {OWN}"}
    async with client.post("/graphql", json=body, headers=headers) as response:
        return response.status, await response.json()


def refusal(answer: tuple[int, Any]) -> tuple[int, str]:
    """The status and the code of a refusal."""
    status, body = answer
    (error,) = body["errors"]
    return status, error["extensions"]["code"]


async def test_a_document_is_asked_for_by_its_hash_alone(rows: World, manifest: Path) -> None:
    async with trusting(manifest) as client:
        assert (await asked(client, documentId=named(MINE)))[1]["data"] == VIEWER
        assert (await asked(client, documentId=named(MINE), query=None))[1]["data"] == VIEWER
        params = {"documentId": named(MINE)}
        headers = {"Authorization": f"Bearer {OWN}", "GraphQL-Require-Preflight": "1"}
        async with client.get("/graphql", params=params, headers=headers) as response:
            assert (await response.json())["data"] == VIEWER


async def test_a_text_beside_the_hash_must_be_the_one_that_is_named(rows: World, manifest: Path) -> None:
    async with trusting(manifest) as client:
        assert (await asked(client, documentId=named(MINE), query=MINE))[1]["data"] == VIEWER
        assert (await asked(client, documentId=named(OTHER), query=OTHER))[0] == 200
        assert refusal(await asked(client, documentId=named(MINE), query=OTHER)) == (400, "INVALID")


async def test_without_the_setting_other_texts_are_run_too(rows: World, manifest: Path) -> None:
    async with trusting(manifest) as client:
        assert (await asked(client, query=OTHER))[1]["data"]["viewer"]["email"]


@pytest.mark.parametrize(
    "document_id",
    ["", 3, {}, "md5:900150983cd24fb0d6963f7d28e17f72", hash_of(MINE), PREFIX + "0" * 63, "sha256:" + "F" * 64],
)
async def test_a_document_id_of_another_form_is_refused(rows: World, manifest: Path, document_id: Any) -> None:
    async with trusting(manifest) as client:
        assert refusal(await asked(client, documentId=document_id)) == (400, "INVALID")


async def test_a_hash_that_the_manifest_lacks_is_not_found(rows: World, manifest: Path) -> None:
    async with trusting(manifest) as client:
        assert refusal(await asked(client, documentId=UNKNOWN)) == (404, "NOT_FOUND")
    async with serving(made()) as client:
        assert refusal(await asked(client, documentId=named(MINE))) == (404, "NOT_FOUND")


async def test_where_nothing_else_is_taken_a_document_is_trusted_for_its_text(rows: World, manifest: Path) -> None:
    async with trusting(manifest, only=True) as client:
        assert (await asked(client, documentId=named(MINE)))[1]["data"] == VIEWER
        assert (await asked(client, query=MINE))[1]["data"] == VIEWER
        for query in (OTHER, MINE + " ", "{ __schema { queryType { name } } }", "{"):
            assert refusal(await asked(client, query=query)) == (403, "FORBIDDEN")
        assert refusal(await asked(client, query=OTHER, documentId=named(OTHER))) == (403, "FORBIDDEN")
        assert refusal(await asked(client, documentId=UNKNOWN)) == (404, "NOT_FOUND")


async def test_the_same_holds_on_a_websocket_and_for_events(rows: World, manifest: Path) -> None:
    variables = {"id": f"CrawlJob:{rows.jobs[0]}"}
    async with trusting(manifest, only=True) as client, socket(client) as ws:
        found = await _subscribed(ws, documentId=named(WATCH), variables=variables)
        assert found[0]["payload"]["data"] == {"progress": {"version": 0}}
        for payload, code in (({"query": OTHER}, "FORBIDDEN"), ({"documentId": UNKNOWN}, "NOT_FOUND"), ({}, "INVALID")):
            (message,) = await _subscribed(ws, **payload)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == code
        headers = {"Authorization": f"Bearer {OWN}", "Accept": "text/event-stream"}
        body = {"documentId": named(WATCH), "variables": variables}
        async with client.post("/graphql", json=body, headers=headers) as response:
            assert '{"data":{"progress":{"version":0}}}' in await response.text()


async def _subscribed(ws: aiohttp.ClientWebSocketResponse, **payload: Any) -> list[Any]:
    await ws.send_json({"type": "subscribe", "id": "1", "payload": payload})
    found: list[Any] = []
    while not found or found[-1]["type"] not in ("complete", "error"):
        found.append(await ws.receive_json(timeout=5))
    return found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "one JSON object"),
        (json.dumps({"a" * 40: MINE}), "sha256"),
        (json.dumps({hash_of(MINE): OTHER}), "another hash"),
        (json.dumps({hash_of(MINE): 3}), "another hash"),
    ],
)
def test_a_manifest_that_is_not_what_it_says_is_refused_when_the_service_starts(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with configured(PIXCRAWLER_TRUSTED_DOCUMENTS=str(path)), pytest.raises(Invalid, match=says):
        Trusted.of(settings())


def test_a_manifest_that_is_missing_is_named() -> None:
    with configured(PIXCRAWLER_TRUSTED_DOCUMENTS="/nowhere.json"), pytest.raises(Invalid, match="cannot be read"):
        Trusted.of(settings())
    with configured(PIXCRAWLER_TRUSTED_ONLY="true"), pytest.raises(AppError, match="PIXCRAWLER_TRUSTED_DOCUMENTS"):
        Trusted.of(settings())


def test_keys_may_carry_the_name_of_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({named(MINE): MINE}))
    assert read_manifest(path) == {hash_of(MINE): MINE}


def _checked(path: Path) -> tuple[int, str]:
    from app.cli import commands

    result = CliRunner().invoke(commands, ["schema", "documents", str(path)])
    return result.exit_code, result.output


def test_the_command_line_checks_a_manifest_against_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    deep = "{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }"
    path.write_text(json.dumps({hash_of(text): text for text in (MINE, OTHER)}))
    assert _checked(path) == (0, "2 documents, 0 of them wrong\n")
    path.write_text(json.dumps({hash_of(text): text for text in (MINE, "{ viewer { emial } }", "{", deep)}))
    code, output = _checked(path)
    assert code == 1
    assert "4 documents, 3 of them wrong" in output
    assert f"{hash_of('{ viewer { emial } }')}: Cannot query field 'emial'" in output
    assert "at most 30 aliases" in output
    code, output = _checked(tmp_path / "missing.json")
    assert code == 1
    assert "cannot be read" in output
