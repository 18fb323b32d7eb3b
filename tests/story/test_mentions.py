from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from rpchat.story.card import Card
from rpchat.story.mentions import mentions, names_of

ENGLISH = {name.lower(): (name,) for name in ("Bram", "Chen", "Ilse", "Mira", "Tock")}
JAPANESE = {
    "hana": ("花",),
    "oka": ("桜花",),
    "sakura": ("さくら",),
    "mika": ("ミカ",),
    "misaki": ("美咲", "みーちゃん"),
}


def named(text: str, cast: Mapping[str, Sequence[str]]) -> str:
    return " ".join(mentions(text, cast))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Chen looked at Bram.", "chen bram"),
        ("Bram, Bram! And Chen. Bram?", "bram chen"),
        ("BRAM’S boots, ＣＨＥＮ's hat", "bram chen"),
        ("Bramble and Kitchen; Mirage, Tocks", ""),
        ("_Tock_ **Mira** \"Ilse\" (Chen) @Bram", "tock mira ilse chen bram"),
        ("Bramさん、Chenはどこ", "bram chen"),
        ("Bram2, Brämbram", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_mentions_in_english(text: str, who: str) -> None:
    assert named(text, ENGLISH) == who


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("桜花が花を見た。", "oka hana"),
        ("桜花様がいた", "oka"),
        ("花火と開花と草花", ""),
        ("花様、花先生、花ちゃん、花も", "hana"),
        ("さくらちゃんとミカ", "sakura mika"),
        ("ﾐｶー!", "mika"),
        ("ミカサンはいない", "mika"),
        ("ミカンとコミカル", ""),
        ("ミカ・ローゼン", "mika"),
        ("田中美咲です", "misaki"),
        ("みーちゃんの美咲", "misaki"),
        ("今日はさくら、あしたは花", "sakura hana"),
    ],
)
def test_mentions_in_japanese(text: str, who: str) -> None:
    assert named(text, JAPANESE) == who


@pytest.mark.parametrize(
    ("names", "text", "found"),
    [
        (("Zoë",), "ZOE\u0308!", True),
        (("Zoe",), "Zoë", False),
        (("Анна",), "Анна, анне", True),
        (("Анна",), "Жанна", False),
        (("Mary Jane",), "mary\n  jane!", True),
        (("D'Arcy",), "d’arcy", True),
        (("민수",), "민수야, 안녕", True),
        (("민수",), "김민수", False),
        (("小红",), "我看见小红了", True),
        (("あ",), "あのね", False),
        (("C-3PO (gold)",), "c-3po (gold)?", True),
        (("राम",), "रामायण", False),
        (("",), "nothing", False),
    ],
)
def test_mentions_elsewhere(names: tuple[str, ...], text: str, found: bool) -> None:
    assert mentions(text, {"one": names}) == (("one",) if found else ())


@pytest.mark.parametrize(
    ("text", "who"), [("Anna Lee.", "lee"), ("Anna, Lee?", "anna"), ("美咲子と美咲", "misakiko misaki")]
)
def test_the_longest_name_counts(text: str, who: str) -> None:
    names = {"anna": "Anna", "lee": "Anna Lee", "misaki": "美咲", "misakiko": "美咲子"}
    assert named(text, {card_id: (name,) for card_id, name in names.items()}) == who


def test_a_longer_name_of_a_bystander_hides_a_shorter_one() -> None:
    anna = {"anna": ("Anna",)}
    assert mentions("Anna Lee smiled.", anna) == ("anna",)
    assert mentions("Anna Lee smiled.", anna, bystanders=("Anna Lee",)) == ()
    assert mentions("Anna smiled.", anna, bystanders=("Anna",)) == ("anna",)


def test_a_shared_name_names_all() -> None:
    twins = {name: (name, "Brandt") for name in ("Ilse", "Karl")}
    assert mentions("The Brandt house", twins) == ("Ilse", "Karl")


@pytest.mark.parametrize(
    ("card", "names"),
    [
        (Card(name="Professor Tock", nickname="Tock"), ("Tock", "Professor Tock")),
        (Card(name="Ilse van J. Brandt"), ("Ilse van J. Brandt", "Ilse", "Brandt")),
        (Card(name="The Innkeeper"), ("The Innkeeper", "Innkeeper")),
        (Card(name="佐倉 花"), ("佐倉 花", "佐倉", "花")),
        (Card(name="アリス・の・リデル"), ("アリス・の・リデル", "アリス", "リデル")),
        (Card(name="Sakura (桜)"), ("Sakura (桜)", "Sakura", "桜")),
        (Card(name="桜"), ("桜",)),
    ],
)
def test_what_a_card_answers_to(card: Card, names: tuple[str, ...]) -> None:
    assert names_of(card) == names
