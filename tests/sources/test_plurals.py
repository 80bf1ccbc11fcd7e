"""English nouns go to the other number and back, by rule and by table."""

from __future__ import annotations

import pytest

from app.sources.plurals import UNCHANGING, other_number

PAIRS = """
cat:cats dog:dogs bus:buses fox:foxes church:churches brush:brushes dress:dresses city:cities toy:toys baby:babies
horse:horses house:houses rose:roses vase:vases walrus:walruses octopus:octopuses virus:viruses blouse:blouses
size:sizes prize:prizes waltz:waltzes shoe:shoes toe:toes canoe:canoes potato:potatoes tomato:tomatoes photo:photos
piano:pianos kangaroo:kangaroos glove:gloves olive:olives cave:caves roof:roofs chef:chefs giraffe:giraffes
cliff:cliffs movie:movies pie:pies stomach:stomachs avalanche:avalanches bee:bees tree:trees knee:knees
fireman:firemen policewoman:policewomen human:humans lens:lenses gas:gases rhinoceros:rhinoceroses canvas:canvases
compass:compasses watch:watches apple:apples orange:oranges bridge:bridges judge:judges face:faces eye:eyes
boat:boats key:keys monkey:monkeys axe:axes license:licenses exercise:exercises nurse:nurses bicycle:bicycles
beach:beaches iris:irises zebra:zebras box:boxes glass:glasses circus:circuses platypus:platypuses quiz:quizzes
candle:candles man:men woman:women child:children person:people foot:feet tooth:teeth goose:geese mouse:mice
louse:lice ox:oxen die:dice cactus:cacti fungus:fungi nucleus:nuclei alga:algae larva:larvae bacterium:bacteria
phenomenon:phenomena criterion:criteria crisis:crises oasis:oases leaf:leaves loaf:loaves half:halves calf:calves
elf:elves shelf:shelves wolf:wolves thief:thieves scarf:scarves hoof:hooves knife:knives wife:wives life:lives
dwarf:dwarves vertex:vertices
"""


@pytest.mark.parametrize("pair", PAIRS.split())
def test_a_noun_goes_to_its_plural_and_back(pair: str) -> None:
    singular, plural = pair.split(":")
    assert (other_number(singular), other_number(plural)) == (plural, singular)


@pytest.mark.parametrize("word", sorted(UNCHANGING))
def test_what_has_one_form_only_has_no_other(word: str) -> None:
    assert other_number(word) is None


@pytest.mark.parametrize(
    ("phrase", "other"),
    [
        ("red panda", "red pandas"),
        ("birds of prey", "bird of prey"),
        ("cat in a box", "cats in a box"),
        ("Golden Retriever", "Golden Retrievers"),
        ("T-shirt", "T-shirts"),
        ("merry-go-round", "merry-go-rounds"),
        ("USB", None),
        ("日本", None),
        ("café", None),
        ("4x4", None),
        ("", None),
    ],
)
def test_a_phrase_is_inflected_at_its_head_and_what_is_no_english_word_is_left(phrase: str, other: str | None) -> None:
    assert other_number(phrase) == other
