import time
from typing import Any

import orjson
import pytest
from aiohttp import web

from app.errors import Invalid, SourceFailed
from app.sources.html_page import read_html
from app.sources.srcset import candidates
from app.sources.web_page import WebPage
from app.values import Candidate, Provenance
from tests.sources.reading import Waits, ask, notes, tools, urls
from tests.stand_ins.documents import Documents, broken, throttled

WEB_PAGE = WebPage()
IMAGE_OBJECT = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebPage", "publisher": {"logo": {"@type": "ImageObject", "url": "/logo.png"}}},
        {
            "@type": ["ImageObject"],
            "contentUrl": "/fox.jpg",
            "caption": "A fox at dawn",
            "creator": {"@type": "Person", "name": "Ann Example", "url": "/ann"},
            "license": "https://creativecommons.org/licenses/by-sa/4.0/",
            "creditText": "Ann Example / Photos",
        },
        {"@type": "Article", "image": ["/only-here.jpg", {"@type": "ImageObject", "url": "/and-here.jpg"}]},
    ],
}


async def pictures(body: str, path: str = "/page.html", **headers: str) -> list[str]:
    """The addresses that a page gives, without the server's own."""

    def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html", headers=headers)

    async with Documents({path: answer}) as site, tools() as used:
        found = urls(await ask(WEB_PAGE, used, [site.base + path]))
        return [url.removeprefix(site.base) for url in found]


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ('<img src="a.jpg">', "/in/a.jpg"),
        ('<img src="/a.jpg#top">', "/a.jpg"),
        ('<img src="a.jpg?w=1&amp;h=2">', "/in/a.jpg?w=1&h=2"),
        ('<img src="//cdn.example/a.jpg">', "http://cdn.example/a.jpg"),
        ('<img src="s.jpg" srcset="m.jpg 600w, l.jpg 1200w, s.jpg 300w">', "/in/l.jpg"),
        ('<img src="s.jpg" srcset="a,b.jpg 1x,c,d.jpg 2x">', "/in/c,d.jpg"),
        ('<picture><source srcset="l.avif 2000w"><img src="s.jpg" srcset="m.jpg 900w"></picture>', "/in/l.avif"),
        ('<a href="full.jpg"><img src="thumb.jpg"></a>', "/in/full.jpg"),
        ('<a href="other.html"><img src="thumb.jpg"></a>', "/in/thumb.jpg"),
        ('<img src="data:image/gif;base64,R0lGOD" data-src="late.jpg">', "/in/late.jpg"),
        ('<img src="dot.gif" data-lazy-srcset="m.jpg 600w, l.jpg 1200w">', "/in/l.jpg"),
        ('<img src="s.jpg" srcset="m.jpg 600w" data-large_image="l.jpg">', "/in/l.jpg"),
        ('<img src="data:," data-unheard-of="late.webp">', "/in/late.webp"),
        ('<img src="data:," data-unheard-of="m.jpg 2x, s.jpg 1x">', "/in/m.jpg"),
        ('<noscript><img src="a.jpg"></noscript>', "/in/a.jpg"),
        ("""<div style="color: red; background-image: url('b.jpg')">""", "/in/b.jpg"),
        ('<div data-bgset="s.jpg 300w, l.jpg 900w">', "/in/l.jpg"),
        ('<meta property="og:image" content="/og.jpg">', "/og.jpg"),
        ('<meta name="twitter:image" content="/tw.jpg">', "/tw.jpg"),
        ('<link rel="image_src" href="/src.jpg">', "/src.jpg"),
        ('<base href="/else/"><base href="/never/"><img src="a.jpg">', "/else/a.jpg"),
        ('<img src="a.jpg"><img src="a.jpg"><meta property="og:image" content="a.jpg">', "/in/a.jpg"),
    ],
)
async def test_a_picture_is_found_by_its_largest_address(markup: str, found: str) -> None:
    assert await pictures(markup, "/in/page.html") == [found]


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="pixel.gif" width="1" height="1">',
        '<img src="icon.png" height="16px">',
        '<img src="data:image/png;base64,AAAA">',
        '<img src="javascript:alert(1)">',
        '<img src="http://[broken/a.jpg">',
        '<img alt="nothing">',
        '<script type="application/ld+json">{broken</script>',
    ],
)
async def test_furniture_and_nonsense_give_nothing(markup: str) -> None:
    assert await pictures(markup) == []


async def test_json_ld_gives_license_creator_and_caption() -> None:
    block = orjson.dumps(IMAGE_OBJECT).decode()
    body = f'<link rel="license" href="/terms"><script type="application/ld+json">{block}</script><img src="/fox.jpg">'
    async with Documents({"/page": body}) as site, tools() as used:
        found = await ask(WEB_PAGE, used, [site.base + "/page"], "fox", "wolf")
    fox = next(one for one in found[0].candidates if one.url.endswith("/fox.jpg"))
    assert fox == Candidate(
        f"{site.base}/fox.jpg",
        "fox",
        Provenance(
            source="web_page",
            landing_url=f"{site.base}/page",
            title="A fox at dawn",
            creator="Ann Example",
            creator_url=f"{site.base}/ann",
            license="by-sa 4.0",
            license_url="https://creativecommons.org/licenses/by-sa/4.0/",
            attribution="Ann Example / Photos",
            extra={"license_of": "image"},
        ),
    )
    assert sorted(url.removeprefix(site.base) for url in urls(found)) == ["/and-here.jpg", "/fox.jpg", "/only-here.jpg"]


async def test_titles_come_from_alt_or_figcaption_and_the_license_from_the_page() -> None:
    body = (
        '<figure><img src="a.jpg" alt="A cat"><img src="b.jpg"><figcaption>Two <b>cats</b></figcaption></figure>'
        '<figure><figcaption>First said</figcaption><img src="c.jpg"></figure><img src="d.jpg">'
        '<a rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">CC0</a>'
    )
    async with Documents({"/page": body}) as site, tools() as used:
        (page, end) = await ask(WEB_PAGE, used, [site.base + "/page"])
    told = [one.provenance for one in page.candidates]
    assert [one.title for one in told] == ["A cat", "Two cats", "First said", None]
    assert {(one.license, one.creator, one.attribution) for one in told} == {("cc0 1.0", None, None)}
    assert told[0].extra == {"license_of": "page"}
    assert (end.candidates, end.cursor) == ((), None)


RESERVED: list[tuple[str, dict[str, str], str]] = [
    ('<meta name="robots" content="index, NOAI">', {}, "meta robots: noai"),
    ('<meta name="robots" content="noimageai">', {}, "meta robots: noimageai"),
    ('<meta name="PixCrawler" content="none">', {}, "meta robots: none"),
    ('<meta name="tdm-reservation" content="1">', {}, "meta tdm-reservation: 1"),
    ("", {"X-Robots-Tag": "googlebot: index, pixcrawler: noindex"}, "X-Robots-Tag: noindex"),
    ("", {"tdm-reservation": "1"}, "tdm-reservation: 1"),
]


@pytest.mark.parametrize(("head", "headers", "signal"), RESERVED)
async def test_a_page_that_reserves_its_images_is_left_and_the_reason_told(
    head: str, headers: dict[str, str], signal: str
) -> None:
    def reserved(_request: web.Request) -> web.Response:
        return web.Response(text=head + '<img src="a.jpg">', content_type="text/html", headers=headers)

    async with Documents({"/no": reserved, "/yes": '<img src="b.jpg">'}) as site, tools() as used:
        with pytest.raises(SourceFailed, match="reserves its images") as caught:
            await ask(WEB_PAGE, used, [site.base + "/no"])
        assert signal in caught.value.message
        both = await ask(WEB_PAGE, used, [site.base + "/no", site.base + "/yes"])
        assert urls(both) == [f"{site.base}/b.jpg"]
        assert [signal in note for note in notes(both)] == [True]
        async with tools(respect_x_robots_tag=False, respect_tdm=False) as free:
            assert urls(await ask(WEB_PAGE, free, [site.base + "/no"])) == [f"{site.base}/a.jpg"]


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        ('<meta name="googlebot" content="noindex">', {}),
        ('<meta name="robots" content="nofollow, max-image-preview:none">', {}),
        ('<meta name="tdm-reservation" content="0">', {"tdm-reservation": "1"}),
        ("", {"X-Robots-Tag": "otherbot: noindex", "tdm-reservation": "yes"}),
    ],
)
async def test_what_is_said_to_others_does_not_bind_us(head: str, headers: dict[str, str]) -> None:
    assert await pictures(head + '<img src="a.jpg">', "/page", **headers) == ["/a.jpg"]


async def test_robots_txt_is_asked_once_an_origin_and_obeyed() -> None:
    robots = "User-agent: *\nDisallow: /private/\nAllow: /private/open\n"
    documents = {"/robots.txt": robots, "/private/a": "x", "/private/open": '<img src="/a.jpg">'}
    async with Documents(documents) as site, tools() as used:
        found = await ask(WEB_PAGE, used, [site.base + "/private/a", site.base + "/private/open"])
    assert (urls(found), site.requests, site.robots_requests) == ([f"{site.base}/a.jpg"], ["/private/open"], 1)
    assert notes(found) == [f"robots.txt does not let us read {site.base}/private/a (Disallow: /private/)."]


async def test_a_site_whose_robots_txt_is_in_trouble_is_left_alone() -> None:
    async with Documents({"/": "x", "/robots.txt": lambda _: web.Response(status=500)}) as site, tools() as used:
        with pytest.raises(SourceFailed, match=r"robots\.txt does not let us read"):
            await ask(WEB_PAGE, used, [site.base + "/"])
    assert site.requests == []


async def test_any_cursor_continues_where_its_page_ended() -> None:
    documents = {f"/{number}": f'<img src="{number}.jpg">' for number in range(4)} | {"/2": "<p>no images</p>"}
    async with Documents(documents) as site, tools() as used:
        asked = [f"{site.base}/{number}" for number in range(4)]
        whole = await ask(WEB_PAGE, used, asked)
        assert urls(whole) == [f"{site.base}/{number}.jpg" for number in (0, 1, 3)]
        for place, page in enumerate(whole[:-1]):
            cursor = orjson.loads(orjson.dumps(page.cursor))
            assert await ask(WEB_PAGE, used, asked, cursor=cursor) == whole[place + 1 :]


async def test_pauses_are_waited_out_and_one_page_that_fails_does_not_stop_the_others() -> None:
    waits = Waits()
    documents = {"/a": '<img src="a.jpg">', "/pdf.gz": b"%PDF", "/large": "x" * 9_000_000, "/b": '<img src="b.jpg">'}
    faults = {"/a": [throttled(7), throttled(), broken(502)]}
    async with Documents(documents, faults) as site, tools(waits) as used:
        found = await ask(WEB_PAGE, used, [site.base + path for path in ("/a", "/gone", "/pdf.gz", "/large", "/b")])
    assert [url.removeprefix(site.base) for url in urls(found)] == ["/a.jpg", "/b.jpg"]
    assert waits.seconds == [7, 2, 4]
    told = " ".join(notes(found))
    assert all(words in told for words in ("/gone answered 404", "no web page but application/gzip", "larger than"))


async def test_a_long_pause_is_told_with_its_length() -> None:
    async with Documents({"/a": "x"}, {"/a": [throttled(3_000)]}) as site, tools() as used:
        with pytest.raises(SourceFailed, match="429") as caught:
            await ask(WEB_PAGE, used, [site.base + "/a"])
    assert caught.value.retry_after_s == 3_000


async def test_an_inner_address_is_not_reached() -> None:
    async with Documents({"/a": "x"}) as site, tools(allow_addresses="", respect_robots=False) as used:
        with pytest.raises(SourceFailed, match="not public"):
            await ask(WEB_PAGE, used, [site.base + "/a"])
    assert site.requests == []


async def test_the_charset_of_the_page_is_followed() -> None:
    def latin(_request: web.Request) -> web.Response:
        body = '<meta charset="iso-8859-1"><img src="a.jpg" alt="Café">'.encode("latin-1")
        return web.Response(body=body, headers={"Content-Type": "text/html"})

    async with Documents({"/a": latin}) as site, tools() as used:
        (page, _) = await ask(WEB_PAGE, used, [site.base + "/a"])
    assert page.candidates[0].provenance.title == "Café"


@pytest.mark.parametrize(
    "bad",
    ["<!--", "<a ", "<![", "</", "<script>", "<img src='", '<img x="a.jpg', "<?", "<!", "&#", "<figure><img src=a>"],
)
def test_a_hostile_page_takes_no_longer_than_another(bad: str) -> None:
    began = time.monotonic()
    read_html(bad * (300_000 // len(bad)))
    assert time.monotonic() - began < 2


async def test_odd_declarations_are_passed_over() -> None:
    assert await pictures('<![if IE]><![1[x]]><!x><?y?><![endif]><img src="/a.jpg">') == ["/a.jpg"]


def test_a_srcset_is_split_as_browsers_do() -> None:
    assert list(candidates(" a.jpg , b.jpg 2x,c,1.jpg 100w, d.jpg")) == [
        ("a.jpg", 0, 1), ("b.jpg", 0, 2), ("c,1.jpg", 100, 1), ("d.jpg", 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, ("urls",)),
        ({"urls": []}, ("urls",)),
        ({"urls": "https://a.example/"}, ("urls",)),
        ({"urls": ["https://a.example/"] * 101}, ("urls",)),
        ({"urls": ["https://a.example/", "ftp://a.example/"]}, ("urls", "1")),
        ({"urls": [None]}, ("urls", "0")),
        ({"urls": ["https://a.example/" + "a" * 9_000]}, ("urls", "0")),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        WEB_PAGE.check(options)
    assert caught.value.path == path
