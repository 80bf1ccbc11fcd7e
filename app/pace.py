"""At most ten times a second, and at once whenever that allows it."""

from __future__ import annotations

SPACING_S = 0.095
"""Time that each turn takes up: a twentieth less than a tenth of a second. What happens exactly ten times a second, but
not quite evenly, would else wait ever longer: each time that it is late is a wait that is never made up."""
SLACK_S = 0.04
"""How much earlier than that a turn may come: what was late may be followed by what is in time."""


class Pace:
    """When something may happen next. In any 0.9 s it is at most ten times."""

    __slots__ = ("_free_s",)

    def __init__(self) -> None:
        self._free_s = 0.0
        """When all turns so far are used up."""

    def turn_s(self, now_s: float) -> float:
        """Take the next turn: when it is, `now_s` or later."""
        due_s = max(now_s, self._free_s - SLACK_S)
        self._free_s = max(due_s, self._free_s) + SPACING_S
        return due_s
