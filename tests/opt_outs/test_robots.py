"""What a robots.txt and a tdmrep.json say: RFC 9309 with its own examples, and the lines about training."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.opt_outs import tdm
from app.opt_outs.patterns import LongestMatch, octets, pattern
from app.opt_outs.robots import MAX_BYTES, MAX_SITEMAPS, parse
from app.opt_outs.usage import reserves_training


def allows(text: str, *paths: str) -> list[bool]:
    robots = parse(text.encode())
    return [robots.disallowing(octets(path)) is None for path in paths]


def rules(*lines: str) -> str:
    return "\n".join(["User-agent: *", *lines])


FOUR_CRAWLERS = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("we_are", "allowed"),
    [
        ("anybody else", "/ /publications/a.jpg"),
        ("foobot", "/example/page.html /example/allowed.gif"),
        ("barbot", "/ /example/allowed.gif /publications/a.jpg /a.gif"),
        ("bazbot", "/ /example/allowed.gif /publications/a.jpg /a.gif"),
        ("quxbot", "/ /example/page.html /example/allowed.gif /publications/a.jpg /a.gif"),
    ],
)
def test_the_simple_example_of_the_rfc(we_are: str, allowed: str) -> None:
    """RFC 9309, 5.1."""
    paths = ["/", "/example/page.html", "/example/allowed.gif", "/publications/a.jpg", "/a.gif"]
    answers = allows(FOUR_CRAWLERS.replace(we_are, "PixCrawler"), *paths)
    assert [path for path, answer in zip(paths, answers, strict=True) if answer] == allowed.split()


def test_the_longest_match_wins() -> None:
    """RFC 9309, 5.2."""
    text = "User-Agent: foobot\nUser-agent: pixcrawler\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert allows(text, "/example/page/disallowed.gif", "/example/page/other.gif") == [False, True]


def test_a_star_at_the_end_makes_a_rule_longer_and_no_path_free() -> None:
    assert allows(rules("Allow: /", "Disallow: /*"), "/a.jpg") == [False]
    assert allows(rules("Disallow: /art*", "Allow: /art"), "/art/a.jpg", "/a.jpg") == [False, True]
    assert allows(rules("Disallow: /", "Allow: /*"), "/a.jpg") == [True]
    assert allows(rules("Allow: /*", "Disallow: /a"), "/a.jpg", "/b.jpg") == [False, True]


def test_groups_of_one_name_merge_and_ours_replaces_that_of_everyone() -> None:
    """RFC 9309, 2.2.1."""
    text = (
        "user-agent: other\ndisallow: /foo\n\nuser-agent: *\ndisallow: /all\n\nuser-agent: PIXCRAWLER/0.1 (images)\n"
        "disallow: /baz\n\nuser-agent: pixcrawler\nuser-agent: x\ndisallow: /qux\n"
    )
    assert allows(text, "/foo", "/all", "/baz", "/qux") == [True, True, False, False]
    assert allows(text.replace("PIXCRAWLER", "y").replace("pixcrawler", "y"), "/all", "/baz") == [False, True]
    assert allows("User-agent: pixcrawlers\nDisallow: /\n\nUser-agent: pix\nDisallow: /", "/") == [True]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
    ],
)
def test_paths_are_compared_without_their_escapes(written: str, path: str) -> None:
    """RFC 9309, 2.2.2 and 2.2.3."""
    assert allows(rules(f"Disallow: {written}"), path, path[:-1]) == [False, True]


def test_the_special_characters() -> None:
    """RFC 9309, 2.2.3."""
    assert allows(rules("Allow: /this/*/exactly", "Disallow: /this"), "/this/path/exactly", "/this") == [True, False]
    assert allows(rules("Disallow: /ends$ # for a reason"), "/ends", "/ends/not") == [False, True]
    wild = rules("Disallow: /*.php$", "Disallow: /a*b*c")
    assert allows(wild, "/x.php", "/x.php?y", "/a-b-c-d", "/a-c-b") == [False, True, False, True]
    assert allows(rules("Disallow: /%2A"), "/anything", "/*") == [True, False]


def test_allow_wins_a_tie_and_an_empty_rule_is_none() -> None:
    assert allows(rules("Disallow: /page", "Allow: /page"), "/page") == [True]
    assert allows(rules("Disallow: /*page", "Allow: /*page"), "/page") == [True]
    for nothing in (rules("Disallow:"), "", "<html><body>Not found: sorry</body></html>"):
        assert allows(nothing, "/") == [True]


def test_other_lines_neither_end_a_group_nor_begin_one() -> None:
    """RFC 9309, 2.2.4: a Sitemap line must not end a group. A rule before every name binds nobody."""
    text = "Disallow: /nobody\nUser-agent: pixcrawler\nSitemap: https://x/s.xml\nUser-agent: other\nDisallow: /ours\n"
    assert allows(text, "/nobody", "/ours") == [True, False]


def test_lines_may_end_and_be_spelled_as_they_like() -> None:
    text = "\ufeffUSER-AGENT:*\r\n  DisAllow :  /a  # why\rdisallow: /b\n\0\xff: \n"
    assert allows(text, "/a", "/b") == [False, False]


def test_half_a_megabyte_is_read_and_no_cut_line() -> None:
    start, last = b"User-agent: *\nDisallow: /first\n", b"\nDisallow: /secret/garden\nDisallow: /third\n"
    robots = parse(start + b"#" * (MAX_BYTES - len(start) - len(b"\nDisallow: /")) + last)
    assert robots.disallowing(b"/first") == "Disallow: /first"
    assert [robots.disallowing(path) for path in (b"/else", b"/secret/garden", b"/third")] == [None] * 3


def test_a_crawl_delay_is_a_gap_up_to_half_a_minute() -> None:
    assert parse(rules("Crawl-delay: 2.5").encode()).delay_s == 2.5
    assert parse(rules("Crawl-delay: 86400").encode()).delay_s == 30
    assert [parse(rules(f"Crawl-delay: {odd}").encode()).delay_s for odd in ("-1", "soon", "1e9", "nan")] == [0] * 4


@pytest.mark.parametrize(
    ("lines", "path", "signal"),
    [
        (["Content-Usage: train-ai=n"], "/a.jpg", "Content-Usage: train-ai=n"),
        (["Content-Usage: search=y, train-ai=N;x=1"], "/a.jpg", "Content-Usage: train-ai=n"),
        (["Content-Usage: /art/ train-ai=n"], "/art/a.jpg", "Content-Usage: /art/ train-ai=n"),
        (["Content-Usage: /art/ train-ai=n"], "/a.jpg", None),
        (["Content-Usage: train-ai=n", "Content-Usage: /free/ train-ai=y"], "/free/a.jpg", None),
        (["Content-Usage: train-ai=y", "Content-Usage: train-ai=n"], "/a.jpg", "Content-Usage: train-ai=n"),
        (["Content-Usage: train-ai=y"], "/a.jpg", None),
        (["Content-Usage: search=n"], "/a.jpg", None),
        (["Content-Signal: search=yes, ai-train=no, ai-input=no"], "/a.jpg", "Content-Signal: ai-train=no"),
        (["Content-Signal: search=yes,ai-train=no"], "/a.jpg", "Content-Signal: ai-train=no"),
        (["Content-Signal: search=no, ai-train=yes"], "/a.jpg", None),
        (["Content-Usage: train-ai=y", "Content-Signal: ai-train=no"], "/a.jpg", "Content-Signal: ai-train=no"),
    ],
)
def test_lines_about_training_reserve_what_may_be_asked(lines: list[str], path: str, signal: str | None) -> None:
    robots = parse(rules(*lines, "Allow: /").encode())
    assert (robots.reserving(octets(path)), robots.disallowing(octets(path))) == (signal, None)


def test_any_no_wins_and_nothing_said_is_told_from_yes() -> None:
    assert reserves_training("Content-Usage", ["train-ai=y", "search=y,train-ai=n"]) is True
    assert reserves_training("Content-Usage", ["train-ai=y"]) is False
    assert reserves_training("Content-Usage", ["train-ai", "train-ai=maybe", "=n", ""]) is None


TDMREP = b"""[{"location": "/free/*.jpg$", "tdm-reservation": 0}, {"location": "/free/", "tdm-reservation": "1"},
    {"location": "/odd", "tdm-reservation": 2}, 7, {"location": 3}, {"tdm-reservation": 1},
    {"location": "/", "tdm-reservation": 1, "tdm-policy": "https://x/policy"}]"""


def test_the_first_entry_of_a_tdmrep_file_that_matches_decides() -> None:
    found = tdm.parse(TDMREP)
    signals = [found.reserving(octets(path)) for path in ("/free/a.jpg", "/free/a.png", "/odd/a.jpg", "/a.jpg")]
    assert signals == [None, "tdmrep.json: /free/ tdm-reservation 1", None, "tdmrep.json: / tdm-reservation 1"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[[]]", b'[{"location": null, "tdm-reservation": 1}]', b"null"]
)
def test_a_tdmrep_file_that_is_none_says_nothing(body: bytes) -> None:
    assert tdm.parse(body).reserving(b"/") is None


WRITTEN = st.text("ab*$", max_size=6).map(lambda rest: "/" + rest)
PATHS = st.text("ab$", max_size=8).map(lambda rest: "/" + rest)


@example([("/a", 0), ("/*", 1)], "/a")
@example([("/a*$", 0), ("/ab", 1)], "/ab")
@given(st.lists(st.tuples(WRITTEN, st.integers(0, 1)), max_size=6), PATHS)
def test_the_index_finds_what_trying_each_rule_finds(written: list[tuple[str, int]], path: str) -> None:
    index = LongestMatch()
    for text, value in written:
        index.add(text.encode(), value, text)
    index.settle()
    starred = {text.rstrip("*") for text, _ in written if text.endswith("*")}
    rest = [(text, value) for text, value in written if text not in starred]
    matching = [(pattern(text.encode()).length, value) for text, value in rest if as_regex(text).match(path)]
    found = index.find(octets(path))
    assert (found.value if found else None) == (max(matching)[1] if matching else None)


def as_regex(text: str) -> re.Pattern[str]:
    parts = text.removesuffix("$").split("*")
    return re.compile(".*".join(map(re.escape, parts)) + ("\\Z" if text.endswith("$") else ""))


@pytest.mark.parametrize(
    "line",
    [
        "Disallow: /" + "*a" * 200_000 + "$",
        "Disallow: /*a*a*a*a*a*a*b\n" * 18_000,
        "Disallow: /*x\nAllow: /a*\n" * 18_000,
    ],
    ids=["one long pattern", "many patterns", "many of two kinds"],
)
def test_no_file_makes_its_paths_slow(line: str) -> None:
    robots = parse(rules(line).encode())
    started_s = time.process_time()
    for _ in range(5):
        robots.disallowing(b"/" + b"a" * 8_000)
    assert time.process_time() - started_s < 1


def test_what_is_over_the_limit_of_patterns_leaves_more_alone_and_never_less() -> None:
    many = [f"Disallow: /*{number}x" for number in range(1_000)]
    text = rules(*many, "Disallow: /art/*.jpg", "Allow: /free/*/x", "Allow: /*.gif")
    assert allows(text, "/art/a.png", "/free/7x/x", "/a.gif", "/a7x.gif") == [False, False, True, False]
    allowed = rules("Allow: /art/", *many, "Disallow: /art/*.jpg")
    assert allows(allowed, "/art/a.jpg", "/a.jpg") == [False, True]


def test_a_long_file_costs_no_more_per_path_than_a_short_one() -> None:
    robots = parse(rules(*(f"Disallow: /members/{number}/private" for number in range(12_000))).encode())
    started_s = time.process_time()
    for number in range(1_000):
        assert robots.disallowing(f"/members/{number}/public/a.jpg".encode()) is None
    assert time.process_time() - started_s < 0.2


def test_sitemaps_count_wherever_they_stand() -> None:
    text = "Sitemap: https://a.example/one.xml\nUser-agent: other\nDisallow: /\nsitemap: https://a.example/two.xml\n"
    assert parse(text.encode()).sitemaps == ["https://a.example/one.xml", "https://a.example/two.xml"]


def test_a_file_can_name_only_so_many_sitemaps() -> None:
    assert len(parse(b"Sitemap: https://a.example/x.xml\n" * 5_000).sitemaps) == MAX_SITEMAPS
