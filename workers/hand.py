"""The rows that a worker process is fetching, by job: what it goes by when it takes more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Handful:
    """The `rows` of one chunk that are still to be fetched: whoever fetches them keeps their number true."""

    crawl_job_id: int
    rows: int


@dataclass(slots=True)
class Hand:
    """All handfuls of a process."""

    _held: list[Handful] = field(default_factory=list)

    def take(self, crawl_job_id: int, rows: int) -> Handful:
        """A chunk was taken, of so many rows."""
        handful = Handful(crawl_job_id, rows)
        self._held.append(handful)
        return handful

    def drop(self, handful: Handful) -> None:
        """It was given back."""
        self._held.remove(handful)

    def __iter__(self) -> Iterator[Handful]:
        return iter(self._held)

    def by_job(self) -> Mapping[int, int]:
        """How many rows of each job are held."""
        rows = Counter[int]()
        for handful in self:
            rows[handful.crawl_job_id] += handful.rows
        return rows
