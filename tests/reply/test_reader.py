"""The rules of a reply that hold for any text, however it is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rpchat.prompt.segment import Stops
from rpchat.reply.ending import says_nothing, without_loop
from rpchat.reply.reader import End, Reply, ReplyReader

STOPS = Stops(any=("悠人「", "<|im_end|>"), line=("悠人:", "悠人：", "Steve:", "### Input"))
# Text that is often nearly a stop: made of the stops' own parts.
PARTS = st.sampled_from(
    ["悠", "人", "「", "」", ":", "：", "\n", " ", "*", "**", "Ste", "ve", "<|im_", "<|im_end", "|>", "###", " Input",
     "桜", "桜「", "Arty", "(OOC", "あ", "x", "\x1b[31m", "\r\n", "é"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=30).map("".join)
ENDS: st.SearchStrategy[End] = st.sampled_from(["eos", "stop", "max_tokens", "cancelled"])


def read(chunks: list[bytes], end: End, *, prefill: str = "") -> tuple[Reply, list[str]]:
    reader = ReplyReader(stops=STOPS, user="悠人", speaker="桜", others=("Steve",), prefill=prefill)
    shown = [reader.text]
    for chunk in chunks:
        reader.feed(chunk)
        shown.append(reader.text)
    return reader.finish(end), shown


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8), ENDS, st.sampled_from(["", "「", "He turned"]))
def test_any_split_gives_the_same_reply(text: str, cuts: list[int], end: End, prefill: str) -> None:
    data = text.encode()
    places = sorted({min(cut, len(data)) for cut in cuts})
    chunks = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    whole, _ = read([data], end, prefill=prefill)
    split, shown = read(chunks, end, prefill=prefill)
    bytewise, _ = read([data[i : i + 1] for i in range(len(data))], end, prefill=prefill)
    assert whole == split == bytewise
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))


@given(TEXTS, ENDS)
def test_no_stop_and_no_escape_is_ever_shown(text: str, end: End) -> None:
    reply, _ = read([text.encode()], end)
    assert "悠人「" not in reply.text
    assert "<|im_end|>" not in reply.text
    assert "\x1b" not in reply.text
    for line in reply.text.split("\n"):
        assert not line.lstrip(" \t*_").startswith(("悠人:", "悠人：", "Steve:", "### Input"))


def test_what_was_cut_is_kept_for_the_record() -> None:
    reply, _ = read(["「はい」\n悠人「あり".encode()], "cancelled")
    assert (reply.text, reply.finish, reply.removed) == ("「はい」", "user_turn", "悠人「あり")
    assert not reply.whole


def test_a_reply_to_its_end_is_whole() -> None:
    reply, _ = read([" 桜「はい。」".encode()], "eos")
    assert reply.whole
    assert reply.text == "「はい。」"


def test_says_nothing() -> None:
    assert says_nothing("「」")
    assert says_nothing(' "" ')
    assert not says_nothing("「……」")


def test_without_loop() -> None:
    assert without_loop("a b c d") is None
    assert without_loop("Ha! " * 3) is None
    assert without_loop("No. " + "Never again. " * 8 + "Never") == "No. Never again."
