"""A failure ledger whose database goes away is seen to be no whole; what it gives otherwise: tests/journey."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.exports.ledger import LedgerLine
from app.routes import ledgers
from app.signing import sign_download
from tests.routes.test_files import here


async def there(_: int) -> bool:
    return True


async def breaking(_: int) -> AsyncIterator[list[LedgerLine]]:
    yield []
    raise ConnectionError("gone")


async def away(_: int) -> bool:
    raise ConnectionError("gone")


async def test_a_ledger_that_breaks_off_does_not_end_like_a_whole_one(
    api: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "is_there", there)
    monkeypatch.setattr(ledgers, "ledger", breaking)
    async with api.get(here(sign_download("failures/1.csv"))) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_while_the_database_is_away_there_is_no_ledger(
    api: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "is_there", away)
    async with api.get(here(sign_download("failures/1.jsonl"))) as answer:
        assert answer.status == 503
        assert (await answer.json())["errors"][0]["extensions"]["code"] == "INTERNAL"
