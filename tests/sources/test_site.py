import gzip
import html
from typing import Any

import orjson
import pytest
from aiohttp import web

from app.errors import Invalid, SourceFailed
from app.sources.base import Page, Query
from app.sources.site import Site
from app.values import Provenance
from tests.sources.reading import Waits, ask, notes, tools, urls
from tests.stand_ins.documents import Documents, broken, throttled

SITE = Site()
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def sitemap(*entries: str) -> str:
    return f'<?xml version="1.0"?><urlset {SPACES}>{"".join(entries)}</urlset>'


def index(*places: str) -> str:
    return (
        f"<sitemapindex {SPACES}>"
        + "".join(f"<sitemap><loc>{one}</loc></sitemap>" for one in places)
        + "</sitemapindex>"
    )


def listed(page: str, *images: str) -> str:
    named = "".join(f"<image:image><image:loc>{image}</image:loc></image:image>" for image in images)
    return f"<url><loc>{page}</loc>{named}</url>"


def shows(*images: str) -> str:
    return "<html>" + "".join(f'<img src="{image}">' for image in images)


WHOLE_SITE: dict[str, Any] = {
    "/robots.txt": "User-agent: *\nDisallow: /private\nSitemap: {base}/index.xml\n",
    "/index.xml": index("{base}/one.xml", "{base}/two.xml", "{base}/list.txt", "{base}/index.xml"),
    "/one.xml": sitemap(
        listed("{base}/1", "{base}/a.jpg", "{base}/b.jpg"), listed("{base}/2"), listed("{base}/private/3")
    ),
    "/two.xml": sitemap(listed("{base}/4", "{base}/b.jpg"), listed("{base}/gone")),
    "/list.txt": "{base}/5\nnot an address\n\n{base}/6\n",
    "/2": shows("c.jpg", "d.jpg"),
    "/5": '<meta name="robots" content="noai">' + shows("never.jpg"),
    "/6": shows("e.jpg"),
}


def paths(site: Documents, found: list[Page]) -> list[str]:
    return [url.removeprefix(site.base) for url in urls(found)]


async def test_a_site_is_read_through_robots_txt_an_index_and_its_sitemaps() -> None:
    async with Documents(WHOLE_SITE) as site, tools() as used:
        found = await ask(SITE, used, [site.base], "bird")
    assert paths(site, found) == ["/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg", "/b.jpg", "/e.jpg"]
    assert site.requests == ["/index.xml", "/one.xml", "/2", "/two.xml", "/gone", "/list.txt", "/5", "/6"]
    assert {one.keyword for page in found for one in page.candidates} == {"bird"}
    assert [one.provenance.landing_url for one in found[0].candidates] == [f"{site.base}/1"] * 2 + [
        f"{site.base}/2"
    ] * 2
    told = " ".join(notes(found))
    assert all(words in told for words in ("/private/3", "/gone answered 404", "meta robots: noai"))


async def test_any_cursor_continues_where_its_page_ended() -> None:
    async with Documents(WHOLE_SITE) as site, tools() as used:
        whole = await ask(SITE, used, [site.base])
        assert len(whole) == 4
        for place, page in enumerate(whole[:-1]):
            cursor = orjson.loads(orjson.dumps(page.cursor))
            assert len(orjson.dumps(cursor)) < 500
            assert await ask(SITE, used, [site.base], cursor=cursor) == whole[place + 1 :]


async def test_without_robots_txt_the_usual_places_and_the_feeds_of_the_home_page_are_tried() -> None:
    item = '<item><link>{base}/post</link><enclosure type="image/png" url="{base}/f"/></item>'
    feed = f"<rss><channel>{item}</channel></rss>"
    home = '<html><link rel="alternate" type="application/rss+xml" href="/feed">' + shows("home.jpg")
    documents = {"/": home, "/sitemap_index.xml": sitemap(listed("{base}/p", "{base}/s.jpg")), "/feed": feed}
    async with Documents(documents) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/"])
    assert (paths(site, found), notes(found)) == (["/s.jpg", "/home.jpg", "/f"], [])


async def test_max_pages_ends_the_reading_and_says_so() -> None:
    documents = {"/s.xml": sitemap(*(listed(f"{{base}}/{n}") for n in range(9)))} | {
        f"/{n}": shows(f"{n}.jpg") for n in range(9)
    }
    async with Documents(documents) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/s.xml"], max_pages=3)
        assert (paths(site, found), notes(found)) == (
            ["/0.jpg", "/1.jpg", "/2.jpg"],
            ["maxPages was reached: 3 pages were read."],
        )
        assert found == await ask(SITE, used, [site.base + "/s.xml"], max_pages=3)
        rest = await ask(SITE, used, [site.base + "/s.xml"], max_pages=3, cursor=found[1].cursor)
        assert rest == found[2:]
        site.requests.clear()
        assert urls(await ask(SITE, used, [site.base + "/s.xml"], read_pages=False)) == []
        assert site.requests == ["/s.xml"]


async def test_compressed_sitemaps_are_told_by_their_first_bytes() -> None:
    packed = gzip.compress(sitemap(listed("http://a.example/1", "http://a.example/1.jpg")).encode())
    members = gzip.compress(b"\xef\xbb\xbf<urlset>") + gzip.compress(
        b"<url><loc>http://a.example/2</loc></url></urlset>"
    )
    async with Documents({"/s": packed, "/t.gz": members, "/bad.gz": packed[:30]}) as site, tools() as used:
        assert urls(await ask(SITE, used, [site.base + "/s"])) == ["http://a.example/1.jpg"]
        assert urls(await ask(SITE, used, [site.base + "/t.gz"], read_pages=False)) == []
        with pytest.raises(SourceFailed, match="neither a sitemap"):
            await ask(SITE, used, [site.base + "/bad.gz"])


async def test_a_sitemap_that_inflates_without_end_is_refused() -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * 60_000_000, 1)
    async with Documents({"/s.xml": bomb}) as site, tools() as used:
        with pytest.raises(SourceFailed, match="inflates to more than 52,428,800 bytes"):
            await ask(SITE, used, [site.base + "/s.xml"])


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (ENTITY + "<urlset><url><loc>&b;</loc></url></urlset>", "document type or entities"),
        ("<urlset>" + "<a>" * 200, "deeper than 100"),
        ("<urlset><url", "cannot be read"),
        ("<urlset><x>" + "<a/>" * 500_000, "more than 500,000 elements"),
        ("<other/>", "neither a sitemap nor a feed"),
        ('{"version": 1}', "JSON, but no feed"),
        ("{", "broken JSON"),
    ],
)
async def test_what_is_no_sitemap_is_refused_in_words(body: str, reason: str) -> None:
    async with Documents({"/s.xml": body}) as site, tools() as used:
        with pytest.raises(SourceFailed, match=reason):
            await ask(SITE, used, [site.base + "/s.xml"])


async def test_what_came_before_the_break_counts_and_the_break_is_told() -> None:
    cut = sitemap(listed("{base}/1", "{base}/1.jpg"), listed("{base}/2", "{base}/2.jpg"))[:-40]
    async with Documents({"/s.xml": cut}) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/s.xml"])
    assert paths(site, found) == ["/1.jpg"]
    assert ["as far as it is whole" in note for note in notes(found)] == [True]


RSS = f"""<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>A gallery</title><link>http://a.example/</link>
<media:copyright>All by Ann</media:copyright><media:license href="https://creativecommons.org/licenses/by/4.0/">by</media:license>
<item><title>Grouped</title><link>http://a.example/1</link><dc:creator>Ann</dc:creator><media:group>
 <media:content url="http://a.example/s.jpg" medium="image" width="100" height="80"/>
 <media:content url="http://a.example/l.jpg" type="image/jpeg" width="1000" height="800"/>
 <media:content url="http://a.example/film.mp4" type="video/mp4" width="4000" height="2000"/>
 <media:title>The group</media:title></media:group><media:thumbnail url="http://a.example/t.jpg"/></item>
<item><title>Single</title><link>http://a.example/2</link><media:content url="/m.png"><media:title>Own</media:title>
 <media:credit>Ben</media:credit><media:license href="https://creativecommons.org/publicdomain/zero/1.0/"/></media:content></item>
<item><title>Told</title><link>http://a.example/3</link>
 <content:encoded>{html.escape('<p><img src="/in.jpg"></p>')}</content:encoded></item>
<item><title/><guid>http://a.example/4</guid><enclosure url="http://a.example/sound.mp3" type="audio/mpeg"/></item>
</channel></rss>"""


async def test_media_rss_gives_the_largest_of_a_group_and_what_the_channel_says() -> None:
    async with Documents({"/rss": RSS}) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/rss"], read_pages=False)
    told = {one.url: one.provenance for page in found for one in page.candidates}
    assert list(told) == ["http://a.example/l.jpg", "http://a.example/m.png", "http://a.example/in.jpg"]
    assert told["http://a.example/l.jpg"] == Provenance(
        source="site",
        landing_url="http://a.example/1",
        title="The group",
        creator="Ann",
        license="by 4.0",
        license_url="https://creativecommons.org/licenses/by/4.0/",
        extra={"rights": "All by Ann"},
    )
    single, in_text = told["http://a.example/m.png"], told["http://a.example/in.jpg"]
    assert (single.title, single.creator, single.license) == ("Own", "Ben", "cc0 1.0")
    assert (in_text.title, in_text.creator, in_text.license) == ("Told", None, "by 4.0")


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>All</title><link rel="next" href="?page=2"/>
<author><name>Ann</name><uri>http://a.example/ann</uri></author>
<entry><title>One</title><link href="http://a.example/1"/><link rel="enclosure" type="image/jpeg" href="http://a.example/1.jpg"/></entry>
<entry><title>Two</title><link rel="alternate" href="http://a.example/2"/><author><name>Ben</name></author>
<rights>CC BY 3.0</rights>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><img src="/2.jpg"/></div></content></entry></feed>"""


async def test_atom_is_followed_to_its_next_page() -> None:
    second = '<feed><entry><link href="http://a.example/3"/><link rel="enclosure" href="http://a.example/3.png"/></entry></feed>'
    async with Documents({"/atom": ATOM, "/atom?page=2": second}) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/atom"])
    told = [(one.url, one.provenance.creator, one.provenance.license) for page in found for one in page.candidates]
    assert told == [
        ("http://a.example/1.jpg", "Ann", None),
        ("http://a.example/2.jpg", "Ben", "by 3.0"),
        ("http://a.example/3.png", None, None),
    ]


async def test_a_wordpress_feed_is_followed_until_it_ends() -> None:
    def feed(request: web.Request) -> web.Response:
        number = int(request.query.get("paged", "1"))
        if number > 3:
            return web.Response(status=404)
        item = f'<item><link>http://a.example/{number}</link><enclosure url="http://a.example/{number}.jpg"/></item>'
        return web.Response(
            text=f"<rss><channel><generator>https://wordpress.org/?v=6</generator>{item}</channel></rss>"
        )

    async with Documents({"/feed": feed}) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/feed"])
    assert (urls(found), notes(found)) == ([f"http://a.example/{number}.jpg" for number in (1, 2, 3)], [])


async def test_json_feed_gives_images_attachments_and_pictures_of_its_texts() -> None:
    first = {
        "version": "https://jsonfeed.org/version/1.1",
        "authors": [{"name": "Ann", "url": "http://a.example/ann"}],
        "next_url": "/feed2.json",
        "items": [
            {"url": "http://a.example/1", "title": "One", "image": "/1.jpg", "banner_image": None},
            {
                "url": "http://a.example/2",
                "attachments": [{"url": "/2.jpg", "mime_type": "image/jpeg"}, {"url": "/2.mp3"}],
            },
            {"url": "http://a.example/3", "content_html": "<img src='/3.jpg'>", "author": {"name": "Ben"}},
            None,
        ],
    }
    second = {"version": "https://jsonfeed.org/version/1", "items": None}
    async with Documents({"/feed.json": first, "/feed2.json": second}) as site, tools() as used:
        found = await ask(SITE, used, [site.base + "/feed.json"])
    told = [(one.url, one.provenance.creator) for page in found for one in page.candidates]
    assert told == [
        ("http://a.example/1.jpg", "Ann"),
        ("http://a.example/2.jpg", "Ann"),
        ("http://a.example/3.jpg", "Ben"),
    ]
    assert site.requests == ["/feed.json", "/feed2.json"]


async def test_the_delay_that_a_site_asks_for_is_kept_between_its_pages() -> None:
    waits = Waits()
    robots = "User-agent: *\nCrawl-delay: 3\nSitemap: /s.xml"
    documents = {
        "/robots.txt": robots,
        "/s.xml": sitemap(listed("{base}/1"), listed("{base}/2")),
        "/1": shows("a"),
        "/2": shows("b"),
    }
    async with Documents(documents, {"/2": [throttled(7), throttled(), broken()]}) as site, tools(waits) as used:
        assert paths(site, await ask(SITE, used, [site.base])) == ["/a", "/b"]
    assert waits.seconds == [3, 3, 7, 2, 4]


async def test_what_was_found_before_a_long_pause_is_not_lost() -> None:
    documents = {"/s.xml": sitemap(listed("{base}/1", "{base}/1.jpg"), listed("{base}/2"))}
    async with Documents(documents, {"/2": [throttled(9_000)]}) as site, tools() as used:
        pages = SITE.pages(used, Query((), SITE.check({"urls": [site.base + "/s.xml"]})), None)
        first = await anext(pages)
        with pytest.raises(SourceFailed, match="429") as caught:
            await anext(pages)
    assert (caught.value.retry_after_s, paths(site, [first])) == (9_000, ["/1.jpg"])


async def test_a_site_that_no_longer_answers_is_left() -> None:
    async with Documents({"/s.xml": sitemap(*(listed(f"{{base}}/{n}") for n in range(50)))}) as site, tools() as used:
        with pytest.raises(SourceFailed, match="answered 404"):
            await ask(SITE, used, [site.base + "/s.xml"])
    assert len(site.requests) == 21


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"urls": ["https://a.example/"] * 21}, ("urls",)),
        ({"urls": ["https://a.example/"], "max_pages": 0}, ("maxPages",)),
        ({"urls": ["https://a.example/"], "max_pages": True}, ("maxPages",)),
        ({"urls": ["https://a.example/"], "read_pages": "yes"}, ("readPages",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        SITE.check(options)
    assert caught.value.path == path
