"""One vocabulary of licenses: whatever a source says becomes `slug version` and the license's address.

Slugs are Openverse's (`by-sa 4.0`, `cc0 1.0`, `pdm 1.0`, `sampling+ 1.0`), and besides them `pd` for what is in the
public domain by law, `gfdl`, and the stock sites' own. What is not known by name has no name: a source keeps the raw
words in `provenance.extra`. A version that was not told stays away.

Addresses: https://creativecommons.org/licenses/; identifiers: https://spdx.org/licenses/; Flickr's numbers:
flickr.photos.licenses.getInfo.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.values import MAX_URL_CHARS

CREATIVE_COMMONS = "https://creativecommons.org"
WORDS_CHARS = 500
"""The longest text that is taken for a license's name; a whole license is not one."""


@dataclass(frozen=True, slots=True)
class License:
    """A license by its name in the vocabulary and its address; None where not known."""

    name: str | None = None
    url: str | None = None

    @property
    def slug(self) -> str | None:
        """The name without its version."""
        return self.name.partition(" ")[0] if self.name else None


PEXELS = License("pexels", "https://www.pexels.com/license/")
PIXABAY = License("pixabay", "https://pixabay.com/service/license-summary/")
UNSPLASH = License("unsplash", "https://unsplash.com/license")
_SITES = {
    "pexels": PEXELS,
    "licenseref-pexels": PEXELS,
    "pixabay": PIXABAY,
    "licenseref-pixabay": PIXABAY,
    "unsplash": UNSPLASH,
    "licenseref-unsplash": UNSPLASH,
}
_SITE_URL = re.compile(r"https?://(?:www\.)?(pexels|pixabay|unsplash)\.com/(?:[a-z]{2}/)?(?:service/)?license", re.I)

_ELEMENTS = r"by(?:-nc)?(?:-sa|-nd)?|by-nd-nc|(?:nc-)?sampling\+?|nc-sa|nd-nc|sa|nd|nc"
_PORTS = r"[a-z]{2}|igo|scotland"
_TERM = re.compile(rf"(?:(cc)-)?({_ELEMENTS})(?:-v?(\d\.\d))?(?:-({_PORTS}))?")
_CC_URL = re.compile(
    rf"(?:https?:)?//(?:www\.)?creativecommons\.org/licenses/({_ELEMENTS})(?:/(\d\.\d))?(?:/({_PORTS}))?(?:[/?#.].*)?",
    re.IGNORECASE,
)
_PUBLIC_URL = re.compile(
    r"(?:https?:)?//(?:www\.)?creativecommons\.org/(?:publicdomain/(zero|mark)|licenses/(publicdomain))(?:[/?#.].*)?",
    re.IGNORECASE,
)
_SPDX_URL = re.compile(r"https?://(?:www\.)?spdx\.org/licenses/([\w.+-]+?)(?:\.html|\.json)?/?", re.IGNORECASE)
_GFDL_URL = re.compile(
    r"https?://(?:www\.)?gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?fdl(?:-(1\.\d))?\.html.*", re.I
)
_GFDL = re.compile(r"gfdl(?:-v?(1\.\d))?(?:-(?:or-later|only|no-invariants|invariants|en|migrated))*\+?")

_ZERO = License("cc0 1.0", f"{CREATIVE_COMMONS}/publicdomain/zero/1.0/")
_MARK = License("pdm 1.0", f"{CREATIVE_COMMONS}/publicdomain/mark/1.0/")
_PUBLIC = License("pd")
_DEDICATED = License("pd", f"{CREATIVE_COMMONS}/licenses/publicdomain/")
_BY_WORDS: Mapping[str, License] = {
    **dict.fromkeys(("cc0", "cc0-1.0", "cc-0", "cc-zero", "cc-zero-1.0", "cc-cc0-1.0", "cc-cc0"), _ZERO),
    **dict.fromkeys(("pdm", "pdm-1.0", "cc-pdm", "cc-pdm-1.0", "pdm-owner", "public-domain-mark"), _MARK),
    **dict.fromkeys(("public-domain-mark-1.0", "cc-public-domain-mark-1.0"), _MARK),
    **dict.fromkeys(("pd", "public-domain", "publicdomain", "licenseref-pd"), _PUBLIC),
    **dict.fromkeys(("cc-pd", "cc-pddc"), _DEDICATED),
    **_SITES,
}
_LONG_WORDS = (
    ("creative-commons", "cc"),
    (r"attribution", "by"),
    (r"share-?alike", "sa"),
    (r"non-?commercial", "nc"),
    (r"no-?deriv(?:ative)?s?(?:-works)?", "nd"),
    (r"-(?:license|licence|international|unported|generic|universal|public)(?=-|$)", ""),
)


def license_of(*told: object) -> License:
    """What a source says of one image's license, in its order of trust: identifiers, short names, addresses.

    The first that is known gives the name; an address that means the same license is preferred to the built one, since
    it may name a country's version. Without any name, the first address that was told stays.
    """
    readings = [(_text(value), _read(_text(value))) for value in told]
    known = [reading for _, reading in readings if reading.name]
    addresses = [address for text, _ in readings if (address := _address(text))]
    if not known:
        return License(None, addresses[0] if addresses else None)
    first = next((one for one in known if one.slug == known[0].slug and one.url), known[0])
    exact = (one for text, one in readings if one.name == first.name and _address(text))
    chosen = next(exact, first)
    return chosen if chosen.url or not addresses else License(chosen.name, addresses[0])


def flickr_license(number: object) -> License:
    """The license of Flickr's number; neither name nor address for 0 (all rights reserved) and unknown numbers."""
    return FLICKR.get(_text(number), License())


def flickr_numbers(slugs: Iterable[str]) -> list[int]:
    """Flickr's numbers of the licenses with these slugs, in every version, in order."""
    wanted = set(slugs)
    return sorted(int(number) for number, one in FLICKR.items() if one.slug in wanted)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _address(text: str) -> str | None:
    text = f"https:{text}" if text.startswith("//") else text
    return text if re.match(r"https?://[^\s/]", text, re.IGNORECASE) and len(text) <= MAX_URL_CHARS else None


def _read(text: str) -> License:
    if _address(text):
        return _of_address(text)
    return _of_words(text) if len(text) <= WORDS_CHARS else License()


def _of_address(text: str) -> License:
    if match := _CC_URL.fullmatch(text):
        return _creative_commons(*match.groups())
    if match := _PUBLIC_URL.fullmatch(text):
        mark, dedication = match.groups()
        return _DEDICATED if dedication else _ZERO if mark.lower() == "zero" else _MARK
    if match := _SPDX_URL.fullmatch(text):
        return _of_words(match[1])
    if match := _GFDL_URL.fullmatch(text):
        return _gfdl(match[1])
    match = _SITE_URL.match(text)
    return _SITES[match[1].lower()] if match else License()


def _of_words(text: str) -> License:
    """SPDX's identifiers, Commons' `License` (a list of versions begins with the newest), short and long names."""
    words = re.sub(r"[\s_-]+", "-", text.lower().split(",")[0].strip(" ."))
    if words.startswith("creative-commons"):
        for long, short in _LONG_WORDS:
            words = re.sub(long, short, words)
    words = words.removesuffix("-migrated")
    if known := _BY_WORDS.get(words):
        return known
    if match := _GFDL.fullmatch(words):
        return _gfdl(match[1])
    if match := _TERM.fullmatch(words):
        prefix, elements, version, port = match.groups()
        # Without "CC" before it, "nc" or "sa" alone may be a word of any language.
        return (
            _creative_commons(elements, version, port) if prefix or elements.startswith("by") or version else License()
        )
    return _PUBLIC if words.startswith("pd-") else License()


def _creative_commons(elements: str, version: str | None, port: str | None) -> License:
    slug = elements.lower()
    slug = f"{slug}+" if slug.endswith("sampling") and slug != "sampling" else slug
    if version is None:
        return License(_spoken(slug))
    # Version 1.0 has the elements the other way round, in its addresses too.
    path = "by-nd-nc" if (_spoken(slug), version) == ("by-nc-nd", "1.0") else slug
    country = f"{port.lower()}/" if port else ""
    return License(f"{_spoken(slug)} {version}", f"{CREATIVE_COMMONS}/licenses/{path}/{version}/{country}")


def _spoken(slug: str) -> str:
    return "by-nc-nd" if slug == "by-nd-nc" else slug


def _gfdl(version: str | None) -> License:
    if version is None:
        return License("gfdl")
    folder = "" if version == "1.3" else "old-licenses/"
    return License(f"gfdl {version}", f"https://www.gnu.org/licenses/{folder}fdl-{version}.html")


FLICKR: Mapping[str, License] = {
    **{
        str(number): _creative_commons(slug, version, None)
        for version, slugs in {
            "2.0": {1: "by-nc-sa", 2: "by-nc", 3: "by-nc-nd", 4: "by", 5: "by-sa", 6: "by-nd"},
            "4.0": {11: "by", 12: "by-sa", 13: "by-nd", 14: "by-nc", 15: "by-nc-sa", 16: "by-nc-nd"},
        }.items()
        for number, slug in slugs.items()
    },
    "7": License(None, "https://www.flickr.com/commons/usage/"),
    "8": License("pd", "https://www.usa.gov/government-copyright"),
    "9": _ZERO,
    "10": _MARK,
}
"""Flickr's numbers; 0 reserves all rights, 7 states that no copyright is known, 8 is work of the US government."""
