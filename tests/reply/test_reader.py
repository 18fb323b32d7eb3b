"""The rules of a reply that hold for any text, any manners, and however the bytes are cut into pieces."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rpchat.reply.manners import Manners
from rpchat.reply.reader import End
from rpchat.story.preset import Reasoning
from tests.reply.helpers import STOPS, bytewise, cut_at, read, said

# Text that is often nearly a stop: made of the stops' own parts.
PARTS = st.sampled_from(
    ["悠", "人", "「", "」", ":", "：", "\n", " ", "*", "**", "Ste", "ve", "Steve:", "<|im_", "<|im_end", "|>", "###",
     " Input", "桜", "桜「", "桜:", "(OOC", "((", "))", "OOC:", ")", "あ", "x", "\x1b[31m", "\r\n", "é", "---\n",
     "<thi", "nk>", "</th", "<think>", "</think>"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=30).map("".join)
ENDS: st.SearchStrategy[End] = st.sampled_from(["eos", "stop", "max_tokens", "context", "cancelled"])
PREFILLS = st.sampled_from(["", "「", "He turned"])
MANNERS = st.builds(
    Manners,
    impersonation=st.sampled_from(["cut", "keep"]),
    out_of_character=st.sampled_from(["cut", "keep", "fold"]),
    reasoning=st.sampled_from([None, Reasoning(), Reasoning(opened=True)]),
)
LONGEST_MARK = len("**<|im_end|>**")


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8), ENDS, PREFILLS, MANNERS)
def test_any_split_gives_the_same_reply(text: str, places: list[int], end: End, prefill: str, manners: Manners) -> None:
    data = text.encode()
    whole = read([data], end, prefill=prefill, manners=manners)
    split = read(cut_at(data, places), end, prefill=prefill, manners=manners)
    single = read(bytewise(data), end, prefill=prefill, manners=manners)
    assert whole.reply == split.reply == single.reply
    assert whole.shown[-1] == split.shown[-1] == single.shown[-1]


@given(TEXTS, ENDS, PREFILLS, MANNERS)
def test_what_is_shown_only_grows_until_the_final_trim(text: str, end: End, prefill: str, manners: Manners) -> None:
    run = read(bytewise(text.encode()), end, prefill=prefill, manners=manners)
    assert all(later.startswith(earlier) for earlier, later in pairwise(run.shown))
    last, kept = run.shown[-1], run.reply.text
    assert kept.startswith(last) or last.startswith(kept)
    assert kept.startswith(prefill)


@given(TEXTS, ENDS, MANNERS)
def test_no_stop_and_no_escape_is_ever_shown(text: str, end: End, manners: Manners) -> None:
    visible = said(text, end, manners=manners).text
    assert "<|im_end|>" not in visible
    assert "\x1b" not in visible
    starts = [re.sub(r"^[ \t]*[*_]{0,3}", "", line) for line in visible.split("\n")]
    assert not any(start.startswith("### Input") for start in starts)
    assert not any(line.lstrip(" \t").startswith("桜:") for line in visible.split("\n"))
    if manners.impersonation == "cut":
        assert "悠人「" not in visible
        assert not any(start.startswith(("悠人:", "悠人：", "Steve:")) for start in starts)
    if manners.out_of_character != "keep":
        assert not any(start.startswith(("((", "OOC:")) for start in starts)


@given(TEXTS, MANNERS)
def test_no_more_is_held_back_than_could_still_become_something(text: str, manners: Manners) -> None:
    run = read([text.encode()], "cancelled", manners=manners)
    held = run.reply.text[len(run.shown[-1]) :]
    assert len(held.strip()) <= LONGEST_MARK


@given(st.lists(st.tuples(st.booleans(), TEXTS), min_size=1, max_size=5), ENDS, st.booleans())
def test_nothing_of_thoughts_and_folded_lines_is_shown(lines: list[tuple[bool, str]], end: End, opened: bool) -> None:
    hidden = str.maketrans("あx悠", "思思思", "<>\r\n()（）[]")
    text = "" if opened else "\n<think>"
    text += f"思{lines[0][1].translate(hidden)}思</think>"
    for aside, line in lines:
        text += f"\n((思{line.translate(hidden)}思))" if aside else f"\n{line}"
    reply = said(text, end, manners=Manners("cut", "fold", Reasoning(opened=opened)))
    assert "思" not in reply.text
    assert reply.folded[0].kind == "reasoning"
    assert all(0 <= fold.at <= len(reply.text) for fold in reply.folded)
    assert [fold.at for fold in reply.folded] == sorted(fold.at for fold in reply.folded)


def test_what_was_cut_is_kept_for_the_record() -> None:
    reply = said("「はい」\n悠人「あり", "cancelled")
    assert (reply.text, reply.finish, reply.removed) == ("「はい」", "user_turn", "\n悠人「あり")
    assert not reply.whole


def test_what_was_cut_can_be_put_back() -> None:
    for told in ("Yes.\n\n* * *\n\n  **Steve:** No.\nOh.", "Yes.\n((brb))\nBack."):
        reply = said(told)
        assert reply.text == "Yes."
        assert reply.text + reply.removed == told


def test_a_reply_to_its_end_is_whole() -> None:
    reply = said(" 桜「はい。」")
    assert reply.whole
    assert reply.text == "「はい。」"


def test_a_line_of_somebody_elses_stays_where_impersonation_is_kept() -> None:
    manners = Manners(impersonation="keep")
    told = "「はい」\n悠人「うん」\nSteve: Yes."
    assert said(told, manners=manners).text == told
    ended = said(told + "<|im_end|>more", manners=manners)
    assert (ended.text, ended.finish, ended.removed) == (told, "stop", "<|im_end|>more")


def test_what_follows_the_own_name_begins_a_line() -> None:
    assert said("桜: Steve: run").finish == "empty"
    assert said("桜: 桜: Run!").text == "Run!"
    assert said("*桜: smiles*\n**桜: Hm.**").text == "*smiles*\n**Hm.**"
    assert said("Hm.\n桜: (OOC: brb)").finish == "ooc"


def test_a_reply_of_nothing_but_a_scene_break_is_empty() -> None:
    reply = said("\n---\n")
    assert (reply.text, reply.finish, reply.cause) == ("", "empty", "eos")


def test_a_full_context_is_the_cause_of_nothing() -> None:
    assert said("  ", "context").cause == "context"
    assert said("Yes. And", "context").finish == "length"


def test_the_stops_stand_as_they_are_given() -> None:
    for stop in STOPS.any:
        assert said(f"Yes.{stop}").removed == stop
