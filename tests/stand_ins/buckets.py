"""Object storage that lists given keys as S3 does, versions 1 and 2, page by page, under `/BUCKET`.

`async with Buckets({"cats/1.jpg": 1000}) as storage: storage.url`. `version=1` knows no tokens; `named_marker` says
whether it names the next marker, which S3 does for delimited listings only.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web

from tests.stand_ins.loopback import Handler, Loopback

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass
class Buckets(Loopback):
    """See the module."""

    keys: Mapping[str, int]
    version: int = 2
    named_marker: bool = False
    page_keys: int = 3
    storage_class: Mapping[str, str] = field(default_factory=dict)
    faults: list[Callable[[], web.Response]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.base}/bucket"

    def routes(self) -> Mapping[str, Handler]:
        return {"/bucket": self._list, "/{other:.*}": self._nothing}

    async def _nothing(self, _request: web.Request) -> web.Response:
        return error(404, "NoSuchBucket")

    async def _list(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.query))
        if self.faults:
            return self.faults.pop(0)()
        v2 = self.version == 2 and request.query.get("list-type") == "2"
        after = request.query.get("marker", "")
        if v2:
            token = request.query.get("continuation-token")
            after = base64.b64decode(token).decode() if token else request.query.get("start-after", "")
        prefix = request.query.get("prefix", "")
        left = sorted(key for key in self.keys if key > after and key.startswith(prefix))
        page = left[: min(self.page_keys, int(request.query.get("max-keys", "1000")))]
        return self._answer(page, len(left) > len(page), v2, request.query.get("encoding-type") == "url")

    def _answer(self, page: list[str], truncated: bool, v2: bool, encoded: bool) -> web.Response:
        def told(key: str) -> str:
            return escape(urllib.parse.quote_plus(key, safe="/") if encoded else key)

        more = ""
        if truncated and v2:
            more = f"<NextContinuationToken>{base64.b64encode(page[-1].encode()).decode()}</NextContinuationToken>"
        elif truncated and self.named_marker:
            more = f"<NextMarker>{told(page[-1])}</NextMarker>"
        contents = "".join(
            f"<Contents><Key>{told(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            f"<ETag>&quot;0123&quot;</ETag><Size>{self.keys[key]}</Size>"
            f"<StorageClass>{self.storage_class.get(key, 'STANDARD')}</StorageClass></Contents>"
            for key in page
        )
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}">'
            "<Name>bucket</Name><Prefix/>"
            + (f"<KeyCount>{len(page)}</KeyCount>" if v2 else "<Marker/>")
            + f"<MaxKeys>{self.page_keys}</MaxKeys>{'<EncodingType>url</EncodingType>' if encoded else ''}"
            + f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{more}{contents}</ListBucketResult>"
        )
        return web.Response(text=body, content_type="application/xml")


def error(status: int, code: str, more: str = "", **headers: str) -> web.Response:
    """An error in S3's words."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message>{more}<RequestId/></Error>"
    return web.Response(status=status, text=body, content_type="application/xml", headers=headers)
