"""What a worker process holds open: one HTTP client, one pipeline, storage, and its name."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp

from app import queue
from app.fetching.client import open_client
from app.fetching.pipeline import Pipeline
from app.settings import Settings, settings
from app.storage import Storage, storage
from workers.hand import Hand
from workers.shares import Shares


@dataclass(frozen=True)
class Engine:
    """The process's engine; arq hands it to every task as `ctx["engine"]`."""

    name: str
    settings: Settings
    client: aiohttp.ClientSession
    pipeline: Pipeline
    storage: Storage
    shares: Shares
    hand: Hand = field(default_factory=Hand)


@contextlib.asynccontextmanager
async def open_engine(*, fetches: bool = True) -> AsyncIterator[Engine]:
    """Open the engine; closing it closes its connections and threads.

    Where it is not to fetch, other workers do not reckon with it when they share hosts out.
    """
    found, store = settings(), storage(patient=True)
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    shares = Shares(name, found, queue.redis())
    async with open_client(found) as client, shares.running() if fetches else contextlib.nullcontext():
        pipeline = Pipeline(client, found, store.put, shares.politeness, store.put_now, store.exists)
        try:
            yield Engine(name, found, client, pipeline, store, shares)
        finally:
            pipeline.close()
