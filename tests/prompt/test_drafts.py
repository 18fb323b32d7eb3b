"""The user's own next line, drafted by the model: how each format opens the user's side, and what ends the draft."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats import ADAPTERS
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.sequences import SequencesAdapter
from rpchat.prompt.formats.template import Template
from rpchat.prompt.segment import Segment, Stops, Vocabulary, joined
from rpchat.story.sequences import Sequences

BLOCKS = Sequences(
    system_prefix="<sys>", system_suffix="\n", user_prefix="USER: ", user_suffix="\n", last_user_prefix="NOW: ",
    char_prefix="BOT: ", char_suffix="\n", last_char_prefix="BOT:", note_prefix="(", note_suffix=")\n",
)  # fmt: skip
STRICT = Sequences(
    controls=("[INST]", "[/INST]", "</s>"), system_in_first_user=True, user_prefix="[INST] ", user_suffix="[/INST]",
    char_suffix="</s>", alternate=True,
)  # fmt: skip
FORMATS: dict[str, Adapter] = {
    **{name: adapter for name, adapter in ADAPTERS.items() if name != "template"},
    "blocks": SequencesAdapter(BLOCKS),
    "strict": SequencesAdapter(STRICT),
}
SAID = Line(side="user", by="Ann", text="Hello.", turn=7)
REPLIED = Line(side="char", by="Bo", text="Evening.", turn=8)
NOTE = Line(side="note", text="Rain.", turn=8)


def drafted(*lines: Line, prefill: str = "", names: bool = False, speaker: str = "Ann") -> Conversation:
    return Conversation(
        user=Character(name="Ann"),
        chars=(Character(name="Bo"), Character(name="Cy")),
        lines=lines,
        speaker=speaker,
        prefill=prefill,
        system="SETUP",
        names=names,
    )


def rendered(name: str, told: Conversation) -> tuple[Segment, ...]:
    adapter = FORMATS[name]
    return adapter.render(told, Vocabulary(bos=None, controls=frozenset(adapter.controls)))


def spelt(segments: tuple[Segment, ...]) -> str:
    """The prompt as one text, control tokens in angle quotes so that they are seen to be some."""
    return "".join(f"⟨{content}⟩" if kind == "c" else content for kind, content in joined(segments))


BEHIND_A_REPLY = {
    "mistral": "[INST] SETUP\nAnn「Hello.」 [/INST] Bo「Evening.」 ⟨</s>⟩[INST] Ann「",
    "vicuna": "SETUP\nUSER: Ann「Hello.」\nASSISTANT: Bo「Evening.」⟨</s>⟩\nUSER: Ann「",
    "party": "⟨[INST]⟩system\nSETUP⟨[/INST]⟩\n⟨[INST]⟩user\nAnn: Hello.⟨[/INST]⟩\n"
    "⟨[INST]⟩model\nBo: Evening.⟨[/INST]⟩\n⟨[INST]⟩user\nAnn:",
    "chatml": "⟨<|im_start|>⟩system\nSETUP⟨<|im_end|>⟩\n⟨<|im_start|>⟩user\nHello.⟨<|im_end|>⟩\n"
    "⟨<|im_start|>⟩assistant\nEvening.⟨<|im_end|>⟩\n⟨<|im_start|>⟩user\n",
    "alpaca": "### Instruction:\nSETUP\n\n### Input:\nAnn: Hello.\n\n### Response:\nBo: Evening.\n\n### Input:\nAnn:",
    "blockml": "SETUP\n▀message\nAnn: Hello.▄\n▀message\nBo: Evening.▄\n▀message\nAnn:",
    "blocks": "<sys>SETUP\nNOW: Ann: Hello.\nBOT: Bo: Evening.\nNOW: Ann:",
    "strict": "⟨[INST]⟩ SETUP\n\nAnn: Hello.⟨[/INST]⟩Bo: Evening.⟨</s>⟩⟨[INST]⟩ Ann:",
}
BEHIND_THE_USER = {
    "mistral": "[INST] SETUP [/INST] Bo「Evening.」 ⟨</s>⟩[INST] Ann「Hello.」\nAnn「",
    "vicuna": "SETUP\nASSISTANT: Bo「Evening.」⟨</s>⟩\nUSER: Ann「Hello.」\nAnn「",
    "party": "⟨[INST]⟩user\nAnn: Hello.⟨[/INST]⟩\n⟨[INST]⟩user\nAnn:",
    "chatml": "⟨<|im_start|>⟩user\nHello.⟨<|im_end|>⟩\n⟨<|im_start|>⟩user\n",
    "alpaca": "### Input:\nAnn: Hello.\n\n### Input:\nAnn:",
    "blockml": "▀message\nAnn: Hello.▄\n▀message\nAnn:",
    "blocks": "NOW: Ann: Hello.\nNOW: Ann:",
    "strict": "⟨[INST]⟩ Ann: Hello.\nAnn:",
}
IN_FRONT_OF_EVERYTHING = {
    "mistral": "[INST] SETUP\nAnn「",
    "vicuna": "SETUP\nUSER: Ann「",
    "blocks": "<sys>SETUP\nNOW: Ann:",
    "strict": "⟨[INST]⟩ SETUP\n\nAnn:",
}
BEHIND_A_NOTE = {
    "mistral": " ⟨</s>⟩[INST] (Rain.)\nAnn「",
    "vicuna": "⟨</s>⟩\nUSER: (Rain.)\nAnn「",
    "chatml": "⟨<|im_start|>⟩system\nRain.⟨<|im_end|>⟩\n⟨<|im_start|>⟩user\n",
    "blocks": "(Rain.)\nNOW: Ann:",
    "strict": "⟨</s>⟩⟨[INST]⟩ Rain.\nAnn:",
}


@pytest.mark.parametrize("name", BEHIND_A_REPLY)
def test_behind_a_reply_the_users_side_is_opened(name: str) -> None:

    assert spelt(rendered(name, drafted(SAID, REPLIED))) == BEHIND_A_REPLY[name]


@pytest.mark.parametrize("name", BEHIND_THE_USER)
def test_behind_a_line_of_the_user_it_is_one_more(name: str) -> None:
    assert spelt(rendered(name, drafted(REPLIED, SAID))).endswith(BEHIND_THE_USER[name])


@pytest.mark.parametrize("name", IN_FRONT_OF_EVERYTHING)
def test_before_anything_was_said_it_stands_behind_the_setup(name: str) -> None:
    assert spelt(rendered(name, drafted())) == IN_FRONT_OF_EVERYTHING[name]


@pytest.mark.parametrize("name", BEHIND_A_NOTE)
def test_a_note_stays_in_front_of_it(name: str) -> None:
    assert spelt(rendered(name, drafted(SAID, REPLIED, NOTE))).endswith(BEHIND_A_NOTE[name])


LINES = {
    "greeted": (REPLIED,),
    "answered": (SAID, REPLIED),
    "asked": (REPLIED, SAID),
    "noted": (SAID, REPLIED, NOTE),
    "noted before": (SAID, NOTE, REPLIED, SAID),
    "two in a row": (SAID, REPLIED, replace(REPLIED, by="Cy")),
}


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("name", FORMATS)
def test_nothing_in_front_of_it_changes(name: str, lines: str) -> None:
    """Up to the last word that was said, the prompt is that of a reply: nothing is read again."""
    draft = rendered(name, drafted(*LINES[lines]))
    reply = rendered(name, drafted(*LINES[lines], speaker="Bo"))
    told = [at for at, segment in enumerate(draft) if segment.origin not in ("format", "cue")]
    front = spelt(draft[: told[-1] + 1])
    assert front.endswith((LINES[lines][-1].text, f"{LINES[lines][-1].text}」", f"({LINES[lines][-1].text})"))
    assert spelt(reply).startswith(front)
    assert spelt(draft) != spelt(reply)


@pytest.mark.parametrize("name", FORMATS)
def test_asked_for_with_its_opening_it_is_the_same(name: str) -> None:
    opening = FORMATS[name].draft_opening("Ann")
    assert rendered(name, drafted(SAID, REPLIED, prefill=opening)) == rendered(name, drafted(SAID, REPLIED))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shown", ["「I thought", "I thought ", "Ann「I thought"])
def test_it_goes_on_from_what_is_written_already(name: str, shown: str) -> None:
    prefill = FORMATS[name].resume("Ann", shown)
    text = spelt(rendered(name, drafted(SAID, REPLIED, prefill=prefill)))
    assert text.endswith("I thought")
    assert text.count("Ann「Ann") == 0


@pytest.mark.parametrize("name", FORMATS)
def test_primed_it_begins_with_the_users_name(name: str) -> None:
    adapter = FORMATS[name]
    told = drafted(SAID, REPLIED, prefill=adapter.opening("Ann"), names=True)
    assert spelt(rendered(name, told)).endswith(("\nAnn:", " Ann:", " Ann「"))


def test_without_names_no_space_waits_for_it() -> None:
    alone = SequencesAdapter(replace(BLOCKS, names="never"))
    text = spelt(alone.render(drafted(SAID, REPLIED), Vocabulary(bos=None)))
    assert text.endswith("BOT: Evening.\nNOW:")


STOPS = {
    "mistral": Stops(
        control=("</s>",),
        any=("Bo「", "Cy「", "[INST]", "[/INST]"),
        line=("Bo:", "Bo：", "Cy:", "Cy：", "Bo(", "Bo（", "Cy(", "Cy（"),
    ),
    "chatml": Stops(
        control=("</s>", "<|im_end|>?", "<|im_start|>?", "[INST]"),
        any=("<|im_end|>", "<|im_start|>"),
        line=("Bo:", "Bo：", "Cy:", "Cy："),
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_the_members_end_it(name: str) -> None:
    assert FORMATS[name].stops(drafted(SAID)) == STOPS[name]


@pytest.mark.parametrize("name", [*FORMATS, "template"])
def test_the_user_does_not_end_it(name: str) -> None:
    stops = (FORMATS | {"template": Template()})[name].stops(drafted(SAID))
    assert {"Bo:", "Bo：", "Cy:"} <= set(stops.line)
    # In blocks every line has its own header, and a name in the middle of one is a block that was not closed.
    assert any(stop.startswith("Ann") for stop in (*stops.line, *stops.any)) == (name == "blockml")


def test_a_member_of_the_same_name_speaks_for_itself() -> None:
    told = replace(drafted(SAID), chars=(Character(name="Ann"), Character(name="Bo")))
    assert not told.drafting
    assert spelt(rendered("chatml", told)).endswith("assistant\n")


def test_where_the_model_is_to_choose_nothing_is_drafted() -> None:
    assert not replace(drafted(SAID), speaker="", user=Character(name="")).drafting
