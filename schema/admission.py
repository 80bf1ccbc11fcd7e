"""What is large waits for its turn, and documents that come for the first time count what reading them costs.

Reading one of the largest documents takes some hundredths of a second, and nothing else would run meanwhile. So it is
read in a thread, one at a time, and everyone else is served beside it. A text that is kept passes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from app.errors import RateLimited
from app.rates import Rates
from schema.documents import Document, Documents
from schema.introspected import OBJECTS_OF_A_REQUEST
from schema.outline import outline

ASIDE = 4
"""From so many requests' worth on (400 words, or 16,384 characters) a document is large."""
MAX_WAITING = 4
"""Large requests, and large new documents, of one user that may wait at once."""


class Admission:
    """Lets requests and documents in."""

    def __init__(self, documents: Documents, rates: Rates) -> None:
        self._documents = documents
        self._rates = rates
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
        self._waiting: Counter[UUID] = Counter()
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self, who: UUID, requests: int) -> AsyncIterator[None]:
        """Count as so many requests, and wait until nothing else that is large is being read.

        `RateLimited` where these are too many, or too many of this user's wait.
        """
        if self._waiting[who] >= MAX_WAITING:
            raise RateLimited(
                f"Large requests are read one after another, and {MAX_WAITING} of yours wait.",
                limit=f"{MAX_WAITING} at once",
            )
        self._waiting[who] += 1
        try:
            await self._rates.user(who, requests)
            async with self._turn:
                clock = asyncio.get_running_loop().time
                begun_s = clock()
                try:
                    yield
                finally:  # as long as it took, everybody else is served
                    await asyncio.sleep(clock() - begun_s)
        finally:
            self._waiting[who] -= 1
            if not self._waiting[who]:
                del self._waiting[who]

    async def admit(self, text: str, who: UUID) -> None:
        """See that the document of a text is kept, with whatever is wrong with it.

        `LimitExceeded` for one that is not worth reading, `RateLimited` where its sender asks for too much of this.
        """
        document = self._documents.came(text) or await self._read(text, who)
        if document.described:
            await self._rates.user(who, document.described // OBJECTS_OF_A_REQUEST)

    async def _read(self, text: str, who: UUID) -> Document:
        size = outline(text)
        if size.requests < ASIDE:
            await self._rates.user(who, size.requests)
            document = self._documents.read(text)
        else:
            async with self.turn(who, size.requests):
                loop = asyncio.get_running_loop()
                document = await loop.run_in_executor(self._thread, self._documents.read, text)
        return self._documents.keep(text, document)
