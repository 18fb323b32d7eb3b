from __future__ import annotations

import pytest

from rpchat.reply.ending import says_nothing, to_last_sentence, without_trailing_break
from tests.reply.helpers import said

BREAKS = ["---", "***", "* * *", "◇◇◇", "＊＊＊", "───", "＊　＊　＊", "~~~", "===", "-" * 64]


@pytest.mark.parametrize("line", BREAKS)
def test_a_scene_break_stays_inside_and_goes_at_the_end(line: str) -> None:
    assert said(f"Night fell.\n\n{line}\n\nArty woke.").text == f"Night fell.\n\n{line}\n\nArty woke."
    assert said(f"Arty left.\n\n{line}\n").text == "Arty left."
    assert said(f"Arty left.\n{line}\n\n{line}").text == "Arty left."


def test_what_is_no_line_of_its_own_stays() -> None:
    assert without_trailing_break("Wait ---") == "Wait ---"
    assert without_trailing_break("「――」") == "「――」"
    assert without_trailing_break("A\n……") == "A\n……"


def test_what_was_there_before_stays() -> None:
    assert without_trailing_break("A.\n---", keep=6) == "A.\n---"
    assert said(" ", prefill="A.\n---").text == "A.\n---"
    assert to_last_sentence("A. B. and", keep=5) == "A. B. and"


def test_says_nothing() -> None:
    assert says_nothing("「」")
    assert says_nothing(' "" ')
    assert says_nothing("* * *\n\n---")
    assert not says_nothing("「……」")
    assert not says_nothing("「――」")
    assert not says_nothing("桜")
