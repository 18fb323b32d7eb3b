"""The models screen: those of this machine, what is known of each, and fetching more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Input, Static

from rpchat.fetch.curated import Offer
from rpchat.session import Session
from rpchat.tui.action import Place
from rpchat.tui.actions import bindings
from rpchat.tui.model_handling import ModelHandling
from rpchat.tui.model_lines import model_details, model_row, nothing_here, offer_details, offer_row
from rpchat.tui.model_shelf import Listed, ModelShelf
from rpchat.tui.screens.room import Room
from rpchat.tui.widgets.clean_fields import CleanLine
from rpchat.tui.widgets.fetch_line import FetchLine
from rpchat.tui.widgets.model_list import ModelTable

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_HERE = ("models.take", "models.get", "models.search", "models.default", "models.leave")
_OFFERED = ("models.take", "models.get", "models.search", "models.leave")
_WANTED = ("wanted.found", "wanted.unsearch")


class WantedField(CleanLine):
    """Where models are searched, and repositories named."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("wanted")]


class ModelsScreen(Room):
    """Lies over the screen the reader came from; `session` is the scene, if that was one."""

    AUTO_FOCUS = "#models-list"
    title_text = "Models"

    def __init__(self, host: RpchatApp, session: Session | None = None) -> None:
        super().__init__("models")
        self._fetching = host.fetching
        self._shelf = ModelShelf(host.program, changed=self.show_rows)
        self.table = ModelTable(self._draw)
        self.field = WantedField(id="search", compact=True)
        self._details = Static(markup=False)
        self._line = FetchLine(host.fetching)
        self._handling = ModelHandling(self, host=host, shelf=self._shelf, session=session)

    def compose(self) -> ComposeResult:
        """Status, search, list and details, what is being fetched, keys."""
        yield self.status
        with Horizontal(id="search-line"):
            yield Static(Content("›"), classes="prompt")
            yield self.field
        with Container(id="middle"):
            yield self.table
            with VerticalScroll(id="model-details", can_focus=False):
                yield self._details
        yield self._line
        yield self.said
        yield self.keys

    def on_mount(self) -> None:
        """Read the models behind the first paint."""
        self.show_rows()
        self._line.bring_up_to_date()
        self.call_after_refresh(self._handling.action_reload)

    # What is possible

    @property
    def places(self) -> tuple[Place, ...]:
        """The list, or the search while one writes in it."""
        return ("wanted",) if self.field.has_focus else ("models",)

    @property
    def hints(self) -> Sequence[str]:
        """What can be done now."""
        if self.field.has_focus:
            return _WANTED
        return _OFFERED if self._shelf.offering else _HERE

    @property
    def labels(self) -> dict[str, str]:
        """What keys do here that do something else elsewhere."""
        offering = self._shelf.offering
        return {
            "models.take": "fetch" if offering else "play",
            "models.get": "what is here" if offering else "fetch more",
            "models.leave": "stop" if self._fetching.is_running else "back",
            "wanted.found": "fetch" if self._shelf.names_repository else "to the list",
        }

    async def perform(self, action_id: str) -> None:
        """Do an action of this screen: the list moves its mark itself, the handling does the rest."""
        name = action_id.partition(".")[2]
        doer = self._handling if hasattr(self._handling, f"action_{name}") else self.table
        getattr(doer, f"action_{name}")()

    # What is shown

    def subtitle(self) -> str:
        """Return how many there are."""
        if self._shelf.offering:
            return "to fetch"
        number = str(len(self._shelf.rows)) if self._shelf.rows else ""
        return f"{number} …".strip() if self._shelf.reading else number

    def show_rows(self) -> None:
        """Show what matches the search; the mark stays where it is, and is on the played model at first."""
        self.table.show(self._shelf.groups())
        self.field.placeholder = (
            "search · or any other: owner/repository, owner/repository:file.gguf"
            if self._shelf.offering
            else "search models"
        )
        self._show_details(self.table.entry)
        self.show_status()

    def _show_details(self, entry: Listed | None) -> None:
        if entry is None:
            content = self._nothing()
        elif isinstance(entry, Offer):
            content = offer_details(
                entry,
                memory=self._shelf.memory,
                quantisation=self._shelf.quantisation_of(entry),
                other=self.key("models.quantisation"),
            )
        else:
            content = model_details(entry, home=Path.home())
        self._details.update(content)

    def _nothing(self) -> Content:
        if self._shelf.names_repository:
            return Content("Enter fetches from that repository").stylize("$foreground")
        if self._shelf.search:
            return Content("nothing is called that · Esc empties the search").stylize("$ooc")
        if self._shelf.reading:
            return Content("looking for models …").stylize("$ooc")
        return nothing_here(str(self.host.program.choices.models_folder), get=self.key("models.get"))

    def _draw(self, entry: Listed, width: int, *, marked: bool) -> Content:
        if isinstance(entry, Offer):
            quantisation = self._shelf.quantisation_of(entry)
            return offer_row(entry, width, chosen=marked, memory=self._shelf.memory, quantisation=quantisation)
        return model_row(entry, width, chosen=marked)

    def show_fetching(self) -> None:
        """Bring what is said of fetching up to date; when a model has arrived, look for it."""
        self._line.bring_up_to_date()
        self.show_keys()
        arrived = self._fetching.fetched
        if arrived is not None and not self._fetching.is_running:
            self._shelf.offering = False
            self.table.mark_next(arrived)
            self._handling.action_reload()

    def empty_search(self) -> None:
        """Search for nothing any more."""
        self._shelf.search = self.field.value = ""
        self.remark("")

    async def leave(self) -> None:
        """Go back to where the reader came from."""
        if self.is_current:
            await self.host.pop_screen()

    # What happens

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        if event.input is self.field and event.value != self._shelf.search:
            self._shelf.search = event.value
            self.show_rows()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The keys change with the focus."""
        if self.is_mounted and event.widget in (self.field, self.table):
            self.show_keys()

    def on_model_table_moved(self, event: ModelTable.Moved) -> None:
        """Tell of the marked model."""
        event.stop()
        self._show_details(event.entry)

    def on_model_table_chosen(self, event: ModelTable.Chosen) -> None:
        """A click on the marked row is Enter."""
        event.stop()
        self._handling.take(event.entry)
