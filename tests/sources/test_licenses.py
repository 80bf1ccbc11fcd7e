"""Every way of naming a license ends in one name and one address, and what is not known stays unnamed."""

from __future__ import annotations

import pytest

from app.sources.licenses import License, flickr_license, flickr_numbers, license_of

CC = "https://creativecommons.org"


@pytest.mark.parametrize(
    ("told", "name", "url"),
    [
        ("cc-by-4.0", "by 4.0", f"{CC}/licenses/by/4.0/"),
        ("cc-by-sa-3.0-de", "by-sa 3.0", f"{CC}/licenses/by-sa/3.0/de/"),
        ("cc-by-sa-3.0,2.5,2.0,1.0", "by-sa 3.0", f"{CC}/licenses/by-sa/3.0/"),
        ("cc-by-sa-3.0-migrated", "by-sa 3.0", f"{CC}/licenses/by-sa/3.0/"),
        ("CC BY-SA 4.0", "by-sa 4.0", f"{CC}/licenses/by-sa/4.0/"),
        ("CC-BY-NC-ND-2.5", "by-nc-nd 2.5", f"{CC}/licenses/by-nc-nd/2.5/"),
        ("CC-BY-3.0-IGO", "by 3.0", f"{CC}/licenses/by/3.0/igo/"),
        ("by-nc 2.0", "by-nc 2.0", f"{CC}/licenses/by-nc/2.0/"),
        ("CC SA 1.0", "sa 1.0", f"{CC}/licenses/sa/1.0/"),
        ("cc-by-nd-nc-1.0", "by-nc-nd 1.0", f"{CC}/licenses/by-nd-nc/1.0/"),
        ("sampling+ 1.0", "sampling+ 1.0", f"{CC}/licenses/sampling+/1.0/"),
        ("Creative Commons Attribution-ShareAlike 4.0 International", "by-sa 4.0", f"{CC}/licenses/by-sa/4.0/"),
        ("Creative Commons Attribution Non-Commercial No Derivatives 2.0 Generic License", "by-nc-nd 2.0",
         f"{CC}/licenses/by-nc-nd/2.0/"),
        ("cc0", "cc0 1.0", f"{CC}/publicdomain/zero/1.0/"),
        ("CC0-1.0", "cc0 1.0", f"{CC}/publicdomain/zero/1.0/"),
        ("CC-PDM-1.0", "pdm 1.0", f"{CC}/publicdomain/mark/1.0/"),
        ("Public Domain Mark 1.0", "pdm 1.0", f"{CC}/publicdomain/mark/1.0/"),
        ("pd-old-100", "pd", None),
        ("Public domain", "pd", None),
        ("CC-PDDC", "pd", f"{CC}/licenses/publicdomain/"),
        ("GFDL", "gfdl", None),
        ("GFDL-1.2-or-later", "gfdl 1.2", "https://www.gnu.org/licenses/old-licenses/fdl-1.2.html"),
        ("http://www.gnu.org/copyleft/fdl.html", "gfdl", "http://www.gnu.org/copyleft/fdl.html"),
        ("LicenseRef-Pexels", "pexels", "https://www.pexels.com/license/"),
        ("http://creativecommons.org/licenses/by/2.0/deed.de", "by 2.0", f"{CC}/licenses/by/2.0/"),
        ("//creativecommons.org/licenses/by-sa/3.0/at/legalcode", "by-sa 3.0", f"{CC}/licenses/by-sa/3.0/at/"),
        ("https://creativecommons.org/licenses/nc-sampling+/1.0/", "nc-sampling+ 1.0",
         f"{CC}/licenses/nc-sampling+/1.0/"),
        ("HTTPS://CreativeCommons.org/publicdomain/zero/1.0", "cc0 1.0", f"{CC}/publicdomain/zero/1.0/"),
        ("https://creativecommons.org/publicdomain/mark/1.0/?ref=openverse", "pdm 1.0",
         f"{CC}/publicdomain/mark/1.0/"),
        ("https://spdx.org/licenses/CC-BY-SA-4.0.html", "by-sa 4.0", f"{CC}/licenses/by-sa/4.0/"),
        ("https://unsplash.com/license", "unsplash", "https://unsplash.com/license"),
    ],
)  # fmt: skip
def test_a_license_has_one_name_and_one_address(told: str, name: str, url: str | None) -> None:
    assert license_of(told) == License(name, url)


@pytest.mark.parametrize(
    "told", [None, "", "  ", "All rights reserved", "sa", "nc", "Attribution", "by the sea", "x" * 9_999]
)
def test_words_that_are_no_license_known_here_have_no_name(told: str | None) -> None:
    assert license_of(told) == License()


def test_a_version_that_was_not_told_is_not_invented() -> None:
    assert license_of("CC BY-SA") == License("by-sa")
    assert license_of("https://creativecommons.org/licenses/by-sa/") == License(
        "by-sa", "https://creativecommons.org/licenses/by-sa/"
    )


def test_the_first_that_is_known_counts_and_an_address_makes_it_exact() -> None:
    german = f"{CC}/licenses/by-sa/3.0/de/"
    assert license_of(None, "CC BY-SA 3.0", german) == License("by-sa 3.0", german)
    assert license_of("CC BY", f"{CC}/licenses/by/4.0/") == License("by 4.0", f"{CC}/licenses/by/4.0/")
    assert license_of("cc-by-4.0", f"{CC}/licenses/by-sa/3.0/") == License("by 4.0", f"{CC}/licenses/by/4.0/")
    assert license_of("odd words", f"{CC}/licenses/by/4.0/").name == "by 4.0"


def test_an_unknown_statement_keeps_its_address() -> None:
    rights = "http://rightsstatements.org/vocab/InC/1.0/"
    assert license_of(rights) == License(None, rights)
    assert license_of("Public domain", "//example.org/why") == License("pd", "https://example.org/why")
    assert license_of("javascript:alert(1)") == License()


def test_flickrs_numbers() -> None:
    assert [flickr_license(number).name for number in range(18)] == [
        None, "by-nc-sa 2.0", "by-nc 2.0", "by-nc-nd 2.0", "by 2.0", "by-sa 2.0", "by-nd 2.0", None, "pd", "cc0 1.0",
        "pdm 1.0", "by 4.0", "by-sa 4.0", "by-nd 4.0", "by-nc 4.0", "by-nc-sa 4.0", "by-nc-nd 4.0", None,
    ]  # fmt: skip
    assert flickr_license("7").url == "https://www.flickr.com/commons/usage/"
    assert (flickr_license("4"), flickr_license(None)) == (License("by 2.0", f"{CC}/licenses/by/2.0/"), License())
    assert flickr_numbers(["by", "cc0"]) == [4, 9, 11]
