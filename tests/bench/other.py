"""The other client: a process of its own that asks for one job every 10 ms, and how long it waited."""

from __future__ import annotations

import http.client
import multiprocessing
import time
from multiprocessing.connection import Connection
from types import TracebackType
from urllib.parse import urlsplit

import orjson

EVERY_S = 0.01
TIMEOUT_S = 60.0
QUERY = "query($id: ID!) { crawlJob(id: $id) { id name status progress totalImages createdAt } }"


class Other:
    """Asks from entering to leaving."""

    def __init__(self, url: str, token: str, job: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_ask, args=(urlsplit(url).netloc, token, job, theirs), daemon=True)

    def __enter__(self) -> Other:
        self._process.start()
        while not self.heard():
            time.sleep(EVERY_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def heard(self) -> list[float]:
        """The milliseconds of each answer since the last call."""
        self._pipe.send(None)
        found: list[float] = self._pipe.recv()
        return found


def _ask(host: str, token: str, job: str, pipe: Connection) -> None:
    body = orjson.dumps({"query": QUERY, "variables": {"id": job}})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
    waited: list[float] = []
    while True:
        begun = time.perf_counter()
        connection.request("POST", "/graphql", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        waited.append(1000 * (time.perf_counter() - begun))
        if answer.status != 200 or b"errors" in text:
            raise RuntimeError(text[:500])
        while pipe.poll():
            pipe.recv()
            pipe.send(waited)
            waited = []
        time.sleep(EVERY_S)
