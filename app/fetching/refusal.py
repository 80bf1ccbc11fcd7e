"""A refusal on its way through the engine: an exception inside this room, a `Refused` value outside."""

from __future__ import annotations

from app.values import Issue, RefusalCode

TEXT_CHARS = 300
"""Of what a host says, which may be as long as it likes, so much is told."""


class Refusal(Exception):
    """The image is not taken, for the reason in `issue`; `passing`: another fetch, later, may go otherwise."""

    def __init__(self, issue: Issue, *, passing: bool = False) -> None:
        super().__init__(issue.message)
        self.issue = issue
        self.passing = passing


def refusal(
    code: RefusalCode, message: str, measured: str | None = None, limit: str | None = None, *, passing: bool = False
) -> Refusal:
    """A Refusal with its issue: what was measured and the limit that it passed, both with their units.

    Texts are cut to `TEXT_CHARS`; what of them no database holds is replaced where they are recorded.
    """
    issue = Issue(code, message[:TEXT_CHARS], None if measured is None else measured[:TEXT_CHARS], limit)
    return Refusal(issue, passing=passing)


def megabytes(count: int) -> str:
    """Bytes as a person reads them; small ones exactly."""
    return f"{count:,} bytes" if count < 1_000_000 else f"{count / 2**20:.4g} MB"
