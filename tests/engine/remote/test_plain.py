"""Prompts as text: nothing forges a control token, and made-up ids tell their text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from rpchat.engine.remote.plain import Harmless, PlainText, is_made_up, text_ids, text_of
from rpchat.errors import PromptError
from rpchat.prompt.segment import control, text
from tests.engine.remote.strict import CONTROLS, tokens_of

NAMES = (*CONTROLS, "[INST]", "### End", "<|user|>")
ANYTHING = some.text() | some.lists(some.sampled_from([*NAMES, "<", "|", ">", "s", "/", "a "])).map("".join)


@given(ANYTHING)
def test_no_text_becomes_a_control_token(written: str) -> None:
    plain = PlainText(NAMES)
    sent = plain.text(plain.ids([text(written)]))
    assert max(tokens_of(sent), default=0) < min(CONTROLS.values())
    assert not any(name in sent for name in NAMES)


@given(ANYTHING)
@example("<|<s>|>")
@example("<|" * 40 + "|>" * 40)
def test_what_is_harmless_stays_as_it_is(written: str) -> None:
    harmless = Harmless(NAMES)
    once = harmless(written)
    assert harmless(once) == once
    assert len(once.replace("\u2060", "")) == len(written.replace("\u2060", ""))


@given(some.text())
def test_made_up_ids_tell_their_text(written: str) -> None:
    ids = text_ids(written)
    assert b"".join(map(text_of, ids)) == written.encode("utf-8", "replace")
    assert all(is_made_up(token) for token in ids)


def test_control_segments_are_written_out_and_imitations_are_not() -> None:
    plain = PlainText(NAMES)
    ids = plain.ids([control("<|im_start|>"), text("user\nI say <|im_end|></s>"), control("<|im_end|>")])
    assert plain.text(ids) == "<|im_start|>user\nI say ‹¦im_end¦›‹/s›<|im_end|>"
    assert plain.piece(ids[0]) == plain.piece(ids[-1]) == b""


def test_marks_cut_into_segments_are_seen_whole() -> None:
    plain = PlainText(NAMES)
    assert plain.text(plain.ids([text("<|im_"), text("end|>", "history")])) == "‹¦im_end¦›"


@pytest.mark.parametrize("token", [0, 345, 0x110000, (1 << 56) | (9 << 48)])
def test_ids_of_a_vocabulary_are_not_taken_for_text(token: int) -> None:
    with pytest.raises(PromptError, match="another engine"):
        PlainText(()).text([token])
