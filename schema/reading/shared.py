"""One run for all who ask the same of the same version: what a job's subscribers want after each of its changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

KEPT = 256
"""Answers kept: the latest of each job that is being watched, for each selection."""


class Shared:
    """Answers under way and the latest ones, by key."""

    def __init__(self, size: int = KEPT) -> None:
        self._size = size
        self._tasks: OrderedDict[Hashable, asyncio.Task[Any]] = OrderedDict()

    async def get(self, key: tuple[Any, ...], make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The answer of `key`: whoever asks first has it made, and an answer that failed is not kept."""
        key = tuple(_hashable(part) for part in key)
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make())
            task.add_done_callback(lambda done: self._forget_failed(key, done))
            if len(self._tasks) > self._size:
                self._tasks.popitem(last=False)
        # One who leaves must not take the answer from the others.
        return await asyncio.shield(task)

    def _forget_failed(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._tasks.get(key) is done:
            del self._tasks[key]


def _hashable(part: Any) -> Hashable:
    return tuple(_hashable(one) for one in part) if isinstance(part, list) else part
