"""MediaWiki's API, which Commons and Wikidata speak: its refusals come as HTTP 200.

https://www.mediawiki.org/wiki/API:Errors_and_warnings, https://www.mediawiki.org/wiki/Manual:Maxlag_parameter
"""

from __future__ import annotations

from app.sources.http import Answer, passing_trouble
from app.sources.markup import text_of

MAX_LAG_S = 5
"""A server whose copies lag further behind asks us to come again later."""
PASSING_CODES = ("maxlag", "ratelimited", "readonly", "internal_api_error", "cirrussearch-backend-error", "timeout")


def error_of(answer: Answer) -> tuple[str, str]:
    """Code and words of the API's refusal; empty where there is none."""
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if error is None:
        return "", ""
    told = error if isinstance(error, dict) else {}
    return str(told.get("code", "")), text_of(told.get("info")) or "no reason given."


def passing(title: str, answer: Answer) -> str | None:
    """What is wrong with an answer that may be better in a moment, in words; None where it is worth reading."""
    code, words = error_of(answer)
    if code.startswith(PASSING_CODES):
        return f"{title} is busy ({code}): {words[:300]}"
    return passing_trouble(title, answer)
