"""What the editor does beside its fields: reads and saves the card, keeps the draft, counts, lays out the prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rpchat.engine.port import Engine
from rpchat.program import Program
from rpchat.prompt.segment import text as text_segment
from rpchat.session.inspect import Inspection, lay_open
from rpchat.session.preview import Preview, preview
from rpchat.store.drafts import Drafts
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.scene import Member
from rpchat.tui.card_fields import Written, estimated_tokens, filled, written_in, written_of

Edited = Literal["cards", "personas"]

_EMPTY: Mapping[Edited, Card | Persona] = {"cards": Card(name="-"), "personas": Persona(name="-")}


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of a text; `exact` if a model counted them."""

    tokens: int
    exact: bool

    def __str__(self) -> str:
        """As it is shown."""
        return f"{'' if self.exact else '~'}{self.tokens:,}"


class Editing:
    """Edits the card or persona of an id; of an empty id, a new one. Knows no screen."""

    def __init__(self, program: Program, kind: Edited, entry_id: str) -> None:
        self._program = program
        self._drafts = Drafts(program.folders.home / "drafts", read_only=program.read_only)
        self.kind = kind
        self.id = entry_id
        self._base: Card | Persona = _EMPTY[kind]
        self._kept: Written | None = None

    @property
    def base(self) -> Card | Persona:
        """What is saved; of a new one, nothing but a name that stands for none."""
        return self._base

    @property
    def saved(self) -> Written:
        """The texts as they are saved."""
        written = written_of(self._base)
        if self._base is not _EMPTY[self.kind]:
            return written
        return Written(texts={**written.texts, "name": ""}, greetings=())

    @property
    def _draft_name(self) -> str:
        return f"{self.kind}-{self.id or 'new'}"

    async def open(self) -> tuple[Written, bool]:
        """Return what the fields begin with, and whether that is a draft. Raises FileError."""
        if self.id:
            library = self._program.library
            self._base = await (library.card(self.id) if self.kind == "cards" else library.persona(self.id))
        draft = await asyncio.to_thread(self._drafts.find, self._draft_name)
        if draft is None:
            return self.saved, False
        self._kept = written = written_in(draft, self._base)
        return written, written != self.saved

    async def keep(self, written: Written) -> None:
        """Keep what is written as a draft, or forget the draft where nothing differs. Raises StoreError."""
        if written == self._kept:
            return
        self._kept = written
        if written == self.saved:
            await asyncio.to_thread(self._drafts.drop, self._draft_name)
        else:
            await asyncio.to_thread(self._drafts.keep, self._draft_name, written.as_data())

    async def save(self, written: Written) -> None:
        """Save what is written, and forget the draft. Raises FieldError, FileError, StoreError."""
        value = filled(self._base, written)
        library = self._program.library
        draft_name = self._draft_name
        if isinstance(value, Card):
            self.id = await library.save_card(self.id, value)
        else:
            self.id = await library.save_persona(self.id, value)
        self._base, self._kept = value, None
        await asyncio.to_thread(self._drafts.drop, draft_name)

    async def count(self, text: str) -> Counted:
        """Return how many tokens a text takes; about how many, while no model is loaded. Raises EngineError."""
        engine = self._program.engine
        if engine.model is None or not text:
            return Counted(estimated_tokens(text), exact=not text)
        return Counted(len(await engine.tokenize([text_segment(text)])), exact=True)

    async def prompt(self, written: Written) -> tuple[Preview, Inspection | None]:
        """Return the prompt of the first reply to the card as it is written, and laid open where a model is loaded.

        Raises FieldError, FileError, PromptError.
        """
        card = filled(self._base, written)
        assert isinstance(card, Card)
        scene = await self._program.scene_to_be(Member(self.id or "new", card))
        preset, _ = await asyncio.to_thread(self._program.choices.preset, scene)
        engine: Engine = self._program.engine
        if engine.model is None:
            return await preview(scene, preset, "", engine=None), None
        shown = await preview(scene, preset, "", engine=engine)
        return shown, await lay_open(shown, scene, engine=engine)
