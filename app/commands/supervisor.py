"""Keeps an API process and workers running: starts again what ends, and ends all of it in bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app import embedded
from app.commands.state import DRAIN_S, Child
from app.log import log
from app.settings import environment

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 8.0
"""A process that ran this long had started well: it is started again at once, as if it had never failed."""
WATCH_S = 0.3
"""How often the embedded servers are looked at: until they are back, requests fail."""


class Supervisor:
    """The processes of one `up`. `changed` is told their list whenever it is another."""

    def __init__(self, home: Path, changed: Callable[[list[Child]], None]) -> None:
        self.home = home
        self.changed = changed
        self.failures = 0
        """How often a process ended before it was steady."""
        self._children: dict[str, tuple[Child, asyncio.subprocess.Process]] = {}

    async def keep(self, slot: str, arguments: list[str], listener: socket.socket | None = None) -> None:
        """Runs one process until cancelled: `slot` is its name and, where there are several, its number."""
        pause = FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            code = await self._run(slot, arguments, listener)
            if time.monotonic() - started > STEADY_S:
                pause = FIRST_PAUSE_S
            else:
                self.failures += 1
            log.warning("process_ended", process=slot, exit_code=code, again_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _run(self, slot: str, arguments: list[str], listener: socket.socket | None) -> int:
        name = slot.split("-")[0]
        command = [sys.executable, "-P", "-m", "app.cli", name, "--supervised", str(self.home), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command,
            # The pipe is the child's lifeline: it closes when we end, however we end.
            stdin=asyncio.subprocess.PIPE,
            stdout=sys.stderr.fileno(),
            env=environment(),
            cwd="/",
            # A Ctrl-C is for us: we end them in order.
            start_new_session=True,
            pass_fds=() if listener is None else (listener.fileno(),),
        )
        self._children[slot] = (Child(name, process.pid), process)
        self._tell()
        try:
            return await process.wait()
        finally:
            if process.returncode is not None:
                del self._children[slot]
                self._tell()

    def _tell(self) -> None:
        self.changed([child for _, (child, _) in sorted(self._children.items())])

    async def keep_embedded(self) -> None:
        """Starts the embedded servers again where they die, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            if await asyncio.to_thread(embedded.alive, self.home):
                continue
            log.warning("embedded_ended", home=str(self.home))
            try:
                await asyncio.to_thread(embedded.start, self.home)
            except embedded.EmbeddedFailed as error:
                log.error("embedded_failed", reason=str(error))

    async def drain(self, hurry: asyncio.Event) -> None:
        """Ends all processes: asked first, killed after DRAIN_S or as soon as `hurry` is set."""
        processes = [process for _, process in self._children.values()]
        self._signal(processes, signal.SIGTERM)
        ended = asyncio.gather(*(process.wait() for process in processes))
        hurried = asyncio.create_task(hurry.wait())
        first: set[asyncio.Future[Any]] = {ended, hurried}
        await asyncio.wait(first, timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        self._signal(processes, signal.SIGKILL)
        await ended
        self._children.clear()
        self._tell()

    @staticmethod
    def _signal(processes: list[asyncio.subprocess.Process], number: signal.Signals) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                if process.returncode is None:
                    process.send_signal(number)
