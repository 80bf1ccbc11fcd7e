"""Plans: what an operation, or a `Ref`'s selection, was compiled to; and the last few hundred of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from schema.reading.arguments import Bind, Values
from schema.reading.patch import Patch, patch_of
from schema.reading.walk import Selected
from schema.reading.write import Writer

MAX_PLANS = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled selection: one statement with a column of JSON text for each root field."""

    pinned: object
    """The syntax nodes whose identity is part of the plan's key: while it is kept, no other node can have it."""
    keys: tuple[str, ...]
    required: tuple[bool, ...]
    """Which root fields may not be null."""
    patches: tuple[Patch | None, ...]
    sql: str
    binds: tuple[Bind, ...]
    whole: bool
    """The statement answers the whole operation, so that its text can pass through."""

    def parameters(self, values: Values) -> list[Any]:
        """What is bound for one request; `Invalid` for what no statement can be bound to."""
        return [bind(values) for bind in self.binds]


def plan_of(writer: Writer, fields: Sequence[Selected], pinned: object, *, whole: bool) -> Plan:
    """Write the statement of some root fields."""
    text = writer.statement(fields)
    return Plan(
        pinned=pinned,
        keys=tuple(one.key for one in fields),
        required=tuple(one.required for one in fields),
        patches=tuple(patch_of(one, keep_types=writer.named_types) for one in fields),
        sql=text,
        binds=tuple(writer.binds),
        whole=whole,
    )


class Plans:
    """The plans used last, by key."""

    def __init__(self, size: int = MAX_PLANS) -> None:
        self._kept: OrderedDict[Hashable, Plan] = OrderedDict()
        self._size = size
        self.misses = 0

    def get(self, key: Hashable, make: Callable[[], Plan]) -> Plan:
        """The plan of `key`, made if it is not kept."""
        plan = self._kept.get(key)
        if plan is not None:
            self._kept.move_to_end(key)
            return plan
        self.misses += 1
        plan = self._kept[key] = make()
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return plan
