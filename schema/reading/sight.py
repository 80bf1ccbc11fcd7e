"""The rules of `app/access.py` as conditions of a statement, and where a rule need not be asked again.

Every row that a statement stands on is visible already, so a rule is left out where the way to the next row implies it.
"""

from __future__ import annotations

from collections.abc import Callable

from app.access import VISIBLE, Owner, Through

PROFILES = "profiles"


def implied_below(parent: str, child: str, via: str) -> bool:
    """Whether all rows of table `child` whose `via` points at a visible row of `parent` are visible."""
    rule = VISIBLE[child]
    if isinstance(rule, Through):
        return rule == Through(via, parent)
    # A visible profile is the viewer's own, so what names it as owner is the viewer's.
    return parent == PROFILES and rule.column == via and VISIBLE[PROFILES] == Owner("id")


def implied_above(child: str, parent: str, via: str) -> bool:
    """Whether the row of `parent` that a visible row of `child` points at is visible."""
    return implied_below(parent, child, via)


def conditions(table: str, t: str, viewer: Callable[[], str], alias: Callable[[], str]) -> str:
    """SQL, true for the rows of `table` (named `t`) that the viewer sees; `viewer()` is their id's placeholder."""
    rule = VISIBLE[table]
    if isinstance(rule, Owner):
        return f"{t}.{rule.column} = {viewer()}"
    above = alias()
    inner = conditions(rule.table, above, viewer, alias)
    return f"exists (select 1 from {rule.table} {above} where {above}.id = {t}.{rule.column} and {inner})"
