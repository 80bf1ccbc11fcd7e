from typing import Any

import orjson
import pytest
from aiohttp import web

from app.errors import Invalid, SourceFailed
from app.sources.base import Page
from app.sources.iiif import Iiif
from app.values import Candidate, Provenance
from tests.sources.reading import Waits, ask, notes, tools, urls
from tests.stand_ins.documents import Documents, broken, throttled
from tests.stand_ins.iiif import IiifStandIn, ImageService, canvas_3, image, manifest_2, manifest_3

IIIF = Iiif()
LEVEL_2 = "http://iiif.io/api/image/2/level2.json"
PLAIN = [{"id": f"http://a.example/{n}.jpg", "type": "Image", "width": 10, "height": 20} for n in range(4)]


def paths(site: Documents, found: list[Page]) -> list[str]:
    return [url.removeprefix(site.base) for url in urls(found)]


@pytest.mark.parametrize(
    ("version", "told", "service", "max_side", "size", "asked"),
    [
        (3, {"profile": "level2"}, ImageService(), None, "max", False),
        (3, {"profile": "level1"}, ImageService(level=1), 1_000, "1000,", False),
        (3, {"profile": "level2"}, ImageService(), 9_000, "max", False),
        (3, {}, ImageService(max_width=800), None, "max", True),
        (3, {"profile": "level0"}, ImageService(level=0, sizes=[(100, 75), (800, 600)]), None, "800,600", True),
        (3, {"profile": "level0"}, ImageService(level=0, sizes=[(100, 75), (800, 600)]), 500, "100,75", True),
        (3, {"profile": "level0"}, ImageService(level=0, sizes=[(100, 75), (800, 600)]), 50, "100,75", True),
        (3, {"profile": "level0"}, ImageService(level=0), None, "max", True),
        (2, {"profile": LEVEL_2}, ImageService(2), None, "full", False),
        (2, {"profile": LEVEL_2}, ImageService(2, height=6_000), 1_000, "666,", True),
        (2, {"profile": [LEVEL_2, {"maxWidth": 900}]}, ImageService(2, max_width=900), None, "max", False),
        (2, {}, ImageService(2, max_width=900), None, "max", True),
        (
            2,
            {"profile": LEVEL_2.replace("2.json", "0.json")},
            ImageService(2, 0, sizes=[(9, 6), (90, 60)]),
            None,
            "90,",
            True,
        ),
    ],
)
async def test_the_largest_size_that_a_service_gives_is_asked_for(
    version: int, told: dict[str, Any], service: ImageService, max_side: int | None, size: str, asked: bool
) -> None:
    one = image("one", version, **told)
    manifest = manifest_3("m", [canvas_3(one)]) if version == 3 else manifest_2("m", [one])
    async with IiifStandIn({"/m": manifest}, services={"one": service}) as site, tools() as used:
        found = await ask(IIIF, used, [site.base + "/m"], max_side=max_side)
        assert paths(site, found) == [f"/image/one/full/{size}/0/default.jpg"]
        assert site.requests == ["/m", "/image/one/info.json"][: 1 + asked]
        async with used.client.get(urls(found)[0]) as response:
            assert response.status == 200


async def test_a_candidate_carries_rights_attribution_and_titles() -> None:
    manifest = manifest_3(
        "m",
        [canvas_3(PLAIN[0]), canvas_3(PLAIN[1] | {"rights": "https://creativecommons.org/licenses/by/4.0/"}, None)],
        rights="http://creativecommons.org/licenses/by-sa/3.0/",
        requiredStatement={"label": {"en": ["By"]}, "value": {"en": ["<b>Library</b> of A", "Shelf 1"]}},
        homepage=[{"id": "http://a.example/book", "type": "Text"}],
        metadata=[{"label": {"en": ["Artist"]}, "value": {"none": ["<a href='x'>Ann</a>"]}}, {"label": None}],
    )
    async with IiifStandIn({"/m": manifest}) as site, tools() as used:
        (page, end) = await ask(IIIF, used, [site.base + "/m"], "book")
    first, second = page.candidates
    assert first == Candidate(
        "http://a.example/0.jpg",
        "book",
        Provenance(
            source="iiif",
            landing_url="http://a.example/book",
            title="Page 1",
            creator="Ann",
            license="by-sa 3.0",
            license_url="https://creativecommons.org/licenses/by-sa/3.0/",
            attribution="Library of A; Shelf 1",
            extra={"manifest": f"{site.base}/m", "manifest_title": "Book", "width": 10, "height": 20},
        ),
    )
    assert (second.provenance.title, second.provenance.license) == ("Book", "by 4.0")
    assert (end.candidates, end.cursor) == ((), None)


async def test_rights_that_are_no_license_keep_their_address_alone() -> None:
    rights = "http://rightsstatements.org/vocab/InC/1.0/"
    old = manifest_2("m", [{"@id": "http://a.example/1.jpg"}], license=[rights], attribution=[{"@value": "A &amp; B"}])
    async with IiifStandIn({"/m": old}) as site, tools() as used:
        (page, _) = await ask(IIIF, used, [site.base + "/m"])
    told = page.candidates[0].provenance
    assert (told.license, told.license_url, told.attribution, told.title) == (None, rights, "A & B", "p. 0")
    assert told.landing_url == f"{site.base}/m"


async def test_of_a_choice_the_first_counts_and_what_is_not_painted_does_not() -> None:
    choice = {"type": "Choice", "items": [PLAIN[0], PLAIN[1]]}
    specific = {"type": "SpecificResource", "source": PLAIN[2]}
    sound = {"id": "http://a.example/x.mp3", "type": "Sound"}
    new = manifest_3(
        "n", [canvas_3([choice]), canvas_3(specific), canvas_3(sound), canvas_3(PLAIN[3], None, "linking"), {}]
    )
    old = manifest_2("o", [{"@type": "oa:Choice", "default": {"@id": "http://a.example/9.jpg"}, "item": []}, None])
    async with IiifStandIn({"/n": new, "/o": old}) as site, tools() as used:
        found = await ask(IIIF, used, [site.base + "/n", site.base + "/o"])
    assert urls(found) == [f"http://a.example/{number}.jpg" for number in (0, 2, 9)]


COLLECTIONS: dict[str, Any] = {
    "/top": {
        "id": "{base}/top", "type": "Collection",
        "items": [
            {"id": "{base}/old", "type": "Collection"}, {"id": "{base}/m1", "type": "Manifest"},
            {"id": "{base}/gone", "type": "Manifest"}, {"id": "{base}/top", "type": "Collection"}, {"id": None}, None,
            {"id": "{base}/m1", "type": "Manifest"},
        ],
    },
    "/old": {
        "@type": "sc:Collection", "next": "{base}/old2",
        "manifests": [{"@id": "{base}/m2", "@type": "sc:Manifest"}],
    },
    "/old2": {"@type": "sc:Collection", "members": [{"@id": "{base}/m3"}], "manifests": []},
    "/m1": manifest_3("m1", [canvas_3(one) for one in PLAIN[:2]]),
    "/m2": manifest_2("m2", [{"@id": "http://a.example/2.jpg"}]),
    "/m3": manifest_2("m3", [{"@id": "http://a.example/3.jpg"}]),
}  # fmt: skip


async def test_collections_of_both_versions_are_walked_and_any_cursor_continues() -> None:
    async with IiifStandIn(COLLECTIONS) as site, tools() as used:
        whole = await ask(IIIF, used, [site.base + "/top"])
        for place, page in enumerate(whole[:-1]):
            cursor = orjson.loads(orjson.dumps(page.cursor))
            assert urls(await ask(IIIF, used, [site.base + "/top"], cursor=cursor)) == urls(whole[place + 1 :])
    assert urls(whole) == [f"http://a.example/{number}.jpg" for number in (2, 3, 0, 1, 0, 1)]
    assert notes(whole) == [f"{site.base}/gone answered 404."]


async def test_images_for_who_signs_in_are_left_and_told_and_a_broken_service_leaves_the_manifests_own_image() -> None:
    waits = Waits()
    manifest = manifest_3("m", [canvas_3(image(name)) for name in ("closed", "broken", "slow")])
    services = {"closed": ImageService(status=401), "broken": ImageService(status=404), "slow": ImageService()}
    faults = {"/image/slow/info.json": [throttled(7), throttled(), broken(502)]}
    async with IiifStandIn({"/m": manifest}, faults, services=services) as site, tools(waits) as used:
        found = await ask(IIIF, used, [site.base + "/m"])
    assert paths(site, found) == ["/own/broken.jpg", "/image/slow/full/max/0/default.jpg"]
    assert ["given only to who signs in (401)" in note for note in notes(found)] == [True]
    assert waits.seconds == [7, 2, 4]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: web.Response(text="<html>"), "not JSON"),
        (lambda _: web.Response(text="[]"), "no IIIF document"),
        (lambda _: web.Response(text='{"type": "Canvas"}'), "neither a IIIF collection nor a manifest"),
        (lambda _: web.Response(status=403), "signs in"),
        (lambda _: web.Response(status=503), "answered 503"),
    ],
)
async def test_what_is_no_manifest_is_a_failure_in_words(answer: Any, message: str) -> None:
    async with IiifStandIn({"/m": answer}) as site, tools() as used:
        with pytest.raises(SourceFailed, match=message):
            await ask(IIIF, used, [site.base + "/m"])


async def test_a_long_pause_is_told_with_its_length() -> None:
    manifest = manifest_3("m", [canvas_3(image("one"))])
    faults = {"/image/one/info.json": [throttled(3_000)]}
    async with IiifStandIn({"/m": manifest}, faults) as site, tools() as used:
        with pytest.raises(SourceFailed, match="429") as caught:
            await ask(IIIF, used, [site.base + "/m"])
    assert caught.value.retry_after_s == 3_000


@pytest.mark.parametrize(
    "odd",
    [
        {"items": None}, {"items": [None, 1, {"items": [{"items": [{"motivation": "painting", "body": 5}]}]}]},
        {"label": {"en": {"deep": 1}}}, {"metadata": [{"label": ["Artist"], "value": {"en": None}}]},
        {"homepage": [{}]}, {"requiredStatement": "text"}, {"rights": 7},
        {"label": orjson.loads("[" * 900 + "]" * 900)},
    ],
)  # fmt: skip
async def test_odd_manifests_harm_nobody(odd: dict[str, Any]) -> None:
    async with IiifStandIn({"/m": manifest_3("m", [canvas_3(PLAIN[0])]) | odd}) as site, tools() as used:
        found = urls(await ask(IIIF, used, [site.base + "/m"]))
    assert found == ([] if "items" in odd else ["http://a.example/0.jpg"])


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"urls": ["iiif.example/m"]}, ("urls", "0")),
        ({"urls": ["https://a.example/m"], "max_side": 8}, ("maxSide",)),
        ({"urls": ["https://a.example/m"], "max_side": "large"}, ("maxSide",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        IIIF.check(options)
    assert caught.value.path == path
