"""English nouns in the other number: the plural of a singular, the singular of a plural, by rules and tables.

For searches, where a form that nobody writes costs a request and nothing else. A phrase is inflected at its head: `bird
of prey` → `birds of prey`, `red panda` → `red pandas`. What has no other number, and what is no English word by its
letters, gives None. Whatever a table holds goes there and back again.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


UNCHANGING = _words(
    "aircraft bison bread cattle chess clothing coral cod corn cutlery deer elk equipment fish fruit furniture garlic "
    "gold grass hair haze headquarters jewelry lightning luggage means money moose music news offspring pants police "
    "rice salmon sand scissors series sheep shorts shrimp silver smoke snow species spacecraft squid steel sunglasses "
    "swine traffic trousers trout tuna water weather wheat jeans binoculars pliers tweezers axis"
)
"""Nouns of one form, or of which nobody counts two. `axis` is among them, since `axes` are rather tools."""

_IRREGULAR = dict(
    pair.split(":", 1)
    for pair in _words(
        "man:men woman:women child:children person:people foot:feet tooth:teeth goose:geese mouse:mice louse:lice "
        "dormouse:dormice ox:oxen die:dice cactus:cacti fungus:fungi nucleus:nuclei stimulus:stimuli alga:algae "
        "larva:larvae nebula:nebulae vertebra:vertebrae bacterium:bacteria phenomenon:phenomena criterion:criteria "
        "analysis:analyses crisis:crises oasis:oases thesis:theses basis:bases hypothesis:hypotheses leaf:leaves "
        "loaf:loaves half:halves calf:calves elf:elves self:selves shelf:shelves bookshelf:bookshelves wolf:wolves "
        "werewolf:werewolves thief:thieves sheaf:sheaves scarf:scarves hoof:hooves knife:knives penknife:penknives "
        "wife:wives life:lives midwife:midwives dwarf:dwarves quiz:quizzes matrix:matrices vertex:vertices "
        "index:indices axe:axes bus:buses gas:gases lens:lenses iris:irises plus:pluses yes:yeses"
    )
)
_COMPOUNDS = ("men", "man")
"""`fireman`, `policewoman`, … go as `man` does; `human`, `talisman`, … do not."""
_NO_COMPOUNDS = _words("human german roman shaman caiman talisman ottoman norman cayman")
_O_ES = _words("potato tomato hero echo mango volcano tornado buffalo mosquito domino torpedo veto cargo embargo")
_HARD_CH = _words("stomach monarch epoch patriarch matriarch loch eunuch tech")
_SILENT_E = _words(
    "ache headache toothache stomachache backache cache niche avalanche moustache mustache quiche pastiche brioche "
    "creche apache"
)
"""Words in `-che`: their plurals look like those in `-ch`."""
_IE = _words(
    "movie cookie pie tie necktie zombie calorie selfie hoodie brownie smoothie rookie magpie lie genie prairie birdie "
    "bogie collie cowrie foodie goalie groupie junkie lassie newbie pixie veggie walkie talkie doggie "
    "budgie menagerie patisserie rotisserie sortie bowtie potpie"
)
_ENDS_IN_S = _words(
    "gas lens iris atlas canvas pancreas bias rhinoceros cosmos christmas tennis pajamas asparagus albatros thermos "
    "chaos pathos asbestos bus plus yes tuberculosis ibis clematis cannabis pelvis penis trellis chrysalis"
)
"""Singulars whose end looks like a plural's."""

_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()}
_WORD = re.compile(r"(?:[A-Za-z]+-)*[A-Za-z]{2,}")
_PREPOSITIONS = _words("of in on with at for from by under over near without")
_CONSONANT_Y = re.compile(r".*(?:[^aeiou]|qu)y")
_HISSING = ("s", "x", "z", "ch", "sh")


def other_number(phrase: str) -> str | None:
    """The phrase with its head in the other number; None where there is none."""
    words = phrase.split()
    if not words:
        return None
    head = next((place - 1 for place, word in enumerate(words) if place and word.lower() in _PREPOSITIONS), -1)
    word = words[head]
    if not _WORD.fullmatch(word) or (word.isupper() and len(word) > 1):
        return None
    stem, dash, last = word.rpartition("-")
    found = _other(last.lower())
    if found is None:
        return None
    words[head] = stem + dash + (found.capitalize() if last[0].isupper() else found)
    return " ".join(words)


def _other(word: str) -> str | None:
    if word in UNCHANGING:
        return None
    return singular_of(word) or plural_of(word)


def plural_of(word: str) -> str:
    """The plural of a singular in small letters."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(_COMPOUNDS[1]) and word not in _NO_COMPOUNDS:
        return word.removesuffix(_COMPOUNDS[1]) + _COMPOUNDS[0]
    if word in _O_ES or (word.endswith(_HISSING) and word not in _HARD_CH):
        return word + "es"
    if _CONSONANT_Y.fullmatch(word):
        return word[:-1] + "ies"
    return word + "s"


def singular_of(word: str) -> str | None:
    """The singular of a plural in small letters; None for what does not look like one."""
    if word in _SINGULAR:
        return _SINGULAR[word]
    if word.endswith(_COMPOUNDS[0]) and word not in ("men", "women", "specimen", "abdomen", "stamen", "omen", "ramen"):
        return word.removesuffix(_COMPOUNDS[0]) + _COMPOUNDS[1]
    if not word.endswith("s") or len(word) < 4 or word in _ENDS_IN_S or word.endswith(("ss", "us", "is")):
        return None
    if word.endswith("ies"):
        return word[:-1] if word[:-1] in _IE else word[:-3] + "y"
    if word.endswith("es") and _takes_es(word[:-2]):
        return word[:-2]
    return word[:-1]


def _takes_es(stem: str) -> bool:
    """Whether the stem of a word in `-es` is a word without the e: `foxes` but `horses`, `walruses` but `houses`."""
    if stem.endswith("o"):
        return stem in _O_ES
    if stem.endswith("ch"):
        return stem + "e" not in _SILENT_E
    if stem.endswith("us"):
        return len(stem) > 4 and not stem.endswith(("ous", "aus"))
    if stem.endswith("s"):
        return stem.endswith("ss") or stem in _ENDS_IN_S
    if stem.endswith("z"):
        return stem.endswith(("tz", "zz"))
    return stem.endswith(("x", "sh"))
