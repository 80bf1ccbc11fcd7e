"""The failure ledger as text: what any CSV reader reads is what was meant, and nothing in it runs in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.exports.ledger import COLUMNS, FORMATS, LedgerLine

LINE = LedgerLine(
    url="https://a.example/cat,1.jpg",
    host="a.example",
    keyword='a "big" cat',
    source="url_list",
    reason="http_status",
    message="The host answered 404.",
    measured="404",
    allowed=None,
    attempts=1,
    http_status=404,
    final_url=None,
    retryable=False,
    at=datetime(2026, 11, 25, 8, 0, 0, 5, tzinfo=UTC),
)


def written(form: str, *lines: LedgerLine) -> str:
    return FORMATS[form].head + FORMATS[form].write(lines)


def read_back(*lines: LedgerLine) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written("csv", *lines), newline="")))


def test_the_columns_are_those_that_people_read() -> None:
    assert COLUMNS == (
        "url", "host", "keyword", "source", "reason", "message", "measured", "allowed", "attempts", "http_status",
        "final_url", "retryable", "at",
    )  # fmt: skip


def test_a_csv_reader_reads_what_was_meant() -> None:
    (found,) = read_back(LINE)
    assert found == {
        "url": "https://a.example/cat,1.jpg", "host": "a.example", "keyword": 'a "big" cat', "source": "url_list",
        "reason": "http_status", "message": "The host answered 404.", "measured": "404", "allowed": "", "attempts": "1",
        "http_status": "404", "final_url": "", "retryable": "false", "at": "2026-11-25T08:00:00.000005+00:00",
    }  # fmt: skip


def test_lines_end_as_the_rfc_says_and_a_line_break_within_a_cell_stays_there() -> None:
    text = written("csv", replace(LINE, keyword="two\nlines"), LINE)
    assert text.count("\r\n") == 3
    assert [found["keyword"] for found in read_back(replace(LINE, keyword="two\nlines"), LINE)] == [
        "two\nlines",
        'a "big" cat',
    ]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://a.example","x")', "＝1"],  # noqa: RUF001 - a full-width sign
)
@pytest.mark.parametrize("column", ["url", "keyword", "source", "message", "measured"])
def test_no_cell_is_taken_for_a_formula(text: str, column: str) -> None:
    told: dict[str, Any] = {column: text}
    (found,) = read_back(replace(LINE, **told))
    assert found[column] == f"'{text}"


@pytest.mark.parametrize("text", ["a=1", "https://a.example/?a=-1", "'quoted'", " =1", "ünïcode"])
def test_other_texts_are_as_they_are(text: str) -> None:
    (found,) = read_back(replace(LINE, keyword=text))
    assert found["keyword"] == text


def test_json_lines_have_every_text_as_it_is_and_null_for_what_is_not_known() -> None:
    first, second = written("jsonl", replace(LINE, keyword="=1+1\n"), LINE).splitlines()
    assert tuple(json.loads(second)) == COLUMNS
    assert json.loads(first)["keyword"] == "=1+1\n"
    assert json.loads(second) == {
        "url": "https://a.example/cat,1.jpg", "host": "a.example", "keyword": 'a "big" cat', "source": "url_list",
        "reason": "http_status", "message": "The host answered 404.", "measured": "404", "allowed": None, "attempts": 1,
        "http_status": 404, "final_url": None, "retryable": False, "at": "2026-11-25T08:00:00.000005+00:00",
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_where_nothing_failed_there_is_at_most_a_head(form: str) -> None:
    assert written(form) in ("", ",".join(COLUMNS) + "\r\n")
