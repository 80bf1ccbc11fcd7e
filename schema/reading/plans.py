"""Plans: what an operation, or a `Ref`'s selection, was compiled to; and the last few hundred of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode

from schema.reading.arguments import Bind, Values
from schema.reading.cost import NOTHING, Cost
from schema.reading.patch import Patch, patch_of
from schema.reading.walk import Selected
from schema.reading.write import Writer

MAX_PLANS = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled selection: one statement with a column of JSON text for each root field."""

    keys: tuple[str, ...]
    required: tuple[bool, ...]
    """Which root fields may not be null."""
    patches: tuple[Patch | None, ...]
    sql: str
    binds: tuple[Bind, ...]
    whole: bool
    """The statement answers the whole operation, so that its text can pass through."""
    cost: Cost = NOTHING
    """What the operation costs; nothing for a `Ref`'s selection, which is part of another's."""

    def parameters(self, values: Values) -> list[Any]:
        """What is bound for one request; `Invalid` for what no statement can be bound to."""
        return [bind(values) for bind in self.binds]


def plan_of(writer: Writer, fields: Sequence[Selected], *, whole: bool, cost: Cost = NOTHING) -> Plan:
    """Write the statement of some root fields."""
    text = writer.statement(fields)
    return Plan(
        keys=tuple(one.key for one in fields),
        required=tuple(one.required for one in fields),
        patches=tuple(patch_of(one, keep_types=writer.named_types) for one in fields),
        sql=text,
        binds=tuple(writer.binds),
        whole=whole,
        cost=cost,
    )


class Plans:
    """The plans used last, of the operations whose documents are kept.

    An operation is known by the identity of its node, so what is kept here must not outlive the document.
    """

    def __init__(self, size: int = MAX_PLANS) -> None:
        self._kept: OrderedDict[tuple[int, Hashable], Plan] = OrderedDict()
        self._operations: set[int] = set()
        self._size = size
        self.misses = 0

    def allow(self, document: DocumentNode) -> None:
        """Keep plans of this document's operations from now on."""
        self._operations |= _operations(document)

    def forget(self, document: DocumentNode) -> None:
        """Drop the plans of a document that is no longer kept."""
        gone = _operations(document)
        self._operations -= gone
        for key in [key for key in self._kept if key[0] in gone]:
            del self._kept[key]

    def get(self, operation: OperationDefinitionNode, key: Hashable, make: Callable[[], Plan]) -> Plan:
        """The plan of an operation under `key`, made if it is not kept."""
        whole = (id(operation), key)
        plan = self._kept.get(whole)
        if plan is not None:
            self._kept.move_to_end(whole)
            return plan
        self.misses += 1
        plan = make()
        if id(operation) in self._operations:
            self._kept[whole] = plan
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return plan


def _operations(document: DocumentNode) -> set[int]:
    return {id(one) for one in document.definitions if isinstance(one, OperationDefinitionNode)}
