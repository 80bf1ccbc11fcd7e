"""Which addresses may be reached: the public internet, and the networks that the operator allows by name.

A URL is checked before the request (`check_url`), a name's addresses when it is resolved, and the final address once
more when its socket is made: literals, redirects and names that change their address between look-ups all pass there.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence

import yarl
from aiohttp.connector import AddrInfoType

from app.settings import Network
from app.values import MAX_URL_CHARS

PORTS = frozenset({80, 443, 8080, 8443})
"""Where web servers listen. Others are services (mail, databases) that must not be spoken to through us."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Not public, whatever this Python's `is_global` thinks of them (its list has grown between patch releases).
NEVER_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3",
        "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
EMBEDDING_LAST_32_BITS = tuple(ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96", "::/96"))
"""v4-mapped, NAT64 (RFC 6052) and v4-compatible addresses: their last 32 bits are the IPv4 address that is reached."""
ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The upper half of an interface identifier that ends in an IPv4 address (RFC 5214)."""


class BadUrl(ValueError):
    """The URL is not one that may be fetched: scheme, host, port, credentials or spelling."""


class BlockedAddress(OSError):
    """The address is not public and not in an allowed network."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message  # what aiohttp shows of an error


class BlockedPort(BlockedAddress):
    """The address may be reached, but not on this port."""


def check_address(ip: str, allowed: Sequence[Network] = ()) -> None:
    """Refuse an address that is not public: its own and every IPv4 address that it embeds.

    `allowed` networks may be reached although they are not public. Raises BlockedAddress, also for what is no address.
    """
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        raise BlockedAddress(f"{ip} is not an address") from None
    if in_networks(address, allowed):
        return
    if not _is_public(address) or not all(_is_public(inner) for inner in _embedded(address)):
        raise BlockedAddress(f"address {ip} is not public")


def in_networks(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the address, or the IPv4 address that it maps, lies in one of the networks."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in networks if network.version == mapped.version)


def _embedded(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner: list[Address] = []
    last_32_bits = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in EMBEDDING_LAST_32_BITS) or (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        inner.append(last_32_bits)
    if address.sixtofour:
        inner.append(address.sixtofour)
    if address.teredo:
        inner.extend(address.teredo)
    return inner


def _is_public(address: Address) -> bool:
    if any(address in network for network in NEVER_PUBLIC if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    if any(address in network for network in EMBEDDING_LAST_32_BITS):
        return True  # stands for its IPv4 address, which is judged by itself
    return address in GLOBAL_UNICAST and (address.is_global or address.sixtofour is not None)


def check_url(url: str, allowed: Sequence[Network] = ()) -> yarl.URL:
    """Parse a URL that is to be fetched and refuse what can be refused without a look-up.

    Raises BadUrl (not http or https, credentials, no host, an odd port, control characters, too long) or
    BlockedAddress (a literal address, in any spelling, that is not public and not `allowed`).
    """
    parsed = _parse(url)
    if parsed.scheme not in ("http", "https"):
        raise BadUrl(f"scheme {parsed.scheme[:20]!r} is neither http nor https")
    if parsed.user is not None or parsed.password is not None:
        raise BadUrl("the URL holds credentials")
    host, port = parsed.raw_host, parsed.port
    if not host or port is None:
        raise BadUrl("the URL has no host")
    literal = literal_address(host)
    if literal is not None:
        check_address(literal, allowed)
    if port not in PORTS and not _any_port(literal, allowed):
        raise BadUrl(f"port {port} is not one of {', '.join(map(str, sorted(PORTS)))}")
    return parsed


def _parse(url: str) -> yarl.URL:
    if len(url) > MAX_URL_CHARS:
        raise BadUrl(f"the URL is longer than {MAX_URL_CHARS:,} characters")
    if any(ord(char) < 0x20 or char in "\x7f\N{REPLACEMENT CHARACTER}" for char in url):
        raise BadUrl("the URL holds control characters or broken text")
    authority = url.partition("//")[2].partition("/")[0]
    if "\\" in authority or " " in authority:
        raise BadUrl("the URL's host holds a character that no host has")  # parsers disagree about what follows it
    try:
        parsed = yarl.URL(url)
        _ = parsed.port, parsed.raw_host  # both are parsed when first asked for
    except (ValueError, TypeError) as error:
        raise BadUrl(f"the URL cannot be read: {str(error)[:120]}") from error
    return parsed


def _any_port(literal: str | None, allowed: Sequence[Network]) -> bool:
    """Whether the port is judged later: a name's address is known when its socket is made."""
    if literal is None:
        return bool(allowed)
    return in_networks(ipaddress.ip_address(literal.partition("%")[0]), allowed)


def literal_address(host: str) -> str | None:
    """The address that a host spells, also in the short, decimal, hexadecimal and octal ways; None for a name."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def guarded_socket(allowed: Sequence[Network]) -> Callable[[AddrInfoType], socket.socket]:
    """A socket factory that makes sockets for permitted addresses and ports only: the last gate of every attempt."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, proto, _, sockaddr = info
        ip, port = str(sockaddr[0]), int(sockaddr[1])
        check_address(ip, allowed)
        if port not in PORTS and not _any_port(ip, allowed):
            raise BlockedPort(f"port {port} is not one of {', '.join(map(str, sorted(PORTS)))}")
        return socket.socket(family, kind, proto)

    return make


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The process's one TLS context: making one reads the system's certificates, which takes some 20 ms."""
    return ssl.create_default_context()
