"""The panels of a scene screen, one at a time: the prompt laid open over the page, or the cast beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.screen import Screen
from textual.widget import Widget

from rpchat.tui.action import Place
from rpchat.tui.casting import Casting
from rpchat.tui.inspecting import Inspecting
from rpchat.tui.widgets.transcript import Transcript


class Panels:
    """Opens and closes them on `screen`. `to_composer` gives the focus back and brings the screen up to date, `keys` is
    the keymap."""

    def __init__(
        self,
        screen: Screen[None],
        *,
        inspecting: Inspecting,
        casting: Casting,
        to_composer: Callable[[], None],
        settled: Callable[[], None],
        keys: Callable[[], Mapping[str, str]],
    ) -> None:
        self._screen = screen
        self._inspecting = inspecting
        self._casting = casting
        self._to_composer = to_composer
        self._settled = settled
        self._keys = keys

    @property
    def places(self) -> tuple[Place, ...]:
        """The places of the panel that is open, the nearest first; none where none is."""
        if self._inspecting.panel is not None:
            return ("inspector", "scene")
        if self._casting.is_adding:
            return ("adding", "cast")
        return ("cast", "scene") if self._casting.has_focus else ()

    @property
    def have_focus(self) -> bool:
        """Whether the keys of a panel are meant."""
        panel = self._inspecting.panel
        return self._casting.has_focus or (panel is not None and panel.has_focus_within)

    @property
    def covering(self) -> Sequence[Widget]:
        """What stands where the page is hidden, and can be scrolled."""
        panels = (self._casting.panel, self._inspecting.panel.rows if self._inspecting.panel is not None else None)
        return [panel for panel in panels if panel is not None]

    def leave_field(self) -> bool:
        """Leave the field of a panel that is written in; return whether there was one."""
        panel = self._inspecting.panel
        if panel is not None and panel.has_focus_within:
            return panel.leave_find()
        return self._casting.is_adding and self._casting.leave_adding()

    async def close(self) -> bool:
        """Close the panel that is open; return whether there was one."""
        if self._inspecting.panel is None and self._casting.panel is None:
            return False
        await self._close()
        self._to_composer()
        return True

    async def _close(self) -> None:
        self._screen.remove_class("-inspecting", "-cast")
        await self._inspecting.close()
        await self._casting.close()

    async def action_inspect(self) -> None:
        """Show the prompt laid open, or the page again."""
        if self._inspecting.panel is not None:
            await self.close()
            return
        await self._close()
        self._screen.add_class("-inspecting")
        await self._inspecting.open(self._screen.query_one("#middle"))
        self._settled()

    async def action_cast(self) -> None:
        """Show the cast, or go to it; from there, back."""
        panel = self._casting.panel
        if panel is not None and panel.has_focus_within:
            await self.close()
        elif panel is not None:
            panel.focus()
            self._settled()
        else:
            await self._close()
            self._screen.add_class("-cast")
            await self._casting.open(self._screen.query_one("#middle"), self._keys())
            self._settled()

    async def uncover(self) -> None:
        """Close the cast where it covers the page."""
        if self._casting.panel is not None and not self._screen.query_one(Transcript).display:
            await self.close()
