from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.text import clean
from rpchat.tui.card_fields import FieldError, Written, estimated_tokens, filled, written_in, written_of

texts = st.text(max_size=60).map(clean)
labels = st.text(min_size=1, max_size=12).map(clean).filter(lambda label: bool(label.strip()))
cards = st.builds(
    Card,
    name=labels,
    nickname=texts,
    description=texts,
    alternate_greetings=st.lists(texts.filter(lambda text: bool(text.strip())), max_size=3).map(tuple),
    tags=st.lists(texts, max_size=3).map(tuple),
    sheet=st.dictionaries(labels, st.one_of(texts, st.lists(texts, min_size=1, max_size=3).map(tuple)), max_size=4),
    talkativeness=st.floats(0, 1),
    extensions=st.just({"chub": {"id": 7}}),
)


@settings(deadline=None, max_examples=60)
@given(cards)
def test_what_was_not_touched_stays_as_it_is(card: Card) -> None:
    assert filled(card, written_of(card)) == card


@settings(deadline=None, max_examples=60)
@given(cards)
def test_one_field_changes_one_field(card: Card) -> None:
    written = written_of(card)
    changed = filled(card, replace(written, texts={**written.texts, "description": "another"}))
    assert changed == replace(card, description="another")


@settings(deadline=None, max_examples=60)
@given(cards, cards)
def test_the_fields_of_one_card_make_another_like_it(card: Card, base: Card) -> None:
    made = filled(base, written_of(card))
    assert made.description == card.description
    assert made.sheet == card.sheet


@settings(deadline=None, max_examples=60)
@given(cards)
def test_a_draft_is_the_same_again(card: Card) -> None:
    written = written_of(card)
    assert written_in(written.as_data(), Card(name="x")) == written


@pytest.mark.parametrize("draft", [{}, {"texts": 1}, {"texts": {"name": 3}}, {"greetings": [1]}, {"greetings": "x"}])
def test_a_damaged_draft_is_the_card_itself(draft: dict[str, object]) -> None:
    card = Card(name="Mira", alternate_greetings=("Hm.",))
    assert written_in(draft, card) == written_of(card)


@pytest.mark.parametrize(
    ("field", "text", "part"),
    [
        ("name", "  ", "name"),
        ("talkativeness", "much", "0 to 1"),
        ("talkativeness", "1.5", "0 to 1"),
        ("talkativeness", "nan", "0 to 1"),
        ("sheet", "no label", "sheet"),
        ("sheet", "a: {b: c}", "sheet"),
        ("sheet", "a: [", "sheet"),
    ],
)
def test_a_field_that_cannot_be_kept_is_named(field: str, text: str, part: str) -> None:
    card = Card(name="Mira")
    written = written_of(card)
    with pytest.raises(FieldError) as error:
        filled(card, replace(written, texts={**written.texts, field: text}))
    assert error.value.field == field
    assert part in str(error.value).casefold()


def test_fields_as_they_are_typed() -> None:
    card = Card(name="Mira")
    written = written_of(card)
    typed = {"tags": "a, b ,a,", "talkativeness": "0.25", "sheet": "Age: 30\nGear:\n  - lamp\n  - oil", "nickname": "M"}
    made = filled(card, Written(texts={**written.texts, **typed}, greetings=("Hello.", "  ")))
    assert made.tags == ("a", "b")
    assert made.talkativeness == 0.25
    assert made.sheet == {"Age": "30", "Gear": ("lamp", "oil")}
    assert made.alternate_greetings == ("Hello.",)


def test_a_sheet_is_shown_plainly_where_it_can_be() -> None:
    persona = Persona(name="悠人", sheet={"年齢": "20歳", "持ち物": ("時計", "本"), "容姿": "黒髪。" * 60})
    assert written_of(persona).texts["sheet"].splitlines()[:4] == ["年齢: 20歳", "持ち物:", "  - 時計", "  - 本"]
    assert len(written_of(persona).texts["sheet"].splitlines()) == 5


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("おはよう", 4), ("good morning", 3), ("a", 1)])
def test_estimates(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens
