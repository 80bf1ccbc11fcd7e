"""A IIIF server: documents of the Presentation API as a test writes them, and image services that keep to their level.

An image service answers only what its level, version and limits allow; other sizes are 400 or 501, as the API says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.stand_ins.documents import Documents


@dataclass
class ImageService:
    """An image under `/image/NAME`; `status` is what its info.json and images answer where it is not 200."""

    version: int = 3
    level: int = 2
    width: int = 4_000
    height: int = 3_000
    sizes: list[tuple[int, int]] = field(default_factory=list)
    max_width: int | None = None
    status: int = 200

    def info(self, base: str) -> dict[str, Any]:
        """The service's info.json."""
        common: dict[str, Any] = {"protocol": "http://iiif.io/api/image", "width": self.width, "height": self.height}
        if self.sizes:
            common["sizes"] = [{"width": width, "height": height} for width, height in self.sizes]
        limit = {"maxWidth": self.max_width} if self.max_width else {}
        if self.version == 3:
            context = "http://iiif.io/api/image/3/context.json"
            profile = f"level{self.level}"
            return common | limit | {"@context": context, "id": base, "type": "ImageService3", "profile": profile}
        context = "http://iiif.io/api/image/2/context.json"
        profiles = [f"http://iiif.io/api/image/2/level{self.level}.json", *([limit] if limit else [])]
        return common | {"@context": context, "@id": base, "profile": profiles}

    def answer(self, size: str) -> web.Response:
        """An image of this size, or the refusal."""
        whole = "max" if self.version == 3 else "full"
        listed = [f"{width},{height}" if self.version == 3 else f"{width}," for width, height in self.sizes]
        if self.level == 0:
            fits = size in listed or (not self.sizes and size == whole)
        else:
            fits = size in (whole, "max") or re.fullmatch(r"\d+,", size) is not None
        if self.max_width and size == "full":
            return web.Response(status=400, text="larger than maxWidth")
        return web.Response(body=b"an image", content_type="image/jpeg") if fits else web.Response(status=501)


@dataclass
class IiifStandIn(Documents):
    """See the module."""

    services: Mapping[str, ImageService] = field(default_factory=dict)

    async def _answer(self, request: web.Request) -> web.Response:
        found = re.fullmatch(r"/image/(\w+)/(?:info\.json|full/([^/]+)/0/default\.jpg)", request.path)
        if found is None:
            return await super()._answer(request)
        self.requests.append(request.path)
        if self.faults.get(request.path):
            return self.faults[request.path].pop(0)()
        service = self.services[found[1]]
        if service.status != 200:
            return web.Response(status=service.status)
        if found[2]:
            return service.answer(found[2])
        return web.json_response(service.info(f"{self.base}/image/{found[1]}"))


def canvas_3(body: Any, label: str | None = "Page 1", motivation: str = "painting") -> dict[str, Any]:
    """A canvas of Presentation 3 with one annotation."""
    annotation = {"type": "Annotation", "motivation": motivation, "body": body}
    told = {"label": {"none": [label]}} if label else {"label": None}
    return {
        "type": "Canvas",
        "width": 1,
        "height": 1,
        "items": [{"type": "AnnotationPage", "items": [annotation]}],
    } | told


def manifest_3(name: str, canvases: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """A manifest of Presentation 3 at `/NAME`."""
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": f"{{base}}/{name}",
        "type": "Manifest",
        "label": {"de": ["Buch"], "en": ["Book"]},
        "items": canvases,
    } | values


def manifest_2(name: str, resources: list[Any], **values: Any) -> dict[str, Any]:
    """A manifest of Presentation 2 at `/NAME`, one canvas a resource."""
    canvases = [
        {"@type": "sc:Canvas", "label": f"p. {n}", "images": [{"resource": one}]} for n, one in enumerate(resources)
    ]
    return {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": f"{{base}}/{name}",
        "@type": "sc:Manifest",
        "label": "Old book",
        "sequences": [{"canvases": canvases}, {"canvases": canvases}],
    } | values


def image(name: str, version: int = 3, **service: Any) -> dict[str, Any]:
    """An image with its service, as a manifest of that version holds it; `service` is what it tells of it."""
    base = f"{{base}}/image/{name}"
    if version == 3:
        described = {"id": base, "type": "ImageService3"} | service
        return {
            "id": f"{{base}}/own/{name}.jpg",
            "type": "Image",
            "width": 4_000,
            "height": 3_000,
            "service": [described],
        }
    context = "http://iiif.io/api/image/2/context.json"
    own = f"{{base}}/own/{name}.jpg"
    return {"@id": own, "@type": "dctypes:Image", "service": {"@context": context, "@id": base} | service}
