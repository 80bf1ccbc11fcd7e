"""Nobody gets us to reach what is not public: a port stands open inside, and at the end nobody has come to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from app.fetching import client as client_module
from app.fetching import guard
from app.fetching.client import open_client
from app.fetching.guard import BadUrl, BlockedAddress, BlockedPort, check_address, check_url, guarded_socket
from app.fetching.pipeline import Pipeline
from app.settings import Settings
from app.values import Fetched, Pending, RefusalCode, Refused
from tests.stand_ins.misbehaving import MisbehavingHost, canary, image, redirect
from tests.stand_ins.pictures import jpeg

BLOCKED, BAD, DNS = RefusalCode.BLOCKED_ADDRESS, RefusalCode.BAD_URL, RefusalCode.DNS_FAILURE

# Spellings of our own machine and of its surroundings. {port} is the open port's.
HOSTILE_HOSTS = (
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1",
    "017700000001", "127.0.0.0x1", "127.8.8.8", "0.0.0.0", "0", "00000177.00.0x0.1",
    "①②⑦.⓪.⓪.①", "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021",
    "localhost", "LOCALHOST", "localhost.", "printer.localhost",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[2606:4700::5efe:7f00:1]",
    "169.254.169.254", "0xA9FEA9FE", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "192.88.99.1",
)  # fmt: skip

BAD_URLS = (
    "http://user:secret@127.0.0.1:{port}/", "http://user@127.0.0.1:{port}/", "http://:x@localhost:{port}/",
    "http://example.com:80@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@example.com/", "http://example.com\\.127.0.0.1/",
    "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_GET", "data:image/png;base64,AAAA",
    "javascript:alert(1)", "//127.0.0.1:{port}/", "/etc/passwd", "127.0.0.1:{port}/cat.jpg", "http://", "http:///cat.jpg",
    "http://127.0.0.1:{port}/\r\nHost: other", "http://127.0.0.1:{port}/\x00", "http://127.0.0.1 :{port}/",
    "http://[::1/", "http://127.0.0.1:99999/", "http://127.0.0.1:port/", "", " ", "http://" + "a" * 9_000,
    "http://example.com:22/", "http://example.com:6379/", "https://example.com:25/", "http://93.184.216.34:5432/",
)  # fmt: skip


async def outcomes(
    settings: Settings, urls: list[str], resolver: AbstractResolver | None = None
) -> list[Fetched | Refused]:
    async def store(_key: str, _data: bytes) -> None:
        return

    async with open_client(settings, resolver) as client:
        pipeline = Pipeline(client, settings, store)
        found = [outcome async for outcome in pipeline.fetch(Pending(place, url) for place, url in enumerate(urls))]
        pipeline.close()
    return sorted(found, key=lambda outcome: outcome.image_id)


def codes(found: list[Fetched | Refused]) -> list[RefusalCode | None]:
    return [outcome.issue.code if isinstance(outcome, Refused) else None for outcome in found]


@pytest.fixture
async def trap(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[int, list[str]]]:
    """An open port on this machine which counts as a usual one, so that only the address stands in the way."""
    async with canary("127.0.0.1", "::1") as (port, came):
        monkeypatch.setattr(guard, "PORTS", guard.PORTS | {port})
        yield port, came


async def test_no_spelling_of_an_inner_address_connects(trap: tuple[int, list[str]]) -> None:
    port, came = trap
    urls = [f"http://{host}:{port}/cat.jpg" for host in HOSTILE_HOSTS]
    found = await outcomes(Settings(allow_addresses=""), urls)
    wrong = {url: code for url, code in zip(urls, codes(found), strict=True) if code not in (BLOCKED, DNS)}
    assert (wrong, came) == ({}, [])
    by_name = [code for host, code in zip(HOSTILE_HOSTS, codes(found), strict=True) if "localhost" not in host.lower()]
    assert set(by_name) == {BLOCKED}


async def test_no_url_that_is_none_or_holds_credentials_or_an_odd_port_connects(trap: tuple[int, list[str]]) -> None:
    port, came = trap
    urls = [url.replace("{port}", str(port)) for url in BAD_URLS]
    found = await outcomes(Settings(allow_addresses=""), urls)
    wrong = {url: code for url, code in zip(urls, codes(found), strict=True) if code is not BAD}
    assert (wrong, came) == ({}, [])
    assert all(isinstance(outcome, Refused) and outcome.issue.message for outcome in found)


async def test_no_redirect_leads_inside(trap: tuple[int, list[str]]) -> None:
    """The redirecting host may be reached, and it alone."""
    port, came = trap
    targets = [f"http://{host}:{port}/" for host in HOSTILE_HOSTS]
    targets += [url.replace("{port}", str(port)) for url in BAD_URLS if url.isprintable() and len(url) < 1_000]
    behaviors = {f"/{place}": redirect(target) for place, target in enumerate(targets) if target.isascii()}
    async with MisbehavingHost(behaviors, address="127.0.0.2") as host:
        found = await outcomes(Settings(allow_addresses="127.0.0.2/32"), [host.url(path) for path in behaviors])
        assert len(host.log) >= len(behaviors) > 60
    assert came == []
    assert all(isinstance(outcome, Refused) for outcome in found)  # a relative Location stays with the first host
    to_hosts = codes(found)[: len([host for host in HOSTILE_HOSTS if host.isascii()])]
    assert set(to_hosts) <= {BLOCKED, DNS}


class Names(AbstractResolver):
    """A resolver of the test's: each name has a list of answers, given one after the other; the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self.answers[host.partition(".")[0]]
        ips = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host, host=ip, port=port, proto=0, flags=0,
                family=socket.AF_INET6 if ":" in ip else socket.AF_INET,
            )
            for ip in ips
        ]  # fmt: skip

    async def close(self) -> None:
        return


async def test_a_name_that_turns_inside_between_two_requests_is_refused(
    trap: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, came = trap
    monkeypatch.setattr(client_module, "DNS_CACHE_S", 0)
    names = Names(
        rebind=[["127.0.0.2"], ["127.0.0.1"]], both=[["127.0.0.2", "127.0.0.1"]], mapped=[["::ffff:127.0.0.1"]]
    )
    behaviors = {"/": image(jpeg(), "Connection: close")}
    async with MisbehavingHost(behaviors, address="127.0.0.2", port=0) as host:
        settings = Settings(allow_addresses="127.0.0.2/32")
        async with open_client(settings, names) as client:
            pipeline = Pipeline(client, settings, lambda _key, _data: asyncio.sleep(0))
            url = f"http://rebind.test:{host.port}/"
            first = await pipeline.fetch_one(Pending(1, url))
            second = await pipeline.fetch_one(Pending(2, url))
            others = [await pipeline.fetch_one(Pending(3, f"http://{name}.test/")) for name in ("both", "mapped")]
            pipeline.close()
    assert isinstance(first, Fetched)
    assert codes([second, *others]) == [BLOCKED] * 3
    assert (came, len(host.log)) == ([], 1)


async def test_look_ups_are_kept_for_a_minute() -> None:
    names = Names(images=[["127.0.0.1"]])
    async with MisbehavingHost({"/*": image(jpeg(), "Connection: close")}) as host:
        urls = [f"http://images.test:{host.port}/{number}" for number in range(6)]
        found = await outcomes(Settings(allow_addresses="127.0.0.0/8"), urls, names)
    assert codes(found) == [None] * 6
    assert names.asked == ["images.test"]


async def test_allowed_networks_may_be_reached_on_any_port_by_address_and_by_name() -> None:
    names = Names(inner=[["127.0.0.1"]], outer=[["93.184.216.34"]])
    async with MisbehavingHost({"/cat.jpg": image(jpeg())}) as host:
        urls = [f"http://{name}:{host.port}/cat.jpg" for name in ("127.0.0.1", "inner.test", "outer.test")]
        found = await outcomes(Settings(allow_addresses="127.0.0.0/8"), urls, names)
    assert codes(found) == [None, None, BAD]


def test_the_last_gate_stands_before_every_socket() -> None:
    make = guarded_socket(Settings(allow_addresses="127.0.0.2/32").allowed_networks)
    kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
    with pytest.raises(BlockedAddress, match=r"127\.0\.0\.1 is not public"):
        make((*kind, ("127.0.0.1", 80)))
    with pytest.raises(BlockedPort, match="port 25 is not one of"):
        make((*kind, ("93.184.216.34", 25)))
    for address in (("127.0.0.2", 9_999), ("93.184.216.34", 443)):
        make((*kind, address)).close()


@pytest.mark.parametrize(
    "ip", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::5db8:d822", "::ffff:8.8.8.8", "2002:808:808::1"]
)
def test_public_addresses_pass(ip: str) -> None:
    check_address(ip)


@pytest.mark.parametrize("ip", ["not an address", "", "1.2.3", "2001:0:808:808::1"])
def test_what_is_no_address_and_tunnels_are_blocked(ip: str) -> None:
    with pytest.raises(BlockedAddress):
        check_address(ip)


@pytest.mark.parametrize(
    ("url", "as_sent"),
    [
        ("https://example.com/a b.jpg?x=1#part", "https://example.com/a%20b.jpg?x=1"),
        ("http://bücher.example/ä.png", "http://xn--bcher-kva.example/%C3%A4.png"),
        ("HTTP://EXAMPLE.com:8080/%7Euser", "http://example.com:8080/~user"),
    ],
)
def test_ordinary_urls_pass(url: str, as_sent: str) -> None:
    assert str(check_url(url).with_fragment(None)) == as_sent


def test_a_url_over_the_limit_says_so() -> None:
    with pytest.raises(BadUrl, match="longer than 8,192 characters"):
        check_url("http://example.com/" + "a" * 8_192)
