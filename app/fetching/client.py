"""The guarded HTTP client: one pool of connections a process, and redirects followed where the guard sees each hop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver

from app.fetching.guard import BadUrl, check_url, guarded_socket, tls_context
from app.fetching.names import Names, names_of
from app.settings import Settings

REDIRECTS = frozenset({301, 302, 303, 307, 308})
IMAGES = "image/*,*/*;q=0.5"

READ_BUFFER_BYTES = 256 * 1024
"""Bytes that a response may hold before its body is read: they are beside the pipeline's budget."""

DNS_CACHE_S = 60
SOURCE_CONNECTIONS = 8
"""Connections beside those of the downloads, for the sources' own requests."""

Visit = Callable[[yarl.URL], AbstractAsyncContextManager[None]]
"""Entered with the URL around each request: the host's rules and its budget have their place here."""
Headers = Callable[[yarl.URL], Mapping[str, str]]
"""What a request to this URL says beside the usual."""


class TooManyRedirects(Exception):
    """The URL led on more often than it may."""


class GuardedConnector(aiohttp.TCPConnector):
    """Reaches public and allowed addresses only; `names` is its resolver.

    Look-ups are kept for a minute. That is safe: what is kept was checked, and the socket factory checks again, so a
    name that changes its address afterwards gains nothing.
    """

    def __init__(self, settings: Settings, names: Names) -> None:
        self.names = names
        super().__init__(
            ssl=tls_context(),
            resolver=names,
            socket_factory=guarded_socket(settings.allowed_networks),
            use_dns_cache=True,
            ttl_dns_cache=DNS_CACHE_S,
            limit=settings.fetch_connections + SOURCE_CONNECTIONS,
            limit_per_host=settings.host_connections,
        )


def resolver_of(client: aiohttp.ClientSession) -> Names:
    """The resolver of a client that `open_client` opened."""
    connector = client.connector
    if not isinstance(connector, GuardedConnector):
        raise TypeError("not a guarded client")
    return connector.names


@asynccontextmanager
async def open_client(
    settings: Settings, resolver: AbstractResolver | None = None, traces: Sequence[aiohttp.TraceConfig] = ()
) -> AsyncIterator[aiohttp.ClientSession]:
    """The process's client: guarded addresses, no proxies or credentials of the environment, no cookies kept.

    It has no total deadline of its own: the caller's is the one that counts. `traces` see each request, redirects too.
    `resolver` is for tests.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=settings.fetch_connect_timeout_s)
    names = names_of(settings, resolver)
    try:
        async with aiohttp.ClientSession(
            connector=GuardedConnector(settings, names),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": settings.user_agent},
            timeout=timeout,
            trust_env=False,
            read_bufsize=READ_BUFFER_BYTES,
            requote_redirect_url=False,
            trace_configs=list(traces),
        ) as client:
            yield client
    finally:
        await names.close()


def _free(_url: yarl.URL) -> AbstractAsyncContextManager[None]:
    return contextlib.nullcontext()


def _nothing(_url: yarl.URL) -> Mapping[str, str]:
    return {}


@asynccontextmanager
async def open_url(
    client: aiohttp.ClientSession,
    settings: Settings,
    url: str,
    visit: Visit = _free,
    accept: str = IMAGES,
    headers_for: Headers = _nothing,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """GET a URL, following redirects by hand: each hop is checked like the first and visited by itself.

    The body of the answer is unread. Raises BadUrl, BlockedAddress, TooManyRedirects, aiohttp.ClientError.
    """
    allowed = settings.allowed_networks
    # Images are compressed already; a server that compresses them again costs both sides.
    headers = {"Accept": accept, "Accept-Encoding": "identity"}
    target = check_url(url, allowed)
    for _ in range(settings.fetch_max_redirects + 1):
        async with (
            visit(target),
            client.get(target, allow_redirects=False, headers={**headers, **headers_for(target)}) as response,
        ):
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location:
                yield response
                return
        target = check_url(str(_joined(target, location)), allowed)
    raise TooManyRedirects(f"more than {settings.fetch_max_redirects} redirects")


def _joined(base: yarl.URL, location: str) -> yarl.URL:
    try:
        return base.join(yarl.URL(location))
    except (ValueError, TypeError) as error:
        raise BadUrl(f"a redirect leads to what is no URL: {location[:120]}") from error
