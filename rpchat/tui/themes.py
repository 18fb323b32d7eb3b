"""The themes: three of our own, and for every other one the colours a story needs, derived from what it has."""

from __future__ import annotations

from hashlib import blake2b

from textual.color import Color
from textual.theme import Theme

from rpchat.story.scene import Member

NAMES = 8
"""How many colours there are for names."""

DEFAULT = "ink"

_CONTRAST = 4.5
"""Least contrast of story text against the page (WCAG 2, AA)."""

INK = Theme(
    name="ink",
    dark=True,
    primary="#8fb3d9",
    secondary="#7f9c8f",
    accent="#d9b26f",
    foreground="#cfcac0",
    background="#16181c",
    surface="#1c1f24",
    panel="#23272d",
    warning="#dba85a",
    error="#e0787a",
    success="#8fbf8a",
    variables={
        "speech": "#ece5d3",
        "thought": "#a9b8d6",
        "action": "#a39c8f",
        "emphasis": "#f4dda6",
        "ooc": "#7f8691",
        "quote": "#9dbba8",
        "rule": "#343941",
        "name-1": "#e6a98a",
        "name-2": "#8fc3e8",
        "name-3": "#b5cf8e",
        "name-4": "#d8a6d6",
        "name-5": "#e8c777",
        "name-6": "#86cfc3",
        "name-7": "#f0a0ac",
        "name-8": "#b3b2ec",
        "prompt-control": "#d9b26f",
        "prompt-format": "#7f8691",
        "prompt-setup": "#8fc3e8",
        "prompt-lore": "#b5cf8e",
        "prompt-note": "#f0a0ac",
        "prompt-history": "#ece5d3",
        "prompt-cue": "#d8a6d6",
        "block-cursor-background": "#2c3440",
        "block-cursor-foreground": "#f3eddd",
        "block-cursor-text-style": "none",
        "input-selection-background": "#8fb3d9 30%",
        "scrollbar": "#343941",
        "scrollbar-background": "#16181c",
        "scrollbar-hover": "#4a515c",
        "scrollbar-background-hover": "#16181c",
    },
)
"""Dark: ink blue page, warm speech."""

PAPER = Theme(
    name="paper",
    dark=False,
    primary="#2f5d8a",
    secondary="#51705f",
    accent="#96591b",
    foreground="#36322b",
    background="#f6f1e5",
    surface="#efe8d8",
    panel="#e6dec9",
    warning="#8a5a00",
    error="#a8322f",
    success="#3d6b35",
    variables={
        "speech": "#1b1814",
        "thought": "#3d5580",
        "action": "#6a6152",
        "emphasis": "#7a3e06",
        "ooc": "#6f6859",
        "quote": "#3f6350",
        "rule": "#d5cbb4",
        "name-1": "#a2431c",
        "name-2": "#1f5f96",
        "name-3": "#4c6b14",
        "name-4": "#8a3a86",
        "name-5": "#7d5a00",
        "name-6": "#0f6a60",
        "name-7": "#a92c48",
        "name-8": "#5146a6",
        "prompt-control": "#96591b",
        "prompt-format": "#6f6859",
        "prompt-setup": "#1f5f96",
        "prompt-lore": "#4c6b14",
        "prompt-note": "#a92c48",
        "prompt-history": "#1b1814",
        "prompt-cue": "#8a3a86",
        "block-cursor-background": "#e2d7bd",
        "block-cursor-foreground": "#1b1814",
        "block-cursor-text-style": "none",
        "input-selection-background": "#2f5d8a 25%",
        "scrollbar": "#d5cbb4",
        "scrollbar-background": "#f6f1e5",
        "scrollbar-hover": "#bfb397",
        "scrollbar-background-hover": "#f6f1e5",
    },
)
"""Light: unbleached paper, dark ink."""

YOZAKURA = Theme(
    name="yozakura",
    dark=True,
    primary="#e5a4bd",
    secondary="#9a93c4",
    accent="#f2b8cd",
    foreground="#d3cbd8",
    background="#17131f",
    surface="#1e1929",
    panel="#272034",
    warning="#e6b878",
    error="#ef7f8f",
    success="#9dc7a4",
    variables={
        "speech": "#f6e9ee",
        "thought": "#b6b3e6",
        "action": "#ab9fb4",
        "emphasis": "#ffd0de",
        "ooc": "#887d96",
        "quote": "#a4bfc9",
        "rule": "#3b3149",
        "name-1": "#f3a9c4",
        "name-2": "#9cc0f0",
        "name-3": "#b8d3a2",
        "name-4": "#cba9ee",
        "name-5": "#ecca90",
        "name-6": "#93d2d0",
        "name-7": "#f6a79a",
        "name-8": "#b9b8f2",
        "prompt-control": "#f2b8cd",
        "prompt-format": "#887d96",
        "prompt-setup": "#9cc0f0",
        "prompt-lore": "#b8d3a2",
        "prompt-note": "#f6a79a",
        "prompt-history": "#f6e9ee",
        "prompt-cue": "#cba9ee",
        "block-cursor-background": "#3a2c45",
        "block-cursor-foreground": "#fbeef3",
        "block-cursor-text-style": "none",
        "input-selection-background": "#e5a4bd 30%",
        "scrollbar": "#3b3149",
        "scrollbar-background": "#17131f",
        "scrollbar-hover": "#544566",
        "scrollbar-background-hover": "#17131f",
    },
)
"""夜桜, cherry blossom at night: dark, with a blossom accent."""

OWN = (INK, PAPER, YOZAKURA)


def name_variable(card_id: str) -> str:
    """Return the theme variable of a speaker's colour: the same one for a card wherever and whenever it speaks."""
    number = blake2b(card_id.encode("utf-8", "surrogatepass"), digest_size=2).digest()
    return f"$name-{int.from_bytes(number) % NAMES + 1}"


def member_variable(member: Member) -> str:
    """Return the theme variable of a member's colour: the one chosen for it, else its card's."""
    return f"$name-{(member.colour - 1) % NAMES + 1}" if member.colour else name_variable(member.card_id)


def story_variables(theme: Theme) -> dict[str, str]:
    """Return the story's variables for a theme that does not bring them, each readable on its background."""
    system = theme.to_color_system()
    if theme.ansi:
        return _terminal_variables()
    generated = system.generate()
    page = Color.parse(generated["background"])
    text = Color.parse(generated["foreground"])

    def readable(name: str, *, towards_text: float = 0.0) -> str:
        return _against(Color.parse(generated[name]).blend(text, towards_text), page).hex

    variables = {
        "speech": _against(text.blend(page.get_contrast_text(1.0), 0.4), page).hex,
        "thought": readable("secondary", towards_text=0.45),
        "action": _against(text.blend(page, 0.28), page).hex,
        "emphasis": readable("accent", towards_text=0.3),
        "ooc": _against(text.blend(page, 0.42), page).hex,
        "quote": readable("success", towards_text=0.4),
        "rule": page.blend(text, 0.18).hex,
    }
    anchor = Color.parse(generated["primary"])
    variables |= {
        "prompt-control": readable("accent"),
        "prompt-format": variables["ooc"],
        "prompt-history": variables["speech"],
        "prompt-setup": readable("primary"),
        "prompt-lore": readable("success"),
        "prompt-note": readable("error"),
        "prompt-cue": _against(_turned(anchor, 0.8), page).hex,
    }
    return variables | {f"name-{n + 1}": _against(_turned(anchor, n / NAMES), page).hex for n in range(NAMES)}


def _turned(color: Color, share: float) -> Color:
    """Return a colour of the same liveliness, `share` of the way round the colour circle."""
    hue, saturation, lightness = color.hsl
    return Color.from_hsl((hue + share) % 1.0, max(0.35, min(0.75, saturation)), max(0.4, min(0.7, lightness)))


def _against(color: Color, page: Color) -> Color:
    """Return `color`, moved towards black or white just far enough to be read on `page`."""
    goal = Color(*page.get_contrast_text(1.0).rgb)
    for step in range(10):
        moved = color.blend(goal, step / 10, alpha=1.0)
        if contrast(moved, page) >= _CONTRAST:
            return moved
    return goal


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two opaque colours, 1 to 21, as WCAG 2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _terminal_variables() -> dict[str, str]:
    """Return the sixteen-colour values, for the themes that leave the colours to the terminal."""
    colours = ("yellow", "cyan", "green", "magenta", "bright_yellow", "bright_cyan", "bright_magenta", "bright_blue")
    return {
        "speech": "ansi_default",
        "thought": "ansi_cyan",
        "action": "ansi_default",
        "emphasis": "ansi_yellow",
        "ooc": "ansi_bright_black",
        "quote": "ansi_green",
        "rule": "ansi_bright_black",
        "prompt-control": "ansi_yellow",
        "prompt-format": "ansi_bright_black",
        "prompt-history": "ansi_default",
        "prompt-setup": "ansi_cyan",
        "prompt-lore": "ansi_green",
        "prompt-note": "ansi_red",
        "prompt-cue": "ansi_magenta",
    } | {f"name-{number}": f"ansi_{colour}" for number, colour in enumerate(colours, 1)}
