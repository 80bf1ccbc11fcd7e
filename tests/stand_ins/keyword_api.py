"""What the stand-ins of keyword APIs have in common: a port of their own, faults before answers, requests kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from tests.stand_ins.loopback import Handler, Loopback


@dataclass
class KeywordApi(Loopback):
    """Answers GET at PATH. A record matches if its `keywords` hold the words that are sought."""

    PATH: ClassVar[str] = "/"

    records: Sequence[dict[str, Any]]
    faults: list[web.Response] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def routes(self) -> Mapping[str, Handler]:
        return {self.PATH: self._get}

    async def _get(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.query))
        self.headers.append(dict(request.headers))
        return self.faults.pop(0) if self.faults else self.answer(request)

    def answer(self, request: web.Request) -> web.Response:
        """The answer when all is well."""
        raise NotImplementedError

    def matching(self, words: str) -> list[dict[str, Any]]:
        """The records for these words, in the API's own shape."""
        found = [one for one in self.records if words in one["keywords"]]
        return [{name: value for name, value in one.items() if name != "keywords"} for one in found]


class Website(KeywordApi):
    """A search that answers where its pages are, at any path."""

    PATH: ClassVar[str] = "/{path:.*}"

    @property
    def url(self) -> str:
        return f"{self.base}/"


def throttled(retry_after_s: int | None, body: Any = None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.json_response(body if body is not None else {"error": "slow down"}, status=429, headers=headers)
