"""Leave to make one request, and what the host is told apart by afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from app.fetching.deadline import Deadline
from app.fetching.failures import Passing
from app.fetching.guard import BlockedAddress
from app.fetching.names import Names
from app.fetching.politeness import HostBudget
from app.fetching.refusal import Refusal


@dataclass
class Visits:
    """Every request of a process passes here."""

    politeness: HostBudget
    names: Names

    @asynccontextmanager
    async def visit(self, host: str, deadline: Deadline) -> AsyncIterator[None]:
        """One request's leave; given back before a redirect's next host is asked.

        The clock runs within, and for the pause that the host asked for; not for our own queues and our own resolver.
        """
        await self.names.steady()
        async with self.politeness.visit(host, deadline.left_s) as waited_s:
            deadline.charge(waited_s)
            try:
                async with deadline.running():
                    yield
            except (aiohttp.ClientConnectionError, TimeoutError) as error:
                if _is_silence(error):
                    self.politeness.unanswered(host)
                raise
            except (Refusal, Passing):
                self.politeness.answered(host)
                raise
            self.politeness.answered(host)


def _is_silence(error: Exception) -> bool:
    """Whether the host itself gave no answer: not where its name, its certificate or our guard was in the way."""
    if isinstance(error, aiohttp.ClientConnectorDNSError | aiohttp.ClientSSLError):
        return False
    return not isinstance(getattr(error, "os_error", None), BlockedAddress)
