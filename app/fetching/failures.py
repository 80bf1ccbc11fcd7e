"""What went wrong with a download, in the user's words: one code per kind of failure, and whether it may pass."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass

import aiohttp

from app.fetching.client import TooManyRedirects
from app.fetching.guard import BadUrl, BlockedAddress, BlockedPort
from app.fetching.names import errno_name, is_gone
from app.fetching.politeness import HostPaused, HostSilent
from app.fetching.refusal import Refusal, refusal
from app.settings import Settings
from app.values import RefusalCode

DOWNLOAD_ERRORS = (BadUrl, OSError, TimeoutError, TooManyRedirects, HostPaused, HostSilent, aiohttp.ClientError)
"""Everything that a download may raise but for a Refusal of the answer itself."""

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another attempt may not meet again."""
PAUSING_STATUSES = frozenset({429, 503})


BACKOFF_S = 0.4
"""The usual wait before a second attempt; what `Passing.backoff_s` says of it."""
CONNECT_BACKOFF_S = 1.0
"""After a connection that was not made in time."""
STATUS_BACKOFF_S = 0.6
"""After an answer that speaks of trouble at the host."""
DNS_BACKOFF_S = 1.5
"""After a look-up without an answer: name servers are asked no sooner."""

MOST_REASON_CHARS = 80
"""Of the words beside a status: they are the host's, and are written down for each of its images."""


@dataclass
class Passing(Exception):
    """A failure that may pass: the refusal if it does not, and how long the host asked to be left alone.

    `backoff_s`: the wait before a second attempt; each next one is twice as long, and all are spread by half.
    """

    refusal: Refusal
    retry_after_s: float | None = None
    backoff_s: float = BACKOFF_S
    of_resolver: bool = False
    """Whether it says nothing about the host: its name could not be looked up."""

    def __post_init__(self) -> None:
        self.refusal.passing = True


def failure(error: Exception, settings: Settings) -> Refusal | Passing:
    """What a DOWNLOAD_ERRORS exception means."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, BlockedAddress):
        error = error.os_error
    if isinstance(error, HostPaused | HostSilent):
        return _host_failure(error, settings)
    if isinstance(error, aiohttp.ClientError | TimeoutError):
        return _connection_failure(error, settings)
    message = _sentence(str(error))
    if isinstance(error, TooManyRedirects):
        limit = f"{settings.fetch_max_redirects} redirects"
        return refusal(RefusalCode.TOO_MANY_REDIRECTS, message, f"more than {limit}", limit)
    if isinstance(error, BadUrl | BlockedPort):
        return refusal(RefusalCode.BAD_URL, message)
    if isinstance(error, BlockedAddress):
        return refusal(RefusalCode.BLOCKED_ADDRESS, message)
    return Passing(refusal(RefusalCode.CONNECT_FAILED, "The connection failed.", str(error)))


def status_failure(response: aiohttp.ClientResponse) -> Refusal | Passing:
    """What an answer that is not 2xx means."""
    status = response.status
    words = (response.reason or "")[:MOST_REASON_CHARS]
    reason = refusal(RefusalCode.HTTP_STATUS, f"The host answered {status} {words}".strip(), str(status))
    if status not in PASSING_STATUSES:
        return reason
    asked_s = retry_after_s(response.headers.get("Retry-After")) if status in PAUSING_STATUSES else None
    return Passing(reason, asked_s, STATUS_BACKOFF_S)


def retry_after_s(value: str | None) -> float | None:
    """The seconds of a Retry-After header, given as a number or a date; None where there is none or it is broken."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:12])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _host_failure(error: HostPaused | HostSilent, settings: Settings) -> Refusal:
    if isinstance(error, HostPaused):
        message = "The host asks for a longer pause than an image may take."
        limit = f"{settings.fetch_timeout_s:g} s"
        return refusal(RefusalCode.HTTP_STATUS, message, f"pause of {error.wait_s:.0f} s", limit, passing=True)
    message = "The host is left alone for a while: it gave no answer."
    return refusal(RefusalCode.CONNECT_FAILED, message, f"{error.attempts} attempts in a row", passing=True)


# In this order: aiohttp's classes inherit from each other. The last column says whether the failure may pass.
_CONNECTION_FAILURES: tuple[tuple[type[Exception], RefusalCode, str, bool], ...] = (
    (aiohttp.InvalidURL, RefusalCode.BAD_URL, "The URL cannot be fetched.", False),
    (aiohttp.ConnectionTimeoutError, RefusalCode.TIMEOUT, "No connection in time.", True),
    (TimeoutError, RefusalCode.TIMEOUT, "The image did not arrive in time.", False),
    (aiohttp.ClientSSLError, RefusalCode.TLS_FAILED, "The host's certificate or TLS does not hold.", False),
    (aiohttp.ClientPayloadError, RefusalCode.TRUNCATED, "The connection ended within the body.", True),
    (aiohttp.ClientConnectionError, RefusalCode.CONNECT_FAILED, "The connection failed.", True),
    (aiohttp.ClientError, RefusalCode.CONNECT_FAILED, "The host's answer cannot be read.", False),
)


def _connection_failure(error: aiohttp.ClientError | TimeoutError, settings: Settings) -> Refusal | Passing:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _dns_failure(error)
    _, code, message, passes = next(row for row in _CONNECTION_FAILURES if isinstance(error, row[0]))
    limit = None
    if code is RefusalCode.TIMEOUT:
        connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
        limit = f"{settings.fetch_connect_timeout_s if connecting else settings.fetch_timeout_s:g} s"
    # An image that took all its time is not tried again at once; later it may be quicker.
    reason = refusal(code, message, None if limit else str(error), limit, passing=limit is not None)
    if not passes:
        return reason
    late = isinstance(error, aiohttp.ConnectionTimeoutError)
    return Passing(reason, backoff_s=CONNECT_BACKOFF_S if late else BACKOFF_S)


def _dns_failure(error: aiohttp.ClientConnectorDNSError) -> Refusal | Passing:
    """A name that does not exist stays so; one of which nobody knows may be known later."""
    cause = error.os_error
    name = errno_name(cause)
    measured = f"{name}: {cause.strerror or cause}"
    if is_gone(cause):
        return refusal(RefusalCode.DNS_FAILURE, f"The name {error.host} has no address.", measured)
    message = f"The resolver has no answer about the name {error.host}."
    return Passing(refusal(RefusalCode.DNS_FAILURE, message, measured), backoff_s=DNS_BACKOFF_S, of_resolver=True)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
