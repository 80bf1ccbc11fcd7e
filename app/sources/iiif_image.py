"""IIIF Image 2 and 3: the address of the largest size that a service may be asked for.

From level 1 on a service scales to any width; at level 0 it has the sizes that its info.json lists, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.sources.iiif_manifest import number
from app.values import Json

_LEVEL = re.compile(r"level([012])(?:\.json)?$")


@dataclass(frozen=True, slots=True)
class Service:
    """An image service as a manifest or its info.json describes it; `level` is None where neither says."""

    base: str
    is_3: bool
    level: int | None
    width: int
    height: int
    limited: bool
    """Whether it names a largest size of its own, below which `full` may be refused."""
    sizes: tuple[tuple[int, int], ...]


def read_service(told: Mapping[str, Json]) -> Service:
    """A service from its description; what is not there stays unknown."""
    profiles = told.get("profile")
    listed = profiles if isinstance(profiles, list) else [profiles]
    levels = [int(match[1]) for one in listed if isinstance(one, str) and (match := _LEVEL.search(one))]
    limits = [one for one in (told, *listed) if isinstance(one, dict)]
    kind, context = told.get("type") or told.get("@type") or "", str(told.get("@context"))
    sizes = told.get("sizes")
    return Service(
        str(told.get("id") or told.get("@id") or "").rstrip("/"),
        kind == "ImageService3" or "/image/3/" in context,
        levels[0] if levels else None,
        number(told.get("width")),
        number(told.get("height")),
        any(number(limit.get(name)) for limit in limits for name in ("maxWidth", "maxHeight", "maxArea")),
        tuple(
            (number(one.get("width")), number(one.get("height")))
            for one in (sizes if isinstance(sizes, list) else [])
            if isinstance(one, dict) and number(one.get("width")) and number(one.get("height"))
        ),
    )


def needs_info(service: Service, max_side: int | None) -> bool:
    """Whether info.json must be read: at level 0 for the sizes, and for what the manifest left out."""
    if service.level is None:
        return True
    if service.level == 0:
        return not service.sizes
    return max_side is not None and not (service.width and service.height)


def largest_url(service: Service, max_side: int | None) -> str:
    """The largest image that the service gives, its longer side at most `max_side` pixels where that can be had."""
    size = "max" if service.is_3 or service.limited else "full"
    if service.level == 0 and service.sizes:
        size = _listed_size(service, max_side)
    elif max_side and service.level != 0 and max(service.width, service.height) > max_side:
        width = max(1, service.width * max_side // max(service.width, service.height))
        size = f"{width},"
    return f"{service.base}/full/{size}/0/default.jpg"


def _listed_size(service: Service, max_side: int | None) -> str:
    fitting = [one for one in service.sizes if max_side is None or max(one) <= max_side]
    width, height = max(fitting, key=lambda one: one[0] * one[1]) if fitting else min(service.sizes)
    return f"{width},{height}" if service.is_3 else f"{width},"
