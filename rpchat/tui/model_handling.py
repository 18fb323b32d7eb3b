"""What the keys of the models screen do: play with a model, fetch one, search, look again, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpchat.fetch.curated import Offer
from rpchat.fetch.wanted import wanted, wanted_of
from rpchat.model_rows import ModelRow
from rpchat.session import Session
from rpchat.tui.model_shelf import Listed, ModelShelf

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp
    from rpchat.tui.screens.models import ModelsScreen


class ModelHandling:
    """Does what is asked for on `screen`. `session` is the scene the reader came from: a model is chosen for that."""

    def __init__(self, screen: ModelsScreen, *, host: RpchatApp, shelf: ModelShelf, session: Session | None) -> None:
        self._screen = screen
        self._host = host
        self._shelf = shelf
        self._session = session

    def action_take(self) -> None:
        """Play with the marked model, or fetch it."""
        if (entry := self._screen.table.entry) is not None:
            self.take(entry)

    def take(self, entry: Listed) -> None:
        """Play with that model, or fetch it."""
        if isinstance(entry, Offer):
            self._host.do(self._fetch_offer(entry))
        elif not entry.preset:
            self._screen.remark(f"{entry.entry.name}: {entry.entry.error}", error=True)
        else:
            self._host.do(self._play_all(entry) if self._session is None else self._play_scene(entry, self._session))

    def action_default(self) -> None:
        """Play every scene with the marked model."""
        entry = self._screen.table.entry
        if isinstance(entry, ModelRow) and entry.preset:
            self._host.do(self._play_all(entry))

    async def _play_scene(self, row: ModelRow, session: Session) -> None:
        await self._host.program.models.choose_model_for(session, str(row.path))
        await self._host.open_scene(session.scene.id)

    async def _play_all(self, row: ModelRow) -> None:
        await self._host.program.models.choose_model(str(row.path))
        if self._session is not None:
            await self._host.open_scene(self._session.scene.id)
            return
        await self._screen.leave()
        await self._host.loader.ready(None)

    async def _fetch_offer(self, offer: Offer) -> None:
        self._host.fetching.start(wanted_of(offer, quantisation=self._shelf.quantisation_of(offer)))
        self._screen.show_fetching()

    def action_quantisation(self) -> None:
        """Take another quantisation of the marked model to fetch."""
        entry = self._screen.table.entry
        if isinstance(entry, Offer):
            self._shelf.take_another_quantisation(entry)
            self._screen.show_rows()

    def action_get(self) -> None:
        """Show the models to fetch, or those that are here."""
        self._shelf.offering = not self._shelf.offering
        self._screen.empty_search()
        self._screen.show_rows()

    def action_search(self) -> None:
        """Write in the search."""
        self._screen.set_focus(self._screen.field)

    def action_reload(self) -> None:
        """Look again what is here, and what this machine has."""
        self._host.do(self._shelf.read(), group="models", exclusive=True)
        self._host.do(self._shelf.measure(), group="measuring")

    def action_leave(self) -> None:
        """Stop fetching; else close what is open; else go back."""
        if self._host.fetching.is_running:
            self._host.do(self._stop(), group="fetching")
        elif self._host.close_help():
            return
        elif self._shelf.search or self._shelf.offering:
            self._shelf.offering = self._shelf.offering and bool(self._shelf.search)
            self._screen.empty_search()
            self._screen.show_rows()
        else:
            self.action_back()

    async def _stop(self) -> None:
        await self._host.fetching.stop()
        self._screen.remark("stopped: what has arrived is kept, and the same goes on from there")

    def action_back(self) -> None:
        """Go back; what is being fetched goes on."""
        self._host.do(self._screen.leave())

    # In the search

    def action_found(self) -> None:
        """To the list; or fetch the repository that is written."""
        if self._shelf.names_repository and self._screen.table.entry is None:
            self._host.do(self._fetch_named(self._shelf.search))
        else:
            self._screen.set_focus(self._screen.table)

    async def _fetch_named(self, text: str) -> None:
        self._host.fetching.start(wanted(text, memory=self._shelf.memory))
        self._screen.empty_search()
        self._screen.set_focus(self._screen.table)
        self._screen.show_fetching()

    def action_unsearch(self) -> None:
        """Stop searching."""
        self._screen.empty_search()
        self._screen.set_focus(self._screen.table)
        self._screen.show_rows()
