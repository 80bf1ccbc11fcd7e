from collections.abc import Callable
from typing import Any

import orjson
import pytest
from aiohttp import web

from app.errors import Invalid, SourceFailed
from app.sources.bucket import Bucket
from app.sources.bucket_listing import s3_listing_url
from app.values import Candidate, Provenance
from tests.sources.reading import Waits, ask, notes, tools, urls
from tests.stand_ins.buckets import Buckets, error
from tests.stand_ins.documents import Documents, throttled

BUCKET = Bucket()
KEYS = {
    "a & b.jpg": 10, "birds/1.jpg": 11, "birds/2+3.PNG": 12, "birds/deep/ü 4.webp": 13, "cats/": 0, "cats/1.jpg": 14,
    "cats/empty.jpg": 0, "cats/frozen.jpg": 15, "cats/notes.txt": 16, "cats/z.jpeg": 17,
}  # fmt: skip
IMAGES = [
    "a%20%26%20b.jpg",
    "birds/1.jpg",
    "birds/2%2B3.PNG",
    "birds/deep/%C3%BC%204.webp",
    "cats/1.jpg",
    "cats/z.jpeg",
]
FROZEN = {"cats/frozen.jpg": "GLACIER_IR"}


@pytest.mark.parametrize(("version", "named_marker"), [(2, False), (1, True), (1, False)])
async def test_a_bucket_is_listed_to_its_end_in_either_version(version: int, named_marker: bool) -> None:
    async with Buckets(KEYS, version, named_marker, storage_class=FROZEN) as storage, tools() as used:
        found = await ask(BUCKET, used, [storage.url + "?prefix="])
        whole = await ask(BUCKET, used, [storage.url])
        for place, page in enumerate(found[:-1]):
            cursor = orjson.loads(orjson.dumps(page.cursor))
            assert await ask(BUCKET, used, [storage.url + "?prefix="], cursor=cursor) == found[place + 1 :]
    assert urls(found) == [f"{storage.url}/{key}" for key in IMAGES]
    assert (urls(whole), found[-1].candidates, found[-1].cursor) == (urls(found), (), None)


async def test_a_folder_can_be_the_label() -> None:
    async with Buckets(KEYS, page_keys=1_000) as storage, tools() as used:
        (page, _) = await ask(BUCKET, used, [storage.url + "?prefix=birds/"], "bird", label_by_folder=True)
        (top, _) = await ask(BUCKET, used, [storage.url + "?prefix=a"], "bird", label_by_folder=True)
        (plain, _) = await ask(BUCKET, used, [storage.url + "?prefix=birds/"], "bird")
    assert storage.requests[0] == {"list-type": "2", "max-keys": "1000", "encoding-type": "url", "prefix": "birds/"}
    assert [one.keyword for one in page.candidates] == ["birds", "birds", "deep"]
    assert [one.keyword for one in (*top.candidates, *plain.candidates)] == ["bird"] * 4
    assert page.candidates[0] == Candidate(
        f"{storage.url}/birds/1.jpg",
        "birds",
        Provenance(source="bucket", extra={"size": 11, "last_modified": "2026-01-02T03:04:05.000Z"}),
    )


@pytest.mark.parametrize(
    ("address", "listing"),
    [
        ("https://b.s3.eu-west-1.amazonaws.com/cats/x", "https://b.s3.eu-west-1.amazonaws.com/?{}&prefix=cats%2Fx"),
        ("https://b.s3.amazonaws.com", "https://b.s3.amazonaws.com/?{}"),
        ("https://s3.eu-west-1.amazonaws.com/b/cats/", "https://s3.eu-west-1.amazonaws.com/b?{}&prefix=cats%2F"),
        ("https://storage.googleapis.com/b", "https://storage.googleapis.com/b?{}"),
        ("https://b.storage.googleapis.com/a%20b/", "https://b.storage.googleapis.com/?{}&prefix=a+b%2F"),
        ("https://minio.example/b?prefix=cats/", "https://minio.example/b?{}&prefix=cats%2F"),
    ],
)
def test_the_address_of_a_bucket_becomes_the_address_of_its_listing(address: str, listing: str) -> None:
    assert s3_listing_url(address) == listing.format("list-type=2&max-keys=1000&encoding-type=url")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: error(403, "AccessDenied"), r"is not listed: AccessDenied \(403\)"),
        (lambda: error(404, "NoSuchBucket"), r"NoSuchBucket \(404\)"),
        (lambda: error(301, "PermanentRedirect", "<Endpoint>b.s3.eu.example</Endpoint>"), "ask b.s3.eu.example"),
        (lambda: error(503, "SlowDown"), "answered 503"),
        (lambda: web.Response(text="<ListBucketResult><Cont"), "cannot be read"),
        (lambda: web.Response(text="<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult/>"), "neither a bucket's"),
        (lambda: web.Response(text="<other/>"), "neither a bucket's listing nor a folder's"),
        (lambda: web.Response(text="<html><title>Shop</title><a href='1.jpg'>"), "neither a bucket's listing"),
        (lambda: web.Response(text="[{"), "broken JSON"),
    ],
)
async def test_what_is_not_listed_is_a_failure_in_words(fault: Callable[[], web.Response], message: str) -> None:
    async with Buckets(KEYS, faults=[fault] * 4) as storage, tools() as used:
        with pytest.raises(SourceFailed, match=message):
            await ask(BUCKET, used, [storage.url])


async def test_a_listing_that_breaks_midway_goes_on_after_its_last_key() -> None:
    cut = (
        "<ListBucketResult><KeyCount>2</KeyCount><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
        "<Contents><Key>a+%26+b.jpg</Key><Size>1</Size></Contents><Contents><Key>birds"
    )
    async with Buckets(KEYS, storage_class=FROZEN, faults=[lambda: web.Response(text=cut)]) as storage, tools() as used:
        found = await ask(BUCKET, used, [storage.url + "?prefix="])
    assert urls(found) == [f"{storage.url}/{key}" for key in IMAGES]


async def test_storage_that_asks_for_patience_gets_it() -> None:
    waits = Waits()
    faults = [throttled(7), throttled(), lambda: error(503, "SlowDown")]
    async with Buckets(KEYS, page_keys=1_000, faults=faults) as storage, tools(waits) as used:
        assert len(urls(await ask(BUCKET, used, [storage.url]))) == 7
    assert waits.seconds == [7, 2, 4]


NGINX = """<html><head><title>Index of /set/</title></head><body><h1>Index of /set/</h1><hr><pre><a href="../">../</a>
<a href="cats/">cats/</a>  02-Jan-2026 03:04  -
<a href="a%20b.jpg">a b.jpg</a>  02-Jan-2026 03:04  123
<a href="notes.txt">notes.txt</a></pre></body></html>"""
APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /set/cats</title></head><body>
<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/set/">Parent Directory</a></td></tr><tr><td><a href="1.jpg">1.jpg</a></td></tr>
<tr><td><a href="http://else.example/2.jpg">2.jpg</a></td></tr><tr><td><a href="old/">old/</a></td></tr>
</table></body></html>"""
PYTHON = """<!DOCTYPE HTML><html lang="en"><head><title>Directory listing for /set/cats/old/</title></head><body><ul>
<li><a href="3.png">3.png</a></li><li><a href="3.png">3.png</a></li><li><a href="./">up</a></li></ul></body></html>"""


async def test_index_pages_are_followed_into_their_folders() -> None:
    documents = {"/set/": NGINX, "/set/cats/": APACHE, "/set/cats/old/": PYTHON}
    async with Documents(documents) as site, tools() as used:
        found = await ask(BUCKET, used, [site.base + "/set/"], label_by_folder=True)
        for place, page in enumerate(found[:-1]):
            assert (
                await ask(BUCKET, used, [site.base + "/set/"], cursor=page.cursor, label_by_folder=True)
                == found[place + 1 :]
            )
    told = [(one.url.removeprefix(site.base), one.keyword) for page in found for one in page.candidates]
    assert told == [("/set/a%20b.jpg", "set"), ("/set/cats/1.jpg", "cats"), ("/set/cats/old/3.png", "old")]


async def test_nginx_lists_in_json_too() -> None:
    top = [
        {"name": "cats", "type": "directory", "mtime": "Fri, 02 Jan 2026 03:04:05 GMT"},
        {"name": "é.jpg", "type": "file", "mtime": "Fri, 02 Jan 2026 03:04:05 GMT", "size": 5},
        {"name": "empty.jpg", "type": "file", "size": 0},
        {"name": None}, {"name": ".."}, None,
    ]  # fmt: skip
    async with Documents({"/set/": top, "/set/cats/": [{"name": "1.jpg"}]}) as site, tools() as used:
        found = await ask(BUCKET, used, [site.base + "/set/"])
    assert [url.removeprefix(site.base) for url in urls(found)] == ["/set/%C3%A9.jpg", "/set/cats/1.jpg"]
    assert found[0].candidates[0].provenance.extra == {"size": 5, "last_modified": "Fri, 02 Jan 2026 03:04:05 GMT"}


async def test_a_folder_that_cannot_be_listed_does_not_stop_the_others() -> None:
    robots = "User-agent: *\nDisallow: /set/cats/"
    documents = {"/robots.txt": robots, "/set/": NGINX.replace("notes.txt", "gone/")}
    async with Documents(documents) as site, tools() as used:
        found = await ask(BUCKET, used, [site.base + "/set/"])
    assert urls(found) == [f"{site.base}/set/a%20b.jpg"]
    assert [words in note for words, note in zip(("robots.txt", "answered 404"), notes(found), strict=True)] == [
        True
    ] * 2


async def test_folders_without_end_are_left_at_some_depth() -> None:
    endless = '<html><title>Index of /</title><a href="deeper/">deeper/</a>'
    async with Documents({"/" + "deeper/" * depth: endless for depth in range(40)}) as site, tools() as used:
        found = await ask(BUCKET, used, [site.base + "/"])
    assert len(site.requests) == 17
    assert ["deeper than 16 levels" in note for note in notes(found)] == [True]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"urls": ["s3://bucket/"]}, ("urls", "0")),
        ({"urls": ["https://a.example/"] * 21}, ("urls",)),
        ({"urls": ["https://a.example/"], "label_by_folder": 1}, ("labelByFolder",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        BUCKET.check(options)
    assert caught.value.path == path
