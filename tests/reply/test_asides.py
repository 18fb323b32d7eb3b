from __future__ import annotations

import pytest

from rpchat.reply.manners import Manners
from tests.reply.helpers import reader_of, said

FOLDS = Manners(out_of_character="fold")


@pytest.mark.parametrize(
    ("text", "visible", "folds"),
    [
        ("A.\n((brb))\nB.", "A.\nB.", [("((brb))", 3)]),
        ("A.\n\n(OOC: who is next?)\n\nB.", "A.\n\nB.", [("(OOC: who is next?)", 4)]),
        ("A.\n\n((x))\nB.", "A.\n\nB.", [("((x))", 4)]),
        ("A.\nOOC: is (this) fine?\nB.", "A.\nB.", [("OOC: is (this) fine?", 3)]),
        ("((x)) B.", "B.", [("((x))", 0)]),
        ("（（ねえ））「はい」", "「はい」", [("（（ねえ））", 0)]),
        ("A.\n((a (b) c))\n[OOC: d]\n\nB.", "A.\n\nB.", [("((a (b) c))", 4), ("[OOC: d]", 4)]),
        ("A.\n((never closed\nB.", "A.\nB.", [("((never closed", 3)]),
        ("A.\n((at the end", "A.", [("((at the end", 2)]),
        ("A.\n(OOC) B.", "A.\nB.", [("(OOC)", 3)]),
        ("A.\n**((x))** B.", "A.\nB.", [("**((x))", 3)]),
        ("A.\n*(OOC: x)*\nB.", "A.\nB.", [("*(OOC: x)", 3)]),
        ("Hm ((x)) hm.", "Hm ((x)) hm.", []),
        ("A.\n(smiles) B.", "A.\n(smiles) B.", []),
    ],
)
def test_lines_outside_the_story_are_taken_out(text: str, visible: str, folds: list[tuple[str, int]]) -> None:
    reply = said(text, manners=FOLDS)
    assert reply.text == visible
    assert [(fold.text, fold.at) for fold in reply.folded] == folds
    assert all(fold.kind == "ooc" for fold in reply.folded)
    assert reply.finish == "eos"
    assert reply.whole is not bool(folds)


def test_a_reply_that_was_only_that_is_empty() -> None:
    reply = said(" (OOC: who is next?)", manners=FOLDS)
    assert (reply.text, reply.finish, reply.cause) == ("", "empty", "ooc")
    assert [fold.text for fold in reply.folded] == ["(OOC: who is next?)"]


def test_what_follows_on_the_line_begins_it() -> None:
    assert said("A.\n((x)) Steve: hi", manners=FOLDS).finish == "other_turn"
    assert said("A.\n((x)) ((y)) B.", manners=FOLDS).text == "A.\nB."
    assert said("A.\n((x)) 桜: B.", manners=FOLDS).text == "A.\nB."


def test_a_delimiter_ends_the_reply_there_too() -> None:
    reply = said("A.\n((x<|im_end|>y))", manners=FOLDS)
    assert (reply.text, reply.finish, reply.removed) == ("A.", "stop", "\n<|im_end|>y))")
    assert [fold.text for fold in reply.folded] == ["((x"]


def test_the_reply_goes_on_while_it_streams() -> None:
    reader = reader_of(manners=FOLDS)
    assert [reader.feed(piece) for piece in (b"A.\n(", b"(x", b"))", b"\nB", b".")] == ["A.", "", "", "\nB", "."]
    assert not reader.done


def test_kept_lines_stay() -> None:
    reply = said("A.\n((x))\nB.", manners=Manners(out_of_character="keep"))
    assert (reply.text, reply.folded, reply.whole) == ("A.\n((x))\nB.", (), True)


def test_cut_lines_end_the_reply() -> None:
    reply = said("A.\n((x))\nB.")
    assert (reply.text, reply.finish, reply.removed) == ("A.", "ooc", "\n((x))\nB.")
