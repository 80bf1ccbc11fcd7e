"""Clients that do not give up: they ask again until they are answered, and remember what they were told."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.chaos.victims import Kill
from tests.support.asking import EXPORT, EXPORTED, VALIDATE, VALIDATION, verb
from tests.support.service import CREATE, JOB, Person
from tests.support.watching import CRAWL, watching

PATIENCE_S = 15.0
"""A client waits this long for an answer."""
AGAIN_S = 0.1
SLOW_S = 0.5
"""An answer that took longer counts as downtime."""
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED")
ERRORS = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
MAKE = "mutation($n: String!) { createProject(input: {name: $n}) { project { id } errors { message } } }"
RENAME = """mutation($id: ID!, $n: String!) {
  updateProject(input: {id: $id, name: $n}) { project { id } errors { message } } }"""
NAME = "query($id: ID!) { project(id: $id) { name } }"


async def once(who: Person, query: str, **variables: Any) -> dict[str, Any] | None:
    """The one object that an operation gives; None where there was no answer, or one that says to try again."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await who.ask(query, **variables)
    except ERRORS:
        return None
    if answer.get("errors") or not answer.get("data"):
        return None
    (found,) = answer["data"].values()
    return dict(found or {})


async def surely(who: Person, query: str, **variables: Any) -> dict[str, Any]:
    """The one object that an operation gives, asked for until it is given."""
    while (found := await once(who, query, **variables)) is None:
        await asyncio.sleep(AGAIN_S)
    return found


@dataclass
class Journey:
    """One job from its creation to its export, by a client who is told of its end by a subscription."""

    who: Person
    key: str
    given: dict[str, Any]
    job: str = ""
    validation: str = ""
    export: str = ""
    told: str = ""
    """The last state that the subscriber heard of."""
    went_back: list[str] = field(default_factory=list)
    """What a subscriber saw fall that only grows."""
    subscriptions: int = 0
    crawled_s: float = 0.0
    """When the crawl was over (monotonic)."""

    async def run(self) -> None:
        """The whole of it."""
        made = await surely(self.who, CREATE, input={"name": self.key, "idempotencyKey": self.key, **self.given})
        assert not made["errors"], made
        self.job = made["crawlJob"]["id"]
        await self._watch()
        self.crawled_s = time.monotonic()
        self.validation = await self._dataset(VALIDATE, VALIDATION, "validationJob", rules={"minWidth": 1})
        self.export = await self._dataset(EXPORT, EXPORTED, "exportJob")

    async def _watch(self) -> None:
        seen = 0
        while self.told not in FINAL:
            self.subscriptions += 1
            try:
                async with watching(self.who, CRAWL, self.job) as subscriber:
                    while await subscriber.hear(PATIENCE_S):
                        job = subscriber.frames[-1]["crawlJob"]
                        self.told = job["status"]
                        if job["downloadedImages"] < seen:
                            self.went_back.append(f"{self.key}: {seen} -> {job['downloadedImages']}")
                        seen = job["downloadedImages"]
            except (*ERRORS, TypeError, AssertionError):
                # A connection that ends is a frame of another type to the client, and an error an answer.
                await asyncio.sleep(AGAIN_S)
            else:
                self.told = (await surely(self.who, JOB, id=self.job))["status"]

    async def _dataset(self, make: str, ask: str, kind: str, **given: Any) -> str:
        made = await surely(self.who, make, input={"crawlJobId": self.job, **given})
        assert not made["errors"], made
        key = str(made[kind]["id"])
        while (await surely(self.who, ask, id=key))["status"] not in FINAL:
            await asyncio.sleep(5 * AGAIN_S)
        return key


@dataclass
class Meddler:
    """Somebody who makes and renames projects and pauses jobs all the time, and remembers what was acknowledged."""

    who: Person
    journeys: list[Journey]
    names: dict[str, set[str]] = field(default_factory=dict)
    """What each project may be called: as was acknowledged last, or as was asked since without an answer."""

    async def run(self) -> None:
        """Until cancelled."""
        for number in itertools.count():
            made = await once(self.who, MAKE, n=f"project {number}")
            if made:
                self.names[made["project"]["id"]] = {f"project {number}"}
            for key in list(self.names)[-3:]:
                wanted = f"renamed {number}"
                self.names[key].add(wanted)
                if await once(self.who, RENAME, id=key, n=wanted):
                    self.names[key] = {wanted}
            await self._pause(self.journeys[number % len(self.journeys)].job)
            await asyncio.sleep(0.5)

    async def _pause(self, job: str) -> None:
        """Pause a job and surely resume it, also where nobody said that it is paused; one that is over stays so."""
        if not job:
            return
        done = await once(self.who, verb("pauseCrawlJob"), id=job)
        if done is None or not done["errors"]:
            await asyncio.sleep(0.2)
            await surely(self.who, verb("resumeCrawlJob"), id=job)

    async def rest(self) -> None:
        """Leave no job paused."""
        for journey in self.journeys:
            await surely(self.who, verb("resumeCrawlJob"), id=journey.job)

    async def lost(self) -> list[str]:
        """Projects that are not called as was acknowledged."""
        found = {key: (await surely(self.who, NAME, id=key)).get("name") for key in self.names}
        return [f"{key}: {found[key]} is none of {may}" for key, may in self.names.items() if found[key] not in may]


@dataclass
class Probe:
    """One operation asked all the time, to see when the service did not answer."""

    who: Person
    query: str
    variables: dict[str, Any]
    asked: list[tuple[float, float, bool]] = field(default_factory=list)
    """Begin and end (monotonic seconds) and whether it was answered."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            begun_s = time.monotonic()
            found = await once(self.who, self.query, **self.variables)
            self.asked.append((begun_s, time.monotonic(), found is not None))
            await asyncio.sleep(AGAIN_S / 2)

    def downtimes(self, kills: list[Kill]) -> dict[str, list[float]]:
        """For each kill, by kind: seconds until all was answered again, up to the next kill; 0 where it always was."""
        found: dict[str, list[float]] = {}
        for kill, following in itertools.zip_longest(kills, kills[1:]):
            until_s = following.at_s if following else float("inf")
            bad = [
                end_s
                for begun_s, end_s, ok in self.asked
                if end_s > kill.at_s and begun_s < until_s and not (ok and end_s - begun_s < SLOW_S)
            ]
            found.setdefault(kill.kind, []).append(max(0.0, min(max(bad, default=kill.at_s), until_s) - kill.at_s))
        return found
