from __future__ import annotations

import pytest

from rpchat.reply.manners import Fold, Manners
from rpchat.reply.thoughts import Thoughts, closed_thoughts
from rpchat.story.preset import Reasoning
from tests.reply.helpers import read, reader_of, said

THINKS = Manners(reasoning=Reasoning())
OPENED = Manners(reasoning=Reasoning(opened=True))


@pytest.mark.parametrize(
    ("text", "visible", "thoughts"),
    [
        ("<think>Steve: he lies.</think>\n\nNo.", "No.", ["Steve: he lies."]),
        ("\n <think>\na\n\nb <|im_end|>\n</think>桜: No.", "No.", ["a\n\nb <|im_end|>"]),
        ("<think>\n\n</think>\n\nNo.", "No.", []),
        ("<think>a</think>\n<think>b</think>No.", "No.", ["a", "b"]),
        ("No <think>a</think>", "No <think>a</think>", []),
        ("<thin ice", "<thin ice", []),
        ("<think", "<think", []),
        ("<think>a </thin b</think>No.", "No.", ["a </thin b"]),
    ],
)
def test_thoughts_are_put_away(text: str, visible: str, thoughts: list[str]) -> None:
    reply = said(text, manners=THINKS)
    assert reply.text == visible
    assert reply.folded == tuple(Fold(kind="reasoning", text=thought, at=0) for thought in thoughts)
    assert reply.whole


def test_without_reasoning_nothing_is_a_thought() -> None:
    assert said("<think>a</think>No.").text == "<think>a</think>No."


def test_a_reply_may_begin_inside() -> None:
    reply = said("Hm.\n</think>\n\nNo.", manners=OPENED)
    assert (reply.text, reply.folded) == ("No.", (Fold(kind="reasoning", text="Hm.", at=0),))


def test_behind_what_is_shown_already_the_thoughts_are_over() -> None:
    assert said(" and left.", prefill="He turned", manners=OPENED).text == "He turned and left."
    reply = said("<think>a</think> and left.", prefill="He turned", manners=THINKS)
    assert reply.text == "He turned and left."
    assert reply.folded == (Fold(kind="reasoning", text="a", at=9),)


@pytest.mark.parametrize(
    "text", ["<think>", "<think>He lies.", "<think>a</thi", "<think>a</think>", "<think>a</think>\n\n「」"]
)
@pytest.mark.parametrize("end", ["eos", "stop", "max_tokens", "context"])
def test_only_thoughts_are_no_reply(text: str, end: str) -> None:
    reply = said(text, end, manners=THINKS)  # type: ignore[arg-type]
    assert (reply.text, reply.finish, reply.cause) == ("", "empty", "reasoning")


def test_thoughts_that_never_began_to_end_are_the_cause() -> None:
    assert said("", manners=OPENED).cause == "reasoning"
    assert said("", manners=THINKS).cause == "eos"


def test_what_came_behind_the_thoughts_is_the_cause() -> None:
    reply = said("<think>a</think>Steve: Hello.", manners=THINKS)
    assert (reply.cause, reply.removed) == ("other_turn", "Steve: Hello.")


def test_a_reply_cancelled_in_its_thoughts_keeps_them() -> None:
    reply = said("<think>He l", "cancelled", manners=THINKS)
    assert (reply.text, reply.finish) == ("", "cancelled")
    assert reply.folded == (Fold(kind="reasoning", text="He l", at=0),)


def test_the_screen_can_see_it_think() -> None:
    reader = reader_of(manners=THINKS)
    seen = []
    for piece in (b"<thi", b"nk>\nHe ", b"lies. </", b"think>", b"No."):
        reader.feed(piece)
        seen.append((reader.thinking, reader.thoughts, reader.text))
    assert seen == [
        (False, "", ""),
        (True, "He ", ""),
        (True, "He lies. ", ""),
        (False, "He lies.", ""),
        (False, "He lies.", "No."),
    ]


@pytest.mark.parametrize("reasoning", [Reasoning(), Reasoning(prefix="<think>\n", suffix="\n</think>", opened=True)])
def test_thoughts_can_be_closed_for_the_model(reasoning: Reasoning) -> None:
    thoughts = Thoughts(reasoning, inside=reasoning.opened)
    assert thoughts.feed(closed_thoughts(reasoning) + "No.") == "\n\nNo."
    assert thoughts.blocks == []


def test_thoughts_do_not_loop_and_do_not_end_the_reply() -> None:
    run = read([b"<think>" + b"Steve: no. " * 80 + b"</think>Yes."], manners=THINKS)
    assert (run.reply.text, run.reply.finish, run.done[-1]) == ("Yes.", "eos", False)
