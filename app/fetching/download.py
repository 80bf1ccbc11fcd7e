"""One URL → its bytes: within the budgets of host, process and memory and its deadline, tried again where it helps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import yarl

from app.fetching.account import Account
from app.fetching.budget import ByteBudget, Reservation
from app.fetching.client import open_url
from app.fetching.deadline import Deadline
from app.fetching.failures import DOWNLOAD_ERRORS, Passing, failure, status_failure
from app.fetching.origins import Origins
from app.fetching.refusal import megabytes, refusal
from app.fetching.visits import Visits
from app.opt_outs.headers import reserving_signal
from app.settings import Settings
from app.values import RefusalCode

ATTEMPTS = 3
FIRST_GROWTH_BYTES = 256 * 1024
"""Reserved at first for a body of unknown size; each further step doubles what is held."""


@dataclass
class Downloader:
    """What all downloads of a process share."""

    client: aiohttp.ClientSession
    settings: Settings
    visits: Visits
    origins: Origins
    budget: ByteBudget
    chance: random.Random = field(default_factory=random.SystemRandom)

    async def download(self, url: str, reservation: Reservation, account: Account) -> bytes | None:
        """The body of a URL, its bytes held by `reservation`; `account` is told how it goes.

        None where the host answered a condition with 304: whether that holds, the account says. Raises Refusal, with
        the reason of the last attempt.
        """
        deadline = Deadline(self.settings.fetch_timeout_s)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(url, deadline, reservation, account)
            except Passing as passing:
                reservation.release()
                wait_s = self._wait_s(attempt, passing)
                if attempt == ATTEMPTS or wait_s >= deadline.left_s:
                    raise passing.refusal from passing
            deadline.charge(wait_s)
            await asyncio.sleep(wait_s)
        raise AssertionError("unreachable")

    def _wait_s(self, attempt: int, passing: Passing) -> float:
        spread = self.chance.uniform(0.5, 1.5)
        backoff_s: float = passing.backoff_s * 2 ** (attempt - 1) * spread
        return max(backoff_s, passing.retry_after_s or 0.0)

    async def _attempt(self, url: str, deadline: Deadline, reservation: Reservation, account: Account) -> bytes | None:
        by_file: str | None = None
        account.begin(url)

        @asynccontextmanager
        async def visit(hop: yarl.URL) -> AsyncIterator[None]:
            # The host's rules come before any place in a queue: whoever waits for them holds nothing.
            nonlocal by_file
            account.approach(hop)
            # What one host reserves, no other that it leads to frees; the answer's own header may.
            by_file = await self.origins.permit(hop, deadline) or by_file
            async with self.visits.visit(hop.raw_host or "", deadline):
                yield

        try:
            async with open_url(self.client, self.settings, url, visit, headers_for=account.ask) as response:
                account.answered(response)
                self._judge(response, by_file, account)
                if account.is_answer_to_condition():
                    return None
                return await self._read(response, deadline, reservation)
        except DOWNLOAD_ERRORS as error:
            raise failure(error, self.settings) from error

    def _judge(self, response: aiohttp.ClientResponse, by_file: str | None, account: Account) -> None:
        """Refuse by the answer's head what need not be read. `by_file`: what a tdmrep.json said against it."""
        if not 200 <= response.status < 300 and not account.is_answer_to_condition():
            found = status_failure(response)
            if isinstance(found, Passing) and (found.retry_after_s or response.status == 429):
                self.visits.politeness.pause(response.url.raw_host or "", found.retry_after_s)
            raise found
        signal = reserving_signal(response.headers, self.settings, by_file)
        if signal:
            raise refusal(RefusalCode.OPT_OUT, "The host reserves the image.", signal)

    async def _read(self, response: aiohttp.ClientResponse, deadline: Deadline, reservation: Reservation) -> bytes:
        length = response.content_length if "Content-Encoding" not in response.headers else None
        if length is not None:
            self._check_size(length, megabytes(length))
            async with deadline.paused():
                await reservation.fix(length)
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            self._check_size(size, f"more than {megabytes(self.budget.largest)}")
            while size > reservation.held:
                await self._grow(deadline, reservation)
            chunks.append(chunk)
        reservation.settle()
        return b"".join(chunks)

    async def _grow(self, deadline: Deadline, reservation: Reservation) -> None:
        step = max(FIRST_GROWTH_BYTES, reservation.held)
        async with deadline.paused():
            await reservation.grow(min(step, self.budget.largest - reservation.held))

    def _check_size(self, size: int, measured: str) -> None:
        if size > self.budget.largest:
            raise refusal(RefusalCode.TOO_LARGE, "The file is too large.", measured, megabytes(self.budget.largest))
