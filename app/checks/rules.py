"""Rules that an image must keep, and the verdict on its stored measures: pure functions, nothing is fetched again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson

from app.checks.hamming import MAX_RADIUS
from app.errors import Invalid
from app.values import Issue, Json, RefusalCode

FORMATS = ("jpeg", "png", "webp", "gif", "tiff", "avif", "bmp")
"""What an image's content can be."""
MAX_WHOLE = 2**31 - 1
"""Pixels and bytes are 32-bit integers in the database."""
MAX_RATIO = 1e6
MAX_SHARPNESS = 1e6
"""Above any: the variance of what is -1,020 to 1,020."""
SCOPES = ("job", "project")
"""Where near-duplicates are looked for: among a crawl job's images, or among its project's older ones as well."""
PATH = ("input", "rules")

Number = int | float


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of an image; a rule that is None is not asked. Limits themselves are allowed.

    Widths and heights in pixels as displayed, file sizes in bytes, aspect ratio = width / height; brightness and what
    follows it as in `app/measures.py`; `grayscale` is what an image has to be, or must not be. An image whose
    perceptual hash differs in `near_duplicate_distance` bits or fewer from a kept one's is its near-duplicate; that is
    nothing a single image can be judged by, see `near_duplicates.py`.
    """

    min_width: int | None = None
    min_height: int | None = None
    max_width: int | None = None
    max_height: int | None = None
    min_aspect_ratio: float | None = None
    max_aspect_ratio: float | None = None
    min_file_size: int | None = None
    max_file_size: int | None = None
    formats: tuple[str, ...] | None = None
    min_brightness: float | None = None
    max_brightness: float | None = None
    min_contrast: float | None = None
    max_contrast: float | None = None
    min_entropy: float | None = None
    max_entropy: float | None = None
    min_sharpness: float | None = None
    max_sharpness: float | None = None
    grayscale: bool | None = None
    near_duplicate_distance: int | None = None
    near_duplicate_scope: str | None = None
    near_duplicate_mirrored: bool | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Rules:
        """Rules from the document of `validation_jobs.validation_rules`; unknown names are left."""
        known = {name: value for name in RULE_NAMES if (value := document.get(name)) is not None}
        if "formats" in known:
            known["formats"] = tuple(known["formats"])
        return cls(**known)

    def as_json(self) -> dict[str, Json]:
        """The document of `validation_jobs.validation_rules`: the rules that are asked."""
        asked = {name: value for name in RULE_NAMES if (value := getattr(self, name)) is not None}
        if "formats" in asked:
            asked["formats"] = list(asked["formats"])
        return asked


RULE_NAMES = tuple(field.name for field in fields(Rules))


@dataclass(frozen=True, slots=True)
class Judged:
    """The measures of a stored image that rules speak of; None was not measured, and keeps no rule."""

    width: int | None
    height: int | None
    file_size: int | None
    format: str | None
    quality: Mapping[str, Json] | None = None

    @classmethod
    def from_row(cls, row: Any) -> Judged:
        """The measures in a row or mapping of `images`."""
        quality = row["quality"]
        measured = orjson.loads(quality) if quality is not None else None
        return cls(row["width"], row["height"], row["file_size"], row["format"], measured)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that rules bound from both sides: the code of its issue, its name for people, its unit, its most."""

    code: RefusalCode
    title: str
    show: Callable[[Number], str]
    of: Callable[[Judged], Number | None]
    most: Number = MAX_WHOLE


def _pixels(value: Number) -> str:
    return f"{value:d} px"


def _bytes(value: Number) -> str:
    return f"{value:d} bytes"


def _number(value: Number) -> str:
    return f"{value:.4g}"


def _bits(value: Number) -> str:
    return f"{value:.4g} bits"


def _quality(name: str) -> Callable[[Judged], Number | None]:
    return lambda image: image.quality[name] if image.quality else None


def _aspect_ratio(image: Judged) -> float | None:
    return image.width / image.height if image.width and image.height else None


MEASURES = {
    "width": Measure(RefusalCode.WIDTH, "The width", _pixels, lambda image: image.width),
    "height": Measure(RefusalCode.HEIGHT, "The height", _pixels, lambda image: image.height),
    "aspect_ratio": Measure(RefusalCode.ASPECT_RATIO, "The aspect ratio", _number, _aspect_ratio, MAX_RATIO),
    "file_size": Measure(RefusalCode.FILE_SIZE, "The file", _bytes, lambda image: image.file_size),
    "brightness": Measure(RefusalCode.BRIGHTNESS, "The brightness", _number, _quality("brightness"), 1),
    "contrast": Measure(RefusalCode.CONTRAST, "The contrast", _number, _quality("contrast"), 0.5),
    "entropy": Measure(RefusalCode.ENTROPY, "The entropy", _bits, _quality("entropy"), 8),
    "sharpness": Measure(RefusalCode.SHARPNESS, "The sharpness", _number, _quality("sharpness"), MAX_SHARPNESS),
}


def judge(image: Judged, rules: Rules) -> list[Issue]:
    """What stands against the image, in the order of the rules; nothing, where it keeps them all."""
    issues = [
        issue
        for name, measure in MEASURES.items()
        if (issue := _outside(measure, image, getattr(rules, f"min_{name}"), getattr(rules, f"max_{name}")))
    ]
    if rules.formats is not None and image.format not in rules.formats:
        wanted = ", ".join(rules.formats)
        issues.append(
            Issue(RefusalCode.FORMAT, "The format is not one that is wanted.", image.format or "unknown", wanted)
        )
    if rules.grayscale is not None and (issue := _wrong_color(image, grayscale=rules.grayscale)):
        issues.append(issue)
    return issues


def _wrong_color(image: Judged, *, grayscale: bool) -> Issue | None:
    found = image.quality["grayscale"] if image.quality else None
    if found is grayscale:
        return None
    shown = {True: "grayscale", False: "color", None: "unknown"}
    message = "Whether the image has color is not known." if found is None else "The image is not as colored as wanted."
    return Issue(RefusalCode.GRAYSCALE, message, shown[found], shown[grayscale])


def _outside(measure: Measure, image: Judged, least: Number | None, most: Number | None) -> Issue | None:
    if least is None and most is None:
        return None
    found = measure.of(image)
    if found is None:
        return Issue(measure.code, f"{measure.title} is not known.", "unknown", _limits(measure, least, most))
    if least is not None and found < least:
        return Issue(measure.code, f"{measure.title} is too small.", measure.show(found), measure.show(least))
    if most is not None and found > most:
        return Issue(measure.code, f"{measure.title} is too large.", measure.show(found), measure.show(most))
    return None


def _limits(measure: Measure, least: Number | None, most: Number | None) -> str:
    shown = [measure.show(limit) for limit in (least, most) if limit is not None]
    return " to ".join(shown)


def check_rules(document: Mapping[str, Json]) -> Rules:
    """The rules of an input's document (names in snake case, None is not asked).

    Raises Invalid, with the path of the field and the limit, for what no image could keep or nobody can mean.
    """
    rules = Rules.from_json(document)
    for name, measure in MEASURES.items():
        for bound in (f"min_{name}", f"max_{name}"):
            _check_number(bound, getattr(rules, bound), measure.most)
        _check_order(name, getattr(rules, f"min_{name}"), getattr(rules, f"max_{name}"))
    if rules.formats is not None:
        _check_formats(rules.formats)
    return _with_near_duplicates(rules)


def _check_number(name: str, value: Number | None, most: Number) -> None:
    if value is None:
        return
    if not math.isfinite(value) or value <= 0:
        raise Invalid(f"{_shown(name)} must be more than 0.", path=_path(name), limit="0", actual=str(value))
    if value > most:
        raise Invalid(
            f"{_shown(name)} may be {most:.10g} at most.", path=_path(name), limit=f"{most:.10g}", actual=str(value)
        )


def _check_order(name: str, least: Number | None, most: Number | None) -> None:
    if least is not None and most is not None and least > most:
        lower, upper = f"min_{name}", f"max_{name}"
        raise Invalid(
            f"{_shown(lower)} is more than {_shown(upper)}: no image keeps both.",
            path=_path(lower),
            limit=str(most),
            actual=str(least),
        )


def _check_formats(formats: tuple[str, ...]) -> None:
    known = ", ".join(FORMATS)
    if not formats:
        raise Invalid(
            "formats is empty: no image keeps that. Leave it out to allow all.", path=_path("formats"), limit=known
        )
    for place, name in enumerate(formats):
        if name not in FORMATS:
            raise Invalid(
                f"{name!r} is not a format. Known: {known}.",
                path=(*_path("formats"), str(place)),
                limit=known,
                actual=str(name),
            )


def _with_near_duplicates(rules: Rules) -> Rules:
    """The rules with all that says how near-duplicates are looked for, unless they are not."""
    distance, scope = rules.near_duplicate_distance, rules.near_duplicate_scope
    if distance is None:
        for name in ("near_duplicate_scope", "near_duplicate_mirrored"):
            if getattr(rules, name) is not None:
                raise Invalid(f"{_shown(name)} asks nothing without nearDuplicateDistance.", path=_path(name))
        return rules
    if not 0 <= distance <= MAX_RADIUS:
        raise Invalid(
            f"nearDuplicateDistance takes 0 to {MAX_RADIUS} bits, not {distance}.",
            path=_path("near_duplicate_distance"),
            limit=str(MAX_RADIUS if distance > MAX_RADIUS else 0),
            actual=str(distance),
        )
    if scope is not None and scope not in SCOPES:
        raise Invalid(
            f"{scope!r} is not a scope. Known: {', '.join(SCOPES)}.",
            path=_path("near_duplicate_scope"),
            limit=", ".join(SCOPES),
            actual=str(scope),
        )
    mirrored = bool(rules.near_duplicate_mirrored)
    return replace(rules, near_duplicate_scope=scope or SCOPES[0], near_duplicate_mirrored=mirrored)


def _path(name: str) -> tuple[str, ...]:
    return (*PATH, _shown(name))


def _shown(name: str) -> str:
    """The field's name in the API."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
