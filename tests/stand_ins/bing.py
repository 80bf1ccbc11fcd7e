"""Bing's image search over given records, as the page's own scroll asks for it: HTML with JSON in attributes.

`async with BingStandIn(records) as bing: Settings(bing_url=bing.url, bing_enabled=True)`. `repeats_after` results it
begins again, as Bing does.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi


def result(
    number: int, keyword: str, size: str | None = "1024 \N{MULTIPLICATION SIGN} 683 \N{MIDDLE DOT} jpeg", **values: Any
) -> dict[str, Any]:
    """An image as Bing tells it; `size` is the text beside it."""
    return {
        "murl": f"https://images.example/{keyword}-{number}.jpg",
        "turl": f"https://tse.example/th?id={keyword}-{number}",
        "purl": f"https://pages.example/{keyword}-{number}",
        "t": f'A \ue000{keyword}\ue001 & "friends", the {number}th',
        "desc": "",
        "size": size,
        "keywords": [keyword],
    } | values


@dataclass
class BingStandIn(KeywordApi):
    """See the module."""

    PATH: ClassVar[str] = "/images/async"
    repeats_after: int | None = None
    raw_queries: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: web.Request) -> web.Response:
        self.raw_queries.append(request.raw_path)
        first, count = int(request.query.get("first", "1")), int(request.query.get("count", "35"))
        found = self.matching(request.query.get("q", ""))
        start = first - 1
        if self.repeats_after is not None and start >= self.repeats_after:
            start = 0
        shown = found[start : start + count]
        if first > 1 and not shown:
            return web.Response(text="", content_type="text/html")
        entries = "".join(entry(one) for one in shown)
        page = f'<div class="dgControl hover"><ul class="dgControl_list" data-col="0">{entries}</ul></div>'
        return web.Response(text=page, content_type="text/html")


def entry(one: dict[str, Any]) -> str:
    """A result's markup; its JSON is escaped for the attribute."""
    about = {name: value for name, value in one.items() if name != "size"}
    attribute = html.escape(json.dumps(about, ensure_ascii=False))
    info = (
        f'<div class="img_info hon"><span class="nowrap">{html.escape(one["size"])}</span></div>' if one["size"] else ""
    )
    host = '<div class="lnkw"><a title="pages.example" href="https://pages.example/">pages.example</a></div>'
    return (
        f'<li data-idx="1"><div class="iuscp"><div class="imgpt"><a class="iusc" style="height:1px" m="{attribute}" '
        f'href="/images/search?view=detailV2"><img class="mimg" src="https://tse.example/th"></a>{info}</div>'
        f'<div class="infopt">{host}</div></div></li>'
    )
