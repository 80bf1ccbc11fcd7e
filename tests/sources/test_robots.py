import time

import pytest

from app.sources.robots import parse

FILE = """\
Sitemap: https://a.example/one.xml
User-agent: Googlebot
Disallow: /
User-agent: *
Disallow: /everyone
User-Agent: PixCrawler/2.0 # that is us
User-agent: other
Disallow: /private
Allow: /private/open
Disallow: /*.gif$
Disallow:
Crawl-delay: 2.5

User-agent: pixcrawler
Disallow: /a b
Disallow: /caf%C3%A9
sitemap: https://a.example/two.xml
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", True),
        ("/everyone", True),
        ("/private", False),
        ("/private/else", False),
        ("/private/open/it", True),
        ("/x/y.gif", False),
        ("/x/y.gif?size=1", True),
        ("/a%20b", False),
        ("/café", False),
        ("/caf%c3%a9/x", False),
    ],
)
def test_the_longest_rule_of_our_groups_decides(path: str, allowed: bool) -> None:
    assert parse(FILE).allows(f"https://a.example{path}") is allowed


def test_sitemaps_count_wherever_they_stand_and_the_delay_is_ours() -> None:
    robots = parse(FILE)
    assert robots.sitemaps == ["https://a.example/one.xml", "https://a.example/two.xml"]
    assert robots.delay_s == 2.5


def test_without_a_group_of_ours_everyones_holds_and_allow_wins_ties() -> None:
    robots = parse("User-agent: *\nDisallow: /p\nAllow: /p\nDisallow: /q*\nAllow: /q\nCrawl-delay: 9999")
    assert (robots.allows("https://a.example/p"), robots.allows("https://a.example/q1")) == (True, False)
    assert robots.delay_s == 30
    assert parse("<html>Not a robots.txt</html>").allows("https://a.example/p")


def test_no_pattern_makes_it_slow() -> None:
    robots = parse("User-agent: *\nDisallow: /" + "*a" * 5_000 + "$")
    began = time.monotonic()
    assert robots.allows("https://a.example/" + "a" * 4_000 + "b")
    assert time.monotonic() - began < 1
