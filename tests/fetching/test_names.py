"""Names that do not exist, names without an answer, and a resolver in trouble are three things."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from app.fetching import failures, names, origins
from app.fetching.client import open_client
from app.fetching.pipeline import Pipeline
from app.values import Fetched, RefusalCode, Refused
from tests.fetching.support import Shelf, fetch_all, settings, until
from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.stand_ins.pictures import jpeg

GONE = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_ANSWER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


class Resolver(AbstractResolver):
    """Every name is this machine's, but for those that are `odd`; `away` gives no name an answer."""

    def __init__(self, **odd: Exception) -> None:
        self.odd = odd
        self.away = False
        self.asked: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked[host] += 1
        await asyncio.sleep(0)
        error = NO_ANSWER if self.away else self.odd.get(host.rpartition(".")[2])
        if error is not None:
            raise type(error)(*error.args)
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0),
        ]

    async def close(self) -> None:
        return


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log has of the resolver; waits are short."""
    events: list[str] = []

    class Log:
        def warning(self, event: str, **_: Any) -> None:
            events.append(event)

    monkeypatch.setattr(names, "log", Log())
    monkeypatch.setattr(names, "PROBE_EVERY_S", (0.01, 0.02))
    monkeypatch.setattr(failures, "DNS_BACKOFF_S", 0.06)
    monkeypatch.setattr(origins, "PASSING_KEPT_S", 0.02)
    return events


@asynccontextmanager
async def pipeline(resolver: Resolver, **values: Any) -> AsyncIterator[Pipeline]:
    found = settings(**values)
    async with open_client(found, resolver) as client:
        made = Pipeline(client, found, Shelf().put)
        try:
            yield made
        finally:
            made.close()


@pytest.mark.parametrize("rules", [True, False], ids=["robots.txt first", "image first"])
async def test_a_name_that_does_not_exist_is_looked_up_once_a_minute_and_its_images_fail(
    rules: bool, said: list[str]
) -> None:
    resolver = Resolver(gone=GONE)
    async with pipeline(resolver, respect_robots=rules, respect_tdm=rules, respect_content_usage=rules) as made:
        found = await fetch_all(made, [f"http://a.gone/{number}.jpg" for number in range(20)])
    issues = [outcome.issue for outcome in found if isinstance(outcome, Refused)]
    assert len(issues) == 20
    assert {issue.code for issue in issues} == {RefusalCode.DNS_FAILURE}
    assert "EAI_NONAME: Name or service not known" in str(issues[-1].measured)
    assert "The name a.gone has no address." in issues[-1].message
    assert resolver.asked == {"a.gone": 1}
    assert said == []


async def test_a_resolver_that_is_away_is_waited_for_and_told_once(said: list[str]) -> None:
    resolver = Resolver()
    resolver.away = True
    async with MisbehavingHost({"/*": image(jpeg())}) as host, pipeline(resolver) as made:
        urls = [f"http://{name}.test:{host.port}/{number}" for name in "abcdefgh" for number in range(5)]
        fetching = asyncio.create_task(fetch_all(made, urls))
        await until(lambda: bool(said))
        claiming = asyncio.create_task(made.steady())
        for _ in range(50):
            await asyncio.sleep(0.005)
        assert not claiming.done()
        assert not fetching.done()
        resolver.away = False
        found = await fetching
        await claiming
    assert all(isinstance(outcome, Fetched) for outcome in found)
    assert said == ["resolver_in_trouble", "resolver_recovered"]


async def test_hosts_whose_name_servers_are_broken_fail_while_the_resolver_answers_about_others(
    said: list[str],
) -> None:
    resolver = Resolver(broken=NO_ANSWER)
    async with pipeline(resolver) as made:
        found = await fetch_all(made, [f"http://{number}.broken/cat.jpg" for number in range(12)])
    issues = [outcome.issue for outcome in found if isinstance(outcome, Refused)]
    assert len(issues) == 12
    assert {issue.code for issue in issues} == {RefusalCode.DNS_FAILURE}
    assert all("EAI_AGAIN: Temporary failure" in str(issue.measured) for issue in issues)
    assert all("The resolver has no answer about the name" in issue.message for issue in issues)
    assert {resolver.asked[f"{number}.broken"] for number in range(12)} == {3}
    assert said == []


async def test_a_look_up_that_hangs_is_no_silence_of_the_host(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    class Hanging(Resolver):
        async def resolve(self, *_: Any, **__: Any) -> list[ResolveResult]:
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr(names, "LOOK_UP_S", 0.05)
    async with pipeline(Hanging()) as made:
        found = await fetch_all(made, [f"http://slow.test/{number}" for number in range(15)])
    issues = [outcome.issue for outcome in found if isinstance(outcome, Refused)]
    assert {(issue.code, issue.measured) for issue in issues} == {
        (RefusalCode.DNS_FAILURE, "robots.txt: EAI_AGAIN: no answer within 0.05 s")
    }
