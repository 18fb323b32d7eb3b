from __future__ import annotations

import random

import pytest

from rpchat.reply.loops import period_at_end, without_loop
from tests.reply.helpers import bytewise, cut_at, read, said

PHRASE = "The light turned. "


def test_without_loop() -> None:
    assert without_loop("a b c d") is None
    assert without_loop("Ha! " * 3) is None
    assert without_loop(" " * 40) is None
    assert without_loop("No. " + "Never again. " * 8 + "Never") == "No. Never again."
    assert without_loop("Ha, ha, ha, ha. Then:" + " once more" * 9) == "Ha, ha, ha, ha. Then: once more"


def test_what_stood_there_before_is_kept_and_not_looked_at() -> None:
    before = PHRASE * 9
    assert without_loop(before + "Then.", keep=len(before)) is None
    assert without_loop(before + PHRASE * 9, keep=len(before)) == before + PHRASE.rstrip()


def test_a_long_stretch_is_found_too() -> None:
    verse = "".join(random.Random(5).choices("abcdefgh ", k=397))
    assert period_at_end("x" + verse * 4, shortest=240) == 397
    assert period_at_end(verse * 4, shortest=1600) is None
    assert without_loop(f"One.{verse * 4}") is not None


@pytest.mark.parametrize("phrase", [PHRASE, "大好きです、", "あ", "「そう？」\n「うん。」\n"])
def test_a_loop_beyond_doubt_ends_the_reply(phrase: str) -> None:
    data = f"He sighed. {phrase * 400}".encode()
    run = read(bytewise(data))
    at = run.done.index(True)
    assert len(run.shown[at]) <= 240 + 4 * len(phrase) + 32
    assert run.shown[at] == run.shown[-1]
    assert (run.reply.finish, run.reply.cause, run.reply.whole) == ("loop", "loop", False)
    assert 0 < len(run.reply.text) <= len("He sighed. ") + max(4, len(phrase)) + 1
    assert "He sighed. " + phrase[0] in run.reply.text
    for seed in range(6):
        places = random.Random(seed).sample(range(len(data)), k=8)
        assert read(cut_at(data, places)).reply == run.reply


def test_a_loop_in_the_middle_hides_what_comes_behind_it() -> None:
    reply = said("Well. " + PHRASE * 30 + "\n((x))\nSteve: hi", "cancelled")
    assert (reply.text, reply.finish, reply.removed) == ("Well. The light turned.", "loop", "")


def test_a_short_repetition_that_ends_by_itself_is_untouched() -> None:
    assert said(PHRASE * 12).text == (PHRASE * 12).rstrip()
    assert said(PHRASE * 12).finish == "eos"
    assert said(PHRASE * 12, "max_tokens").finish == "loop"


def test_prose_is_no_loop() -> None:
    prose = " ".join(f"On day {day} the old sailor counted {day * 7} gulls above the harbour." for day in range(90))
    run = read([prose.encode()])
    assert run.done == [False, False]
    assert run.reply.text == prose


def test_nothing_said_over_and_over_is_empty() -> None:
    reply = said("「」\n" * 90)
    assert (reply.finish, reply.cause) == ("empty", "loop")
