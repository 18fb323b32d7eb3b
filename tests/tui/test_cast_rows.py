from __future__ import annotations

import pytest
from rich.cells import cell_len

from rpchat.story.card import Card
from rpchat.story.casting import Choice
from rpchat.story.scene import Member, SceneSettings
from rpchat.tui.cast_rows import CastLook, cast_text, member_at, talk_bar

MEMBERS = (
    Member("bram", Card(name="Bram", talkativeness=0.6)),
    Member("chen", Card(name="Chen with a name that has no end to it", talkativeness=0.2)),
    Member("hana", Card(name="桜の館の花子さんと桜の館の花子さん"), muted=True),
    Member("ilse", Card(name="Ilse", talkativeness=1), away=True),
)
CHOICE = Choice(who="bram", why="Bram was named", odds={"bram": 0.62, "chen": 0.38, "hana": 0.0, "ilse": 0.0})
LOOK = CastLook(members=MEMBERS, settings=SceneSettings(casting="natural", presence=True), choice=CHOICE)


def rows(look: CastLook, *, marked: int = 0, width: int = 36) -> list[str]:
    return cast_text(look, marked=marked, keys={}, width=width).plain.split("\n")


def test_a_member_is_a_row_with_odds_or_the_reason_it_has_none() -> None:
    shown = rows(LOOK, marked=1)
    assert shown[0].startswith("Cast")
    assert shown[0].endswith("F2")
    assert shown[2].startswith(" 1 ● Bram ")
    assert shown[2].endswith("▁▃▅     62 %")
    assert shown[3].startswith("▸2 ○ Chen with")
    assert shown[3].endswith("▁       38 %")
    assert shown[4].endswith(" muted")
    assert shown[5].endswith("▁▃▅▆█   away")


def test_who_is_next_and_why_and_how_it_is_decided() -> None:
    text = "\n".join(rows(LOOK, width=60))
    assert "0 next: Bram (Bram was named)" in text
    assert "s who's next natural: who was named, else who likes to talk" in text
    assert "o sheets     joined" in text
    assert "p presence   on" in text
    assert "g auto       off" in text


def test_who_speaks_is_said_instead() -> None:
    shown = "\n".join(rows(CastLook(members=MEMBERS, speaking="chen", choice=CHOICE, auto="2 of 6"), width=60))
    assert "speaks" in shown
    assert "next:" not in shown
    assert "2 ● Chen" in shown
    assert "auto       2 of 6" in shown


def test_nobody_speaks_by_himself() -> None:
    choice = Choice(who=None, why="you choose", odds={})
    shown = rows(CastLook(members=MEMBERS, choice=choice), width=60)
    assert "0 next: nobody by himself (you choose)" in shown
    assert not any("●" in row for row in shown)


@pytest.mark.parametrize("width", [18, 24, 30, 36, 76])
def test_no_row_is_wider_than_the_panel(width: int) -> None:
    look = CastLook(members=MEMBERS, settings=SceneSettings(scenario="霧の出た灯台" * 20), line="…" * 80)
    wide = max(24, width)
    assert all(cell_len(row) <= wide for row in rows(look, width=width))


def test_the_row_of_a_click_is_found() -> None:
    assert [member_at(row, LOOK) for row in (1, 2, 5, 6)] == [None, 0, 3, None]


@pytest.mark.parametrize(("talks", "bar"), [(0, "·    "), (0.2, "▁    "), (0.5, "▁▃   "), (1, "▁▃▅▆█")])
def test_how_readily_a_member_talks(talks: float, bar: str) -> None:
    assert talk_bar(talks) == bar
