"""What of a scene's settings is chosen while it is played: the length of replies, the author's note, the preset, and
what happens where a reply speaks for somebody else or steps out of the story.

Each choice answers with one quiet line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.story.scene import Impersonation, OutOfCharacter, SceneSettings
from rpchat.story.text import one_line

AUTO = "auto"
OFF = "off"
_EVERY = re.compile(r"(?:every|depth)\s+(\d{1,4})", re.IGNORECASE)


class Choosing:
    """Changes one session. All raise RpchatError where a choice cannot be made."""

    def __init__(self, session: Session, program: Program) -> None:
        self._session = session
        self._program = program

    async def choose(self, action_id: str, wanted: str) -> str:
        """Do what an action of the table chooses: `scene.length`, `scene.note`, `scene.preset` …"""
        choices = {
            "scene.length": self.choose_length, "scene.note": self.choose_note, "scene.preset": self.choose_preset,
            "scene.impersonation": self.choose_impersonation,
            "scene.out_of_character": self.choose_out_of_character,
        }  # fmt: skip
        return await choices[action_id](wanted)

    @property
    def length(self) -> str:
        """The length replies have now, in the format's words; empty where it has none or the preset asks for none."""
        return (self._session.scene.settings.length or self._session.preset.length) if self._session.lengths else ""

    async def choose_length(self, wanted: str) -> str:
        """Take a length, the preset's own for `auto`, or the next one for an empty text."""
        lengths = self._session.lengths
        if not lengths:
            raise RpchatError(
                f"the format of this preset ({self._session.preset.name}) has no lengths",
                "Its longest reply is `max_tokens` in the preset",
            )
        if wanted.casefold() == AUTO:
            await self._session.tuning.set_length("")
            return f"length: {self.length or 'left to the model'} (the preset's own)"
        following = lengths[(lengths.index(self.length) + 1) % len(lengths)] if self.length in lengths else lengths[0]
        await self._session.tuning.set_length(wanted.casefold() or following)
        return "length: " + " · ".join(f"[{one}]" if one == self.length else one for one in lengths)

    async def choose_note(self, wanted: str) -> str:
        """Take a note, `every 4`, or `off`; for an empty text only tell it."""
        before = self._session.scene.settings
        if every := _EVERY.fullmatch(wanted):
            await self._session.tuning.set_note(before.note, every=int(every[1]))
        elif wanted.casefold() == OFF:
            await self._session.tuning.set_note("")
            return f"note taken away: {one_line(before.note, 200)}" if before.note else "there is no note"
        elif wanted:
            await self._session.tuning.set_note(wanted)
        settings = self._session.scene.settings
        if not settings.note:
            return "there is no note · /note TEXT"
        told = "with every turn" if settings.note_every == 1 else f"again every {settings.note_every} turns"
        return f"note, told {told}: {one_line(settings.note, 300)}"

    async def choose_preset(self, wanted: str) -> str:
        """Take a preset, the one that fits for `auto`; for an empty text only tell it."""
        if wanted:
            await self._program.models.choose_preset(self._session, "" if wanted.casefold() == AUTO else wanted)
        preset = self._session.preset
        return f"preset: {one_line(preset.name, 60)} · {self._session.preset_why}"

    async def choose_impersonation(self, wanted: str) -> str:
        """Take `cut`, `keep` or `hand over`; for an empty text only tell it."""
        if wanted:
            await self._session.tuning.set_impersonation(one_of(_IMPERSONATION, wanted))
        return told("where a reply speaks for somebody else", _IMPERSONATION, self._settings.impersonation)

    async def choose_out_of_character(self, wanted: str) -> str:
        """Take `cut`, `keep` or `fold`; for an empty text only tell it."""
        if wanted:
            await self._session.tuning.set_out_of_character(one_of(_OUT_OF_CHARACTER, wanted))
        return told("what is said outside the story", _OUT_OF_CHARACTER, self._settings.out_of_character)

    @property
    def _settings(self) -> SceneSettings:
        return self._session.scene.settings


_IMPERSONATION: Mapping[Impersonation, str] = {
    "cut": "it ends there", "keep": "it goes on",
    "hand over": "it ends there, and another member whose line it was goes on; yours is cut",
}  # fmt: skip
_OUT_OF_CHARACTER: Mapping[OutOfCharacter, str] = {
    "cut": "the reply ends there", "keep": "it stays", "fold": "it is put away",
}  # fmt: skip

_Policy = TypeVar("_Policy", bound=str)


def one_of(policies: Iterable[_Policy], wanted: str) -> _Policy:
    """Return the one of the ways there are that is meant. Raises RpchatError, naming them all."""
    for policy in policies:
        if policy == " ".join(wanted.casefold().replace("-", " ").split()):
            return policy
    raise RpchatError(f"there is no such way: {one_line(wanted, 30)}", f"There are {', '.join(policies)}")


def told(what: str, policies: Mapping[_Policy, str], now: _Policy) -> str:
    """Return the line that tells a setting: what it is about, what is so now, and the ways there are."""
    choices = " · ".join(f"[{policy}]" if policy == now else policy for policy in policies)
    return f"{what}, {policies[now]}: {choices}"
