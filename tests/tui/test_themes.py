from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from rpchat.tui.themes import NAMES, OWN, contrast, name_variable, story_variables

ORIGINS = [f"prompt-{name}" for name in ("control", "format", "setup", "lore", "note", "history", "cue")]
STORY = [
    "speech", "thought", "action", "emphasis", "ooc", "quote", *(f"name-{n + 1}" for n in range(NAMES)), *ORIGINS,
]  # fmt: skip


@pytest.mark.parametrize("theme", OWN, ids=lambda theme: theme.name)
def test_our_themes_can_be_read(theme: Theme) -> None:
    page = Color.parse(theme.background or "")
    for name in STORY:
        assert contrast(Color.parse(theme.variables[name]), page) >= 4.5, name


@pytest.mark.parametrize("theme", [t for t in BUILTIN_THEMES.values() if not t.ansi], ids=lambda theme: theme.name)
def test_every_other_theme_gets_colours_that_can_be_read(theme: Theme) -> None:
    page = Color.parse(theme.to_color_system().generate()["background"])
    variables = story_variables(theme)
    for name in STORY:
        assert contrast(Color.parse(variables[name]), page) >= 4.5, name


@pytest.mark.parametrize("theme", [t for t in BUILTIN_THEMES.values() if t.ansi], ids=lambda theme: theme.name)
def test_the_terminals_own_colours_stay_its_own(theme: Theme) -> None:
    variables = story_variables(theme)
    assert {*STORY, "rule"} <= set(variables)
    assert all(value.startswith("ansi_") for value in variables.values())


def test_a_name_keeps_its_colour() -> None:
    assert name_variable("sakura") == name_variable("sakura")
    assert len({name_variable(f"card-{n}") for n in range(60)}) == NAMES
