"""The gallery's web pages: where an image comes from, for people."""

from __future__ import annotations

import html
from collections.abc import Sequence

from app.commands.gallery.records import Record
from app.commands.gallery.search import attribution

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem;list-style:none;padding:0}"
    "img{max-width:100%}small{color:#555}"
)


def front(records: Sequence[Record]) -> str:
    """The photographs, and how much else there is."""
    originals = [record for record in records if record.kind == "original"]
    items = "".join(
        f'<li><a href="/photos/{one.id}"><img src="/v1/images/{one.id}/thumb/" alt="" loading="lazy"><br>'
        f"{html.escape(one.title)}</a><br><small>{html.escape(one.photo.creator)}</small></li>"
        for one in originals
    )
    words = (
        f"{len(originals)} photographs, unaltered, and {len(records) - len(originals)} more records made from them: "
        "views (crops in other light and formats), copies, and a few that are broken on purpose."
    )
    return _page("PixCrawler's gallery", f"<p>{words}</p><ul>{items}</ul>")


def landing(record: Record) -> str:
    """One record's page."""
    photo = record.photo
    creator = html.escape(photo.creator)
    if photo.creator_url:
        creator = f'<a href="{html.escape(photo.creator_url)}">{creator}</a>'
    return _page(
        record.title,
        f'<p><img src="/images/{html.escape(record.path)}" alt="{html.escape(photo.title)}"></p>'
        f"<p>{html.escape(record.note)}</p><p>By {creator}. {html.escape(attribution(record))}</p>"
        f'<p>The photograph is from <a href="{html.escape(photo.landing_url)}">{html.escape(photo.landing_url)}</a>'
        f' ({html.escape(photo.source)}).</p><p><a href="/">All photographs</a></p>',
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{body}</body></html>"
    )
