"""Rules say which images are usable, and the reasons say why one is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checks.rules import FORMATS, Judged, Rules, check_rules, judge
from app.errors import Invalid
from app.values import Issue, RefusalCode

QUALITY = {"brightness": 0.4, "contrast": 0.2, "entropy": 7.5, "sharpness": 120.0, "grayscale": False}
IMAGE = Judged(width=640, height=480, file_size=100_000, format="jpeg", quality=QUALITY)


def codes(image: Judged, rules: Rules) -> list[str]:
    return [str(issue.code) for issue in judge(image, rules)]


def test_without_rules_every_image_is_usable() -> None:
    assert judge(IMAGE, Rules()) == []
    assert judge(Judged(None, None, None, None), Rules()) == []


@pytest.mark.parametrize(
    ("rule", "allowed", "refused", "code"),
    [
        ("min_width", 640, 641, "width"),
        ("max_width", 640, 639, "width"),
        ("min_height", 480, 481, "height"),
        ("max_height", 480, 479, "height"),
        ("min_aspect_ratio", 640 / 480, 1.34, "aspect_ratio"),
        ("max_aspect_ratio", 640 / 480, 1.33, "aspect_ratio"),
        ("min_file_size", 100_000, 100_001, "file_size"),
        ("max_file_size", 100_000, 99_999, "file_size"),
        ("min_brightness", 0.4, 0.41, "brightness"),
        ("max_brightness", 0.4, 0.39, "brightness"),
        ("min_contrast", 0.2, 0.21, "contrast"),
        ("max_contrast", 0.2, 0.19, "contrast"),
        ("min_entropy", 7.5, 7.6, "entropy"),
        ("max_entropy", 7.5, 7.4, "entropy"),
        ("min_sharpness", 120, 120.1, "sharpness"),
        ("max_sharpness", 120, 119.9, "sharpness"),
        ("grayscale", False, True, "grayscale"),
        ("formats", ("png", "jpeg"), ("png", "webp"), "format"),
    ],
)
def test_the_limit_itself_is_allowed_and_beyond_it_is_not(rule: str, allowed: Any, refused: Any, code: str) -> None:
    assert codes(IMAGE, Rules(**{rule: allowed})) == []
    assert codes(IMAGE, Rules(**{rule: refused})) == [code]


def test_a_reason_says_what_was_measured_and_the_limit_with_their_unit() -> None:
    rules = Rules(min_width=800, max_height=400, max_aspect_ratio=1.2, max_file_size=50_000, formats=("png", "webp"))
    assert judge(IMAGE, rules) == [
        Issue(RefusalCode.WIDTH, "The width is too small.", "640 px", "800 px"),
        Issue(RefusalCode.HEIGHT, "The height is too large.", "480 px", "400 px"),
        Issue(RefusalCode.ASPECT_RATIO, "The aspect ratio is too large.", "1.333", "1.2"),
        Issue(RefusalCode.FILE_SIZE, "The file is too large.", "100000 bytes", "50000 bytes"),
        Issue(RefusalCode.FORMAT, "The format is not one that is wanted.", "jpeg", "png, webp"),
    ]


def test_an_image_of_which_no_pixel_was_decoded_keeps_no_rule_over_pixels() -> None:
    unseen = Judged(640, 480, 100_000, "jpeg")
    rules = Rules(min_sharpness=50, grayscale=False)
    assert judge(unseen, rules) == [
        Issue(RefusalCode.SHARPNESS, "The sharpness is not known.", "unknown", "50"),
        Issue(RefusalCode.GRAYSCALE, "Whether the image has color is not known.", "unknown", "color"),
    ]


def test_a_portrait_has_an_aspect_ratio_below_one() -> None:
    portrait = Judged(480, 640, 1, "jpeg")
    assert codes(portrait, Rules(min_aspect_ratio=1.0)) == ["aspect_ratio"]
    assert codes(portrait, Rules(max_aspect_ratio=0.75)) == []


def test_what_was_not_measured_keeps_no_rule() -> None:
    unknown = Judged(None, None, None, None)
    rules = Rules(min_width=1, max_height=9, max_aspect_ratio=3, min_file_size=1, formats=FORMATS)
    assert codes(unknown, rules) == ["width", "height", "aspect_ratio", "file_size", "format"]
    assert judge(unknown, Rules(min_width=5, max_width=9))[0].limit == "5 px to 9 px"


def test_rules_survive_their_document() -> None:
    rules = Rules(min_width=10, max_aspect_ratio=2.5, formats=("jpeg",))
    assert rules.as_json() == {"min_width": 10, "max_aspect_ratio": 2.5, "formats": ["jpeg"]}
    assert Rules.from_json(rules.as_json()) == rules
    assert Rules.from_json({"min_width": None, "of_tomorrow": 1}) == Rules()


@pytest.mark.parametrize(
    ("document", "path", "limit"),
    [
        ({"min_width": 0}, "minWidth", "0"),
        ({"max_height": -1}, "maxHeight", "0"),
        ({"min_file_size": -5}, "minFileSize", "0"),
        ({"max_file_size": 2**31}, "maxFileSize", "2147483647"),
        ({"min_aspect_ratio": 0.0}, "minAspectRatio", "0"),
        ({"max_aspect_ratio": -0.5}, "maxAspectRatio", "0"),
        ({"max_aspect_ratio": float("nan")}, "maxAspectRatio", "0"),
        ({"max_aspect_ratio": float("inf")}, "maxAspectRatio", "0"),
        ({"min_brightness": 1.5}, "minBrightness", "1"),
        ({"max_contrast": 0.6}, "maxContrast", "0.5"),
        ({"min_entropy": 9}, "minEntropy", "8"),
        ({"min_sharpness": -1}, "minSharpness", "0"),
        ({"min_aspect_ratio": 1e9}, "minAspectRatio", "1000000"),
        ({"min_width": 100, "max_width": 99}, "minWidth", "99"),
        ({"min_height": 100, "max_height": 99}, "minHeight", "99"),
        ({"min_aspect_ratio": 2.0, "max_aspect_ratio": 1.5}, "minAspectRatio", "1.5"),
        ({"min_file_size": 10, "max_file_size": 9}, "minFileSize", "9"),
        ({"formats": []}, "formats", ", ".join(FORMATS)),
    ],
)
def test_rules_that_no_image_can_keep_are_refused(document: dict[str, Any], path: str, limit: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_rules(document)
    assert refused.value.path == ("input", "rules", path)
    assert refused.value.limit == limit


def test_an_unknown_format_is_refused_by_its_place() -> None:
    with pytest.raises(Invalid, match="'svg' is not a format") as refused:
        check_rules({"formats": ["jpeg", "svg"]})
    assert refused.value.path == ("input", "rules", "formats", "1")
    assert refused.value.actual == "svg"


def test_good_rules_are_given_back() -> None:
    document = {"min_width": 64, "max_width": 64, "min_aspect_ratio": 0.5, "formats": ["png"], "max_height": None}
    assert check_rules(document) == Rules(min_width=64, max_width=64, min_aspect_ratio=0.5, formats=("png",))


sizes = st.integers(1, 50_000)


@given(width=sizes, height=sizes, least=sizes, most=sizes)
def test_an_image_is_refused_exactly_when_a_number_is_outside(width: int, height: int, least: int, most: int) -> None:
    found = codes(Judged(width, height, 1, "png"), Rules(min_width=least, max_height=most))
    assert ("width" in found) == (width < least)
    assert ("height" in found) == (height > most)
