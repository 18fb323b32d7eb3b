"""The page: a window of turns over a scene of any length.

Invariants:
- Mounted are the faces `first … last` of the scene; older ones are mounted when the reader scrolls to the top, and
  let go when there are many and the reader is at the end.
- At the end the page follows what is written. Anywhere else nothing the reader looks at moves, and `↓ new` is shown
  once something came in below; what is said under the last turn is shown there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from rpchat.tui.actions import bindings
from rpchat.tui.faces import Face
from rpchat.tui.glosses import PLAIN, Gloss
from rpchat.tui.widgets.turn import TurnView

WINDOW = 60
"""Turns that are mounted at first, and kept when older ones are let go."""
MORE = 30
"""Turns that are mounted at a time on scrolling up."""
MOST = 120
"""Turns beyond which old ones are let go."""
_NEAR_TOP = 3


class _Scroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls, stays at the end while it is there, and says where it is."""

    BLANK = True
    following = True
    """Whether the page follows its end. An anchored page that is shorter than the screen stands at its bottom, above
    row 0, so comparing rows does not tell."""

    def anchor(self, anchor: bool = True) -> None:
        """Follow the end."""
        super().anchor(anchor)
        self.following = anchor

    def release_anchor(self) -> None:
        """Let go of the end, unless the scroll that asked for it ends there (Down at the bottom)."""
        super().release_anchor()
        self.following = False
        self.call_later(self._anchor_again)

    def _anchor_again(self) -> None:
        if self.scroll_target_y >= self.max_scroll_y:
            self.anchor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell the transcript, which loads older turns and hides the badge."""
        super().watch_scroll_y(old_value, new_value)
        self.following = self.following or new_value >= self.max_scroll_y
        if isinstance(self.parent, Transcript):
            self.parent.scrolled()


class Transcript(Container, can_focus=True):
    """Shows the faces it is given; the last one may be rewritten many times a second. Has the focus while a turn is
    marked; it is never given by a click, which may only select text."""

    DEFAULT_CSS = """
    Transcript {
        height: 1fr;
        layers: page badge;
        & > _Scroll {
            layer: page;
            align-horizontal: center;
            padding: 1 0 0 0;
            scrollbar-size-vertical: 1;
            scrollbar-gutter: stable;
        }
        & > #badge {
            layer: badge;
            dock: bottom;
            width: auto;
            max-width: 90%;
            height: auto;
            max-height: 3;
            margin: 0 4;
            padding: 0 1;
            background: $panel;
            color: $accent;
            display: none;
        }
        & > #badge.-shown { display: block; }
        & > #badge.-error { color: $error; }
        & #below {
            width: 100%;
            max-width: 100;
            height: auto;
            padding: 0 4;
            margin-bottom: 1;
            color: $ooc;
            display: none;
        }
        & #below.-shown { display: block; }
        & #below.-error { color: $error; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("transcript")]
    FOCUS_ON_CLICK = False

    def __init__(self) -> None:
        super().__init__()
        self._faces: list[Face] = []
        self._glosses: Mapping[int, Gloss] = {}
        self._first = 0
        self._views: list[TurnView] = []
        self._loading = False
        self._loads = asyncio.Lock()
        self._news = False
        self._line: Content | None = None
        self._below = Static(id="below", markup=False)
        self._badge = Static(id="badge")
        self._scroll = _Scroll(self._below)

    def compose(self) -> ComposeResult:
        """The page with its last line, and the badge over it."""
        yield self._scroll
        yield self._badge

    def on_mount(self) -> None:
        """Follow the end."""
        self._scroll.anchor()

    @property
    def at_end(self) -> bool:
        """Whether the reader is at the end of the page."""
        return self._scroll.following

    async def show(self, faces: Sequence[Face]) -> None:
        """Show these faces: views are given other faces, added and removed from the end as needed."""
        news = faces[-1:] != self._faces[-1:]
        self._faces = list(faces)
        if not self._views or self._first >= len(faces):
            self._first = max(0, len(faces) - WINDOW)
        wanted = self._faces[self._first :]
        for view, face in zip(self._views, wanted, strict=False):
            view.show(face, self._gloss(face))
        kept = self._views[: len(wanted)]
        added = [TurnView(face, self._gloss(face)) for face in wanted[len(kept) :]]
        removed = self._views[len(wanted) :]
        self._views = kept + added
        if removed:
            await self._scroll.remove_children(removed)
        if added:
            await self._scroll.mount_all(added, before=self._below)
        if news:
            self.came_in()
        await self._let_go()

    def put(self, glosses: Mapping[int, Gloss]) -> None:
        """Put these on the turns, by turn id; what is not named has nothing on it."""
        if glosses != self._glosses:
            self._glosses = glosses
            for view in self._views:
                view.show(view.face, self._gloss(view.face))

    def _gloss(self, face: Face) -> Gloss:
        return self._glosses.get(face.turn_id, PLAIN)

    def write(self, face: Face) -> None:
        """Give the last view another face: the turn that is being written."""
        if self._views:
            self._faces[-1] = face
            self._views[-1].show(face, self._gloss(face))
            self.came_in()

    def say(self, line: Content | None, *, error: bool = False) -> None:
        """Show one line under the last turn, or take it away."""
        self._line = line
        for widget in (self._below, self._badge):
            widget.set_class(error, "-error")
        self._below.set_class(line is not None, "-shown")
        self._below.update(line or Content())
        self._show_badge()

    def came_in(self) -> None:
        """Something came in at the end, where the reader may not see it."""
        self._news = not self.at_end
        self._show_badge()

    def _show_badge(self) -> None:
        """Show what the reader would not see: the line under the last turn, or that something came in."""
        self._badge.set_class(not self.at_end and (self._news or self._line is not None), "-shown")
        self._badge.update(self._line or Content("↓ new"))

    def to_end(self) -> None:
        """Go to the end and follow it again."""
        self._scroll.anchor()
        self._scroll.scroll_end(animate=False, immediate=True)
        self._seen()

    def to_start(self) -> None:
        """Go to the first turn of the scene, mounting all there is before it."""
        if self._faces:
            self.run_worker(self._reveal(self._faces[0].turn_id), group="older")

    def reveal(self, turn_id: int) -> None:
        """Bring a turn into view, the last one by going to the end; mount it and some before it, if need be."""
        if self._faces and self._faces[-1].turn_id == turn_id:
            self.to_end()
        else:
            self.run_worker(self._reveal(turn_id), group="older")

    async def _reveal(self, turn_id: int) -> None:
        index = next((index for index, face in enumerate(self._faces) if face.turn_id == turn_id), None)
        if index is None:
            return
        if index < self._first:
            await self._load(self._first - index + MORE)
        if index == 0:
            self.call_after_refresh(self._scroll.scroll_home, animate=False, immediate=True)
        elif 0 <= index - self._first < len(self._views):
            view = self._views[index - self._first]
            self.call_after_refresh(self._scroll.scroll_to_widget, view, animate=False, immediate=True)

    def in_view(self) -> int | None:
        """Return the id of the last turn that is wholly on the screen, or without one of the one that fills it."""
        top, bottom = self._scroll.scroll_y, self._scroll.scroll_y + self._scroll.size.height
        begun = [view for view in self._views if view.virtual_region.y < bottom]
        whole = [view for view in begun if view.virtual_region.y >= top and view.virtual_region.bottom <= bottom]
        return (whole or begun)[-1].face.turn_id if begun else None

    def page(self, direction: int) -> None:
        """Scroll a page less two rows up (-1) or down (1); a page that is shorter than the screen stays where it is."""
        if self._scroll.max_scroll_y <= 0:
            return
        rows = max(1, self._scroll.size.height - 2)
        self._scroll.scroll_relative(y=direction * rows, animate=False)

    def on_click(self, event: events.Click) -> None:
        """The badge leads to the end."""
        if event.widget is self._badge:
            self.to_end()

    def scrolled(self) -> None:
        """React to where the page is now."""
        if not self.is_mounted:
            return
        if self.at_end:
            self._seen()
        else:
            self._show_badge()
        if self._scroll.scroll_y <= _NEAR_TOP and self._first > 0 and not self._loading:
            self._loading = True
            self.run_worker(self._load(MORE), group="older")

    def _seen(self) -> None:
        self._news = False
        self._badge.remove_class("-shown")

    async def _load(self, count: int) -> None:
        """Mount `count` older turns without moving what is on screen. One load is done behind the other."""
        async with self._loads:
            self._loading = True
            first = max(0, self._first - count)
            older = [TurnView(face, self._gloss(face)) for face in self._faces[first : self._first]]
            self._first = first
            scroll = self._scroll
            from_bottom = scroll.max_scroll_y - scroll.scroll_y
            if older:
                self._views = older + self._views
                with self.app.batch_update():
                    await scroll.mount_all(older, before=0)

        def restore() -> None:
            scroll.scroll_to(y=scroll.max_scroll_y - from_bottom, animate=False, immediate=True)
            self._loading = False

        self.call_after_refresh(restore)

    async def _let_go(self) -> None:
        """Unmount the oldest views when there are too many and the reader is at the end."""
        if len(self._views) > MOST and self.at_end:
            old = self._views[:-WINDOW]
            self._views = self._views[-WINDOW:]
            self._first += len(old)
            await self._scroll.remove_children(old)
