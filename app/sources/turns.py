"""Turns among a job's keywords: one page of each in order, until every one has run dry, resumable after any page.

For sources that answer one query at a time. What a source must know to ask for a keyword's next page is that keyword's
state: any small JSON but null, which says that nothing is left.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import NamedTuple

from app.sources.base import Page
from app.values import Candidate, Json


class Found(NamedTuple):
    """A page's candidates, and the state that continues after them; None where the keyword has run dry.

    `total`: how many results the source says there are, where it says so.
    """

    candidates: tuple[Candidate, ...]
    state: Json | None
    total: int | None = None


async def take_turns(
    keywords: Sequence[str], first: Json, cursor: Json | None, ask: Callable[[str, Json], Awaitable[Found]]
) -> AsyncGenerator[Page, None]:
    """A page of each keyword in turn. `ask` gets a keyword and its state, `first` at the beginning.

    `ask` answers with a new state and leaves the given one as it is, since a cursor may still hold it; it may find
    nothing and go on. The cursor: `{"states": [one a keyword], "turn": the keyword that is next}`.
    """
    states: list[Json | None] = list(cursor["states"]) if cursor else [first] * len(keywords)
    turn: int = cursor["turn"] if cursor else 0
    while any(state is not None for state in states):
        state, place = states[turn], turn
        turn = (turn + 1) % len(states)
        if state is None:
            continue
        found = await ask(keywords[place], state)
        states[place] = found.state
        more = any(left is not None for left in states)
        yield Page(found.candidates, {"states": list(states), "turn": turn} if more else None, total=found.total)
