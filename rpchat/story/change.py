"""What an action changes in a scene: pointers into its turns, settings, its title, facts of its members.

Each can be reversed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Change:
    """One pointer moved by an action: `chosen[key]` or `hidden[key]`, from `old` to `new`."""

    what: Literal["chosen", "hidden"]
    key: int
    old: int
    new: int

    def reversed(self) -> Change:
        """Return the change that takes this one back."""
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting changed by an action: the field `name` of the scene's settings, from `old` to `new`."""

    name: str
    old: str | int
    new: str | int

    def reversed(self) -> SettingChange:
        """Return the change that takes this one back."""
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, slots=True)
class TitleChange:
    """The scene's title changed by an action, from `old` to `new`."""

    old: str
    new: str

    def reversed(self) -> TitleChange:
        """Return the change that takes this one back."""
        return TitleChange(self.new, self.old)


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One fact of a member changed by an action: the field `name` of the member of that card, from `old` to `new`."""

    card_id: str
    name: str
    old: float
    new: float

    def reversed(self) -> MemberChange:
        """Return the change that takes this one back."""
        return replace(self, old=self.new, new=self.old)


AnyChange = Change | SettingChange | TitleChange | MemberChange
