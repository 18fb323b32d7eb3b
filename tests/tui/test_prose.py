from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.tui.prose import spans, to_content

MARKS = st.text(alphabet="ab AB\n\"“”「」『』«»*_()（）[]`'>ooc:あ。😠\t§", max_size=60)


def by_character(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every character of `text` with the styles it stands in."""
    return [(character, span.styles) for span in spans(text) for character in span.text]


def styled(text: str, wanted: str) -> list[str]:
    """The runs of `text` that stand in the style `wanted`, neighbouring pieces joined."""
    runs: list[str] = []
    open_run = False
    for span in spans(text):
        if wanted in span.styles:
            if open_run:
                runs[-1] += span.text
            else:
                runs.append(span.text)
        open_run = wanted in span.styles
    return runs


@given(st.text() | MARKS)
def test_nothing_is_swallowed(text: str) -> None:
    assert "".join(span.text for span in spans(text)) == text


@given(MARKS)
def test_painting_keeps_the_text(text: str) -> None:
    assert to_content(text).plain == text.replace("\x0b", "").replace("\x0c", "")


@given(MARKS, MARKS)
def test_what_is_in_another_paragraph_changes_nothing(one: str, other: str) -> None:
    if "```" in one or "```" in other:
        return
    together = by_character(f"{one}\n\n{other}")
    assert together[len(one) + 2 :] == by_character(other)


@pytest.mark.parametrize(
    "text",
    ['"Hello," he said', "“Hello,” he said", "「おはよう」と言う", "『本』", "«Bonjour» dit-il", "„Guten Tag“ sagt er"],
)
def test_speech_in_every_quote(text: str) -> None:
    (speech,) = styled(text, "speech")
    assert text.startswith(speech)
    assert len(speech) >= 3


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [
        ("*She nods.* Well.", "action", ["*She nods.*"]),
        ("*「こんにちは」*と言う", "action", ["*「こんにちは」*"]),
        ("**「強調」**です", "emphasis", ["**「強調」**"]),
        ("_Again_, he thought.", "thought", ["_Again_"]),
        ("彼は_まさか_と思った", "thought", ["_まさか_"]),
        ('"I *really* mean it"', "emphasis", ["*really*"]),
        ("「おはよう」(階段を降りて)（嬉しい）", "scene", ["(階段を降りて)"]),
        ("「おはよう」(階段を降りて)（嬉しい）", "feeling", ["（嬉しい）"]),
        ("((brb)) so", "ooc", ["((brb))"]),
        ("[OOC: one moment] so", "ooc", ["[OOC: one moment]"]),
        ("> a sign\nand more", "quote", ["> a sign\n"]),
        ("```\n*log*\n```\nend", "fence", ["```\n*log*\n```\n"]),
        ("She screamed NOOO WAY then", "loud", ["NOOO", "WAY"]),
        ("😠😡 *He growls.*", "mood", ["😠😡"]),
        ("((a (b) c)) d", "ooc", ["((a (b) c))"]),
    ],
)
def test_styles(text: str, style: str, expected: list[str]) -> None:
    assert styled(text, style) == expected


@pytest.mark.parametrize(
    "text",
    [
        "snake_case_name",
        "it's the dogs' bowl",
        "5 * 3 = 15",
        "f*ck",
        "name(s)",
        ":( oh",
        "I am OK",
        "5'10\" tall",
        "Henry VIII",
    ],
)
def test_what_is_no_mark(text: str) -> None:
    assert all(not span.styles for span in spans(text))


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [
        ("*walks in", "action", ["*walks in"]),
        ("*walks in\n\nlater", "action", ["*walks in\n"]),
        ("「続く\n二行目", "speech", ["「続く\n二行目"]),
        ("「続く\n\n地の文", "speech", ["「続く\n"]),
        ('"open', "speech", ['"open']),
        ('"open\n"next"', "speech", ['"open\n"next"']),
        ("```\ncode", "fence", ["```\ncode"]),
    ],
)
def test_a_mark_that_is_not_closed_yet(text: str, style: str, expected: list[str]) -> None:
    assert styled(text, style) == expected


def test_every_prefix_of_a_reply_keeps_the_style_of_what_was_shown() -> None:
    text = '「おはよう」*笑って* "Good *very* good" _hm_'
    whole = by_character(text)
    for end in range(1, len(text)):
        if text[end - 1] in "*_" or text[end] in "*_":
            continue
        assert by_character(text[:end]) == whole[:end]


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ('"Hi there," he', "speech"),
        ("“Hi there,” he", "speech"),
        ("„Ja so“ sagt", "speech"),
        ("「はい、そう」と", "speech"),
        ("『本だよ』だ", "speech"),
        ("«Oui oui» dit", "speech"),
        ("*waves a lot* x", "action"),
        ("_hm hm_ x", "thought"),
        ("**big one** x", "emphasis"),
        ("(leaves it) x", "scene"),
        ("（嬉しいな）x", "feeling"),
        ("((brb now)) x", "ooc"),
        ("(OOC: hi you) x", "ooc"),
        ("[OOC: hi you] x", "ooc"),
        ("> a sign\nx", "quote"),
        ("```\na b\n```\ny", "fence"),
        ("😠 *grr argh*", "mood"),
    ],
)
def test_each_style_looks_the_same_while_it_is_open_as_when_it_is_closed(text: str, style: str) -> None:
    whole = by_character(text)
    inside = [place for place, (letter, styles) in enumerate(whole) if style in styles and letter.isalpha()]
    ooc = text.find("OOC") + len("OOC")
    for end in range(max(ooc, 1) + 1 if ooc >= len("OOC") else 1, len(text)):
        shown = by_character(text[:end])
        assert all(shown[place] == whole[place] for place in inside if place < end)
    assert inside or style == "mood"


def test_the_cursor_is_behind_the_text() -> None:
    assert to_content("abc", cursor="▍").plain == "abc▍"
