"""A refusal on its way through the engine: an exception inside this room, a `Refused` value outside."""

from __future__ import annotations

from app.values import Issue, RefusalCode


class Refusal(Exception):
    """The image is not taken, for the reason in `issue`; `passing`: another fetch, later, may go otherwise."""

    def __init__(self, issue: Issue, *, passing: bool = False) -> None:
        super().__init__(issue.message)
        self.issue = issue
        self.passing = passing


def refusal(
    code: RefusalCode, message: str, measured: str | None = None, limit: str | None = None, *, passing: bool = False
) -> Refusal:
    """A Refusal with its issue: what was measured and the limit that it passed, both with their units."""
    return Refusal(Issue(code, message, measured, limit), passing=passing)


def megabytes(count: int) -> str:
    """Bytes as a person reads them; small ones exactly."""
    return f"{count:,} bytes" if count < 1_000_000 else f"{count / 2**20:.4g} MB"
