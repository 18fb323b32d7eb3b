"""The fields of a card or a persona, one below the other, with the greetings as a list among them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Vertical, VerticalScroll

from rpchat.tui.card_fields import GREETINGS, Field, Written
from rpchat.tui.widgets.field_box import FieldBox


class CardForm(VerticalScroll, can_focus=False):
    """Holds what is written. Nothing of it is lost by being moved or removed: a removed greeting can be put back."""

    DEFAULT_CSS = """
    CardForm {
        height: 1fr;
        padding: 1 2;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        align-horizontal: center;
        & > * { width: 100%; max-width: 110; }
        & > #greetings { height: auto; }
    }
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        super().__init__(id="form")
        self._fields = fields
        self._boxes: dict[str, FieldBox] = {}
        self._greetings = Vertical(id="greetings")
        self._removed: list[str] = []

    async def fill(self, written: Written) -> None:
        """Show these texts in fields of their own."""
        await self._greetings.remove()
        await self.remove_children()
        self._greetings = Vertical(id="greetings")
        self._boxes = {
            field.name: FieldBox(field, written.texts[field.name]) for field in self._fields if field.name != GREETINGS
        }
        await self.mount_all(
            self._greetings if field.name == GREETINGS else self._boxes[field.name] for field in self._fields
        )
        await self.set_greetings(written.greetings)

    @property
    def boxes(self) -> list[FieldBox]:
        """All fields, from above to below."""
        return list(self.query(FieldBox))

    @property
    def written(self) -> Written:
        """What stands in the fields."""
        texts = {name: box.text for name, box in self._boxes.items()}
        return Written(texts=texts, greetings=tuple(box.text for box in self._greeting_boxes))

    @property
    def here(self) -> FieldBox | None:
        """The field one writes in."""
        return next((box for box in self.boxes if box.area.has_focus), None)

    def go_to(self, name: str, *, bad: bool = False) -> None:
        """Write in the field of that name; mark it as one that cannot be kept."""
        box = self._boxes.get(name)
        if box is not None:
            box.show_bad(bad)
            box.area.focus()

    @property
    def _greeting_boxes(self) -> list[FieldBox]:
        return [box for box in self._greetings.query(FieldBox) if box.is_attached]

    def _greeting(self, text: str) -> FieldBox:
        field = next(field for field in self._fields if field.name == GREETINGS)
        return FieldBox(field, text)

    async def add_greeting(self, text: str = "") -> bool:
        """Add a greeting behind the one that is written in, or behind the last; return whether there can be one."""
        if not self._greetings.is_attached:
            return False
        here = self.here
        box = self._greeting(text)
        if here is not None and here in self._greeting_boxes:
            await self._greetings.mount(box, after=here)
        else:
            await self._greetings.mount(box)
        self._number()
        box.area.focus()
        return True

    async def set_greetings(self, texts: Sequence[str]) -> None:
        """Show these greetings in place of the ones there are, which can be put back one by one."""
        boxes = self._greeting_boxes
        self._removed += [box.text for box in boxes if box.text and box.text not in texts]
        await self._greetings.remove_children()
        if self._greetings.is_attached:
            await self._greetings.mount_all([self._greeting(text) for text in texts])
            self._number()

    async def remove_greeting(self) -> bool:
        """Remove the greeting that is written in; return whether one was."""
        here = self.here
        if here is None or here not in self._greeting_boxes:
            return False
        self._removed.append(here.text)
        await here.remove()
        self._number()
        return True

    async def restore_greeting(self) -> bool:
        """Put the greeting back that was removed last; return whether there was one."""
        return bool(self._removed) and await self.add_greeting(self._removed.pop())

    def move_greeting(self, step: int) -> bool:
        """Move the greeting that is written in one place up (-1) or down (1); return whether it moved."""
        boxes, here = self._greeting_boxes, self.here
        if here is None or here not in boxes or not 0 <= boxes.index(here) + step < len(boxes):
            return False
        other = boxes[boxes.index(here) + step]
        if step < 0:
            self._greetings.move_child(here, before=other)
        else:
            self._greetings.move_child(here, after=other)
        self._number()
        here.area.scroll_visible(animate=False)
        return True

    def _number(self) -> None:
        for number, box in enumerate(self._greeting_boxes, start=2):
            box.show_number(number)
