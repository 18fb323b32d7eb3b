"""Nothing that a user, a card, a model or an author's note says becomes structure, in any format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rpchat.prompt.assemble import assemble
from rpchat.prompt.formats import ADAPTERS, CONTROLS
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.sequences import SequencesAdapter
from rpchat.prompt.segment import Vocabulary, joined
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene
from rpchat.story.sequences import Sequences
from rpchat.story.turn import Turn

OWN = Sequences(
    system_prefix="<|system|>\n", system_suffix="\n", user_prefix="<|user|>\n", user_suffix="</s>\n",
    char_prefix="<|bot|>\n", char_suffix="</s>\n",
)  # fmt: skip
CHOSEN: list[Adapter] = [*(one for name, one in ADAPTERS.items() if name != "template"), SequencesAdapter(OWN)]
ALL_CONTROLS = CONTROLS | {"<s>", "</s>", "<|user|>", "<|bot|>", "<|system|>"}
VOCABULARIES = {
    "by id": Vocabulary(bos="<s>", controls=frozenset(ALL_CONTROLS)),
    "as text": Vocabulary(bos="<s>", controls=frozenset({"</s>", "[INST]", "[/INST]"})),
    "no beginning": Vocabulary(bos=None, controls=frozenset({"</s>"})),
}

PARTS = st.sampled_from(
    ["<s>", "</s>", "[INST]", "[/INST]", "[INS", "T]", "[/", "<|im_start|>", "<|im_end|>", "<|im_", "USER:", "user:",
     "ASSISTANT:", "ASSISTANT", ":", "### Instruction:", "### Input:", "###", "Response:", "#", "▀message\n", "▄", "▀",
     "\u2581", "\n", "\r\n", " ", "\u3000", "*", "_", "(", "「", "」", "Mira", "{{7*7}}", "{% raise %}", "{{user}}",
     "{{char}}", "<START>", "\ue0000\ue001", "<|user|>", "<|bot|>", "<|BOT|>", "<|us", "er|>", "あ"]
)  # fmt: skip
HOSTILE = st.lists(PARTS, min_size=1, max_size=6).map("".join)
NAMES = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: " ".join("".join(parts).split()) or "x")


@st.composite
def told(draw: st.DrawFn) -> Scene:
    """A scene in which every text was written by an enemy; none is empty, so that its shape is always the same."""
    text = HOSTILE.map(lambda one: f"{one}q")
    return _scene(lambda: draw(text), lambda: draw(NAMES))


def benign() -> Scene:
    """A scene of the same shape in which nothing is wrong."""
    numbers = count()
    return _scene(lambda: "q", lambda: f"n{next(numbers)}")


def _scene(text: Callable[[], str], name: Callable[[], str]) -> Scene:
    def card() -> Card:
        sheet = {text().replace("\n", " "): text(), "points": (text(), text())}
        return Card(
            name=name(), sheet=sheet, description=text(), personality=text(), scenario=text(),
            example_dialogue=text(), system_prompt=text(), post_history=text(),
        )  # fmt: skip

    cast = (Member("a", card()), Member("b", card()))
    persona = Persona(name=name(), description=text(), sheet={"s": text()})
    turns = [
        replace(
            _said(persona, text()) if side == "user" else _replied(cast[number % 2], text()),
            id=number,
            parent=number - 1,
        )
        for number, side in enumerate(["member", "user", "member", "member", "user"], start=1)
    ]
    scene = Scene(id=1, title=text(), cast=cast, persona=persona)
    for turn in turns:
        scene = scene.with_turn(turn)
    return replace(scene, chosen={turn.parent: turn.id for turn in turns})


def _said(persona: Persona, text: str) -> Turn:
    return Turn(id=0, parent=0, side="user", speaker=persona.name, text=text)


def _replied(member: Member, text: str) -> Turn:
    return Turn(id=0, parent=0, side="member", speaker=member.card.name, member=member.card_id, text=text)


def controls_and_text(
    scene: Scene, adapter: Adapter, vocabulary: Vocabulary, *, opened: bool, drafting: bool = False
) -> tuple[list[str], str]:
    speaker = scene.persona.name if drafting else scene.cast[0].card.spoken_name
    preset = Preset(name="any", adapter=adapter.name, sequences=OWN if adapter.name == "sequences" else None)
    prefill = adapter.opening(speaker) if opened else ""
    prompt = assemble(scene, preset, adapter, vocabulary, scene.line(), speaker=speaker, prefill=prefill)
    pairs = joined(prompt.segments)
    controls = [text for kind, text in pairs if kind == "c"]
    # A control token stands between two texts like a character nobody can write.
    return controls, "".join(text if kind == "t" else "\0" for kind, text in pairs)


DELIMITERS = {
    "mistral": [r"\[INST\]", r"\[/INST\]", "\u2581"],
    "vicuna": [r"(?im)^[ \t*_]*(?:USER|ASSISTANT):", "\u2581"],
    "party": [],
    "chatml": [r"<\|im_start\|>", r"<\|im_end\|>"],
    "alpaca": [r"(?im)^[ \t]*###[ \t]*(?:Instruction|Input|Response)", "\u2581"],
    "blockml": ["▀", "▄", r"\[INST\]", r"\[/INST\]", "\u2581"],
    "sequences": [r"(?i)<\|user\|>", r"(?i)<\|bot\|>", r"(?i)<\|system\|>"],
}


@pytest.mark.parametrize("adapter", CHOSEN, ids=[one.name for one in CHOSEN])
@settings(max_examples=50, deadline=None)
@given(scene=told(), vocabulary=st.sampled_from(sorted(VOCABULARIES)), opened=st.booleans(), drafting=st.booleans())
def test_no_text_forges_structure(
    adapter: Adapter, vocabulary: str, opened: bool, drafting: bool, scene: Scene
) -> None:
    # A member who has the user's name speaks for itself, so there is no draft to be looked at.
    assume(not drafting or scene.persona.name not in [member.card.spoken_name for member in scene.cast])
    known = VOCABULARIES[vocabulary]
    controls, text = controls_and_text(scene, adapter, known, opened=opened, drafting=drafting)
    expected_controls, expected = controls_and_text(benign(), adapter, known, opened=opened, drafting=drafting)
    assert controls == expected_controls
    for mark in DELIMITERS[adapter.name]:
        if adapter.name in ("chatml", "sequences") and vocabulary == "by id":
            continue  # as plain text these are harmless there, and stay as they were written
        assert len(re.findall(mark, text)) == len(re.findall(mark, expected)), mark


def test_macros_are_for_authors_not_for_speakers() -> None:
    scene = benign()
    scene = scene.with_turn(replace(scene.turns[5], text="{{char}} and {{user}}"))
    _, text = controls_and_text(scene, ADAPTERS["chatml"], VOCABULARIES["by id"], opened=False)
    assert "{{char}} and {{user}}" in text
