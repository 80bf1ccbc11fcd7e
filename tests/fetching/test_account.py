"""What is asked about instead of being fetched, of whom, by which validators, and what an answer to that is worth."""

from __future__ import annotations

from typing import Any

import pytest
import yarl
from multidict import CIMultiDict

from app.fetching.account import Account, may_stand
from app.measures import Measures, Quality
from app.values import Former
from tests.fetching.support import settings

HERE, THERE = yarl.URL("http://a.example/1.jpg"), yarl.URL("http://b.example/1.jpg")
MONDAY, TUESDAY = "Mon, 23 Nov 2026 08:00:00 GMT", "Tue, 24 Nov 2026 08:00:00 GMT"
QUALITY = Quality(0.5, 0.2, 7.0, 300.0, grayscale=False)
MEASURES = Measures(160, 120, "jpeg", 7, QUALITY)


class Head:
    """What of an answer is looked at."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status = status
        self.headers = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})


def former(**given: Any) -> Former:
    known: dict[str, Any] = {"file_size": 1_000, "measures": MEASURES, "storage_key": "images/k.jpg"}
    return Former(1, b"\1" * 32, **(known | given))


def asked(known: Former | None, *hops: yarl.URL) -> dict[str, str]:
    """The condition that the last hop of an attempt is asked with."""
    account = Account(known)
    account.begin(str(HERE))
    return [dict(account.ask(hop)) for hop in hops or (HERE,)][-1]


def answered(known: Former, status: int, **headers: str) -> Account:
    account = Account(known)
    account.begin(str(HERE))
    account.ask(HERE)
    account.answered(Head(status, **headers))  # type: ignore[arg-type] # all of an answer that is looked at
    return account


@pytest.mark.parametrize(
    ("etag", "last_modified", "condition"),
    [
        ('"1"', None, {"If-None-Match": '"1"'}),
        (None, MONDAY, {"If-Modified-Since": MONDAY}),
        ('"1"', MONDAY, {"If-None-Match": '"1"', "If-Modified-Since": MONDAY}),
        # A weak tag promises a like meaning and no equal bytes, and the date beside it no more than that.
        ('W/"1"', None, {}),
        ('W/"1"', MONDAY, {}),
        # What no host may send is never sent back to one.
        ("1", None, {}),
        ('"a"b"', None, {}),
        ('"a\r\nX: y"', None, {}),
        ('"' + "x" * 255 + '"', None, {}),
        (None, None, {}),
    ],
)
def test_a_host_is_asked_by_the_validators_that_promise_equal_bytes(
    etag: str | None, last_modified: str | None, condition: dict[str, str]
) -> None:
    assert asked(former(etag=etag, last_modified=last_modified)) == condition


def test_nothing_is_asked_where_nothing_was_stored() -> None:
    assert asked(None) == {}


def test_a_validator_goes_to_the_address_that_gave_it_and_to_no_other_on_the_way() -> None:
    led = former(etag='"1"', asked_url=str(THERE))
    assert asked(led, HERE) == {}
    assert asked(led, HERE, THERE) == {"If-None-Match": '"1"'}
    # A redirect that is new, or leads elsewhere now, is followed without a condition.
    assert asked(former(etag='"1"'), HERE, THERE) == {}
    assert asked(led, HERE, HERE.with_path("/2.jpg")) == {}


def test_another_attempt_begins_at_the_first_address() -> None:
    account = Account(former(etag='"1"'))
    for _ in range(2):
        account.begin(str(HERE))
        assert dict(account.ask(HERE)) == {"If-None-Match": '"1"'}
        account.ask(THERE)
    assert account.fetch().attempts == 2
    assert account.fetch().final_url == str(THERE)


@pytest.mark.parametrize(
    ("status", "headers", "unchanged"),
    [
        (304, {}, True),
        (304, {"ETag": '"1"'}, True),
        # A host that confirms another tag than it was asked for is not believed.
        (304, {"ETag": '"2"'}, False),
        (200, {"ETag": '"1"'}, False),
        (404, {}, False),
    ],
)
def test_only_a_304_for_the_tag_that_was_asked_for_says_unchanged(
    status: int, headers: dict[str, str], unchanged: bool
) -> None:
    account = answered(former(etag='"1"'), status, **headers)
    assert account.is_unchanged() is unchanged
    assert account.is_answer_to_condition() is (status == 304)


def test_a_304_that_nobody_asked_for_is_no_answer_to_a_condition() -> None:
    account = answered(former(), 304)
    assert not account.is_unchanged()
    assert not account.is_answer_to_condition()


def test_once_it_is_forgotten_a_former_crawl_is_neither_asked_about_nor_believed() -> None:
    account = answered(former(etag='"1"'), 304)
    account.forget_former()
    assert not account.is_unchanged()
    account.begin(str(HERE))
    assert dict(account.ask(HERE)) == {}


def test_what_a_304_leaves_out_holds_as_it_was_heard_before() -> None:
    """A third crawl asks by what the second was not told again."""
    fetch = answered(former(etag='"1"', last_modified=MONDAY), 304).fetch()
    assert (fetch.http_status, fetch.etag, fetch.last_modified) == (304, '"1"', MONDAY)
    fetch = answered(former(last_modified=MONDAY), 304, Last_Modified=TUESDAY).fetch()
    assert fetch.last_modified == TUESDAY
    fetch = answered(former(etag='"1"', last_modified=MONDAY), 200, ETag='"2"').fetch()
    assert (fetch.etag, fetch.last_modified) == ('"2"', None)


@pytest.mark.parametrize("value", ["a\0b", "ü", "x" * 257, ""])
def test_a_validator_that_could_not_be_written_down_as_it_is_is_not_recorded(value: str) -> None:
    assert answered(former(), 200, ETag=value).fetch().etag is None


def test_what_was_stored_is_asked_about_only_if_it_would_be_taken_today() -> None:
    assert may_stand(former(), settings())
    unmeasured = former(measures=Measures(160, 120, "jpeg", None))
    assert not may_stand(unmeasured, settings())
    assert may_stand(unmeasured, settings(verify="header"))
    assert not may_stand(former(measures=Measures(160, 120, "jpeg", 7)), settings())
    assert not may_stand(former(), settings(fetch_max_bytes=999))
    assert not may_stand(former(), settings(fetch_max_pixels=160 * 120 - 1))
