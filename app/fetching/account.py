"""How one image's fetch goes: what is asked of whom, and what the answers' heads say; its end is a `Fetch` value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import yarl

from app.measures import Verification
from app.settings import Settings
from app.values import Fetch, Former

STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]{0,254}"')
"""A weak one promises a like meaning, not equal bytes: it is recorded, and never asked by."""
WRITTEN = re.compile(r"[\x20-\x7e]{1,256}")
"""What of a header is recorded: nothing that it would have to be changed for, and no more than a validator needs."""
HOST = re.compile(r"[\x21-\x7e]{1,253}")
NOT_MODIFIED = 304


def may_stand(former: Former, settings: Settings) -> bool:
    """Whether what a former crawl stored would be taken today: as thoroughly measured, and within today's limits."""
    measures = former.measures
    measured = measures.phash is not None and measures.quality is not None
    return (
        (measured or settings.verify is Verification.HEADER)
        and former.file_size <= settings.fetch_max_bytes
        and measures.width * measures.height <= settings.fetch_max_pixels
    )


@dataclass(slots=True)
class Account:
    """One image's fetch, told as it goes. `former`, where there is one, is asked about rather than fetched again."""

    former: Former | None = None
    attempts: int = 0
    host: str | None = None
    http_status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    _hops: list[str] = field(default_factory=list)
    """The addresses that this attempt asked, in their order."""
    _asked: bool = False

    def begin(self, url: str) -> None:
        """Another attempt at the URL; its host is to blame, where it is refused before any is asked."""
        self.attempts += 1
        self.host = _host_of(url)
        self._hops.clear()
        self._forget_answer()

    def approach(self, hop: yarl.URL) -> None:
        """Note the host whose turn it is: its rules, or a silence that is remembered, may keep it from being asked."""
        self.host = hop.raw_host

    def ask(self, hop: yarl.URL) -> Mapping[str, str]:
        """Note an address that is asked; the headers that ask it whether what the former crawl stored has changed.

        Validators go to the address that gave them, and to no other on the way there.
        """
        self._hops.append(str(hop))
        self._forget_answer()
        former = self.former
        if former is None or former.asked_url != self.final_url:
            return {}
        found = {}
        if former.etag is not None and STRONG_ETAG.fullmatch(former.etag):
            found["If-None-Match"] = former.etag
        # Beside a weak tag the date says no more than the tag does.
        if former.last_modified is not None and (former.etag is None or found):
            found["If-Modified-Since"] = former.last_modified
        self._asked = bool(found)
        return found

    @property
    def final_url(self) -> str | None:
        """Where redirects led; None without any."""
        return self._hops[-1] if len(self._hops) > 1 else None

    def answered(self, response: aiohttp.ClientResponse) -> None:
        """Note the head of the last answer."""
        self.http_status = response.status
        self.etag = _written(response.headers.get("ETag"))
        self.last_modified = _written(response.headers.get("Last-Modified"))

    def is_unchanged(self) -> bool:
        """Whether the host says that the former crawl's bytes still hold: 304, having been asked for their tag."""
        former = self.former
        if former is None or not self._asked or self.http_status != NOT_MODIFIED:
            return False
        return self.etag is None or former.etag is None or self.etag == former.etag

    def is_answer_to_condition(self) -> bool:
        """Whether the last answer is a 304 that was asked for, whatever it is worth."""
        return self._asked and self.http_status == NOT_MODIFIED

    def forget_former(self) -> None:
        """Ask plainly from now on."""
        self.former = None

    def fetch(self, *, passing: bool = False) -> Fetch:
        """How it went. What a host that says "unchanged" leaves out holds as the former crawl heard it."""
        etag, last_modified, former = self.etag, self.last_modified, self.former
        if former is not None and self.is_unchanged():
            etag, last_modified = etag or former.etag, last_modified or former.last_modified
        return Fetch(self.host, self.attempts, self.http_status, etag, last_modified, self.final_url, passing or None)

    def _forget_answer(self) -> None:
        self.http_status = self.etag = self.last_modified = None
        self._asked = False


def _host_of(url: str) -> str | None:
    """The host that a URL names, which need not be one that may be fetched."""
    try:
        host = yarl.URL(url).raw_host
    except ValueError:
        return None
    return host if host is not None and HOST.fullmatch(host) else None


def _written(value: str | None) -> str | None:
    return value if value is not None and WRITTEN.fullmatch(value) else None
