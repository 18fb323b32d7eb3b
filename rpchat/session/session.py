"""A scene being played: say, reply, regenerate, swipe, go on, edit, delete, undo."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from rpchat.engine.port import Engine, ModelInfo
from rpchat.errors import PromptError, RpchatError
from rpchat.prompt.formats import adapter_of
from rpchat.session.ahead import next_prompt
from rpchat.session.book import Book
from rpchat.session.events import SessionEvent, Started, Status
from rpchat.session.inspect import Inspection, inspect
from rpchat.session.jobs import Whim, going_on, going_on_from, job_for, unguarded
from rpchat.session.keeper import Keeper
from rpchat.session.replying import Replying
from rpchat.session.verify import Verdict, verify
from rpchat.session.writer import Job
from rpchat.story.casting import next_in_line
from rpchat.story.preset import Preset
from rpchat.story.scene import Impersonation, Member, OutOfCharacter, Scene, Turn
from rpchat.story.text import clean, one_line, sentence_ends


def _said(text: str) -> str:
    """What of a typed text becomes a turn's."""
    return clean(text).strip("\n").rstrip()


class Session:
    """One scene, one preset, one engine. One reply is written at a time.

    Nothing is lost: the user's turn is on disk before `say` returns, a reply is stored with its first visible text and
    saved about once a second, and a reply that is stopped or dies keeps what was written.
    """

    def __init__(self, book: Book, engine: Engine, preset: Preset, *, preset_why: str = "") -> None:
        self._book = book
        self._engine = engine
        self._replying = Replying(book, engine)
        self.preset = preset
        self.preset_why = preset_why

    @property
    def scene(self) -> Scene:
        """The scene as it stands now."""
        return self._book.scene

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model, or None."""
        return self._engine.model

    @property
    def busy(self) -> bool:
        """Whether a reply is being written."""
        return self._replying.busy

    @property
    def status(self) -> Status:
        """The figures of the latest reply."""
        return self._replying.status

    @property
    def read_only(self) -> bool:
        """Whether this run may only read: another one has the home."""
        return self._book.read_only

    async def say(self, text: str) -> Turn:
        """Store the user's line and return its turn; it is on disk then. Raises RpchatError for an empty line."""
        line = _said(text)
        if not line:
            raise RpchatError("there is nothing to say", "Type a line first.")
        length = adapter_of(self.preset).length_of(line)
        return await self._book.add(
            Turn(
                id=0, parent=self.scene.tip(), side="user", speaker=self.scene.persona.name, text=line,
                record={"length": length} if length else {},
            ),
            action="say",
        )  # fmt: skip

    async def greet(self, member: Member, greetings: Sequence[str]) -> None:
        """Open the scene with a member's greetings, each a version of the first turn; the first of them is told."""
        draft = self._draft(member, self.scene.tip())
        turns = [await self._book.add(replace(draft, text=_said(text)), action="greet") for text in greetings]
        await self._book.move(self.scene.choosing(turns[0].id), action="greet")

    # Writing: each of these streams; closing the generator stops the engine and keeps what was written. All raise
    # ReplyError when no try gave a reply, EngineError when the engine died (what was written is kept), PromptError
    # when the prompt cannot be made.

    def reply(
        self, *, member: str | None = None, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Write the next turn, by the member of that card id or the one whose turn it is."""
        who = self.scene.member(member) if member is not None else next_in_line(self.scene)
        job = self._job(who.card.spoken_name, self.scene.line(), Whim(seed=seed, max_tokens=max_tokens))
        return self._replying.write(job, self._keeper(self._draft(who, self.scene.tip()), "reply"))

    def regenerate(
        self, turn_id: int | None = None, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Write another version of a member's turn, the last one or `turn_id`; behind a line of the user's, the next.

        Nothing is overwritten: what was told behind the turn stays behind the version it was told to.
        """
        turn = self._last() if turn_id is None else self.scene.turns[turn_id]
        if turn is None or turn.side == "user":
            return self.reply(seed=seed, max_tokens=max_tokens)
        job = self._job(turn.speaker, self._line_before(turn), Whim(seed=seed, max_tokens=max_tokens))
        return self._replying.write(job, self._keeper(self._draft(self._who(turn), turn.parent), "regenerate"))

    def continue_(
        self, turn_id: int | None = None, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Go on inside a member's turn, the last one or `turn_id`, from its own tokens where they are kept.

        What comes is another version, which goes on from that one: swiping takes it away, and writes it anew.
        """
        turn = self._last() if turn_id is None else self.scene.turns[turn_id]
        if turn is None or turn.side == "user":
            return self.reply(seed=seed, max_tokens=max_tokens)
        job = going_on(self._job(turn.speaker, self._line_before(turn), Whim(seed=seed, max_tokens=max_tokens)), turn)
        return self._replying.write(job, self._keeper(self._draft(self._who(turn), turn.parent, turn), "continue"))

    def continue_again(self) -> AsyncGenerator[SessionEvent, None]:
        """Write another continuation of the version the last turn goes on from; without one, the whole turn again."""
        turn = self._last()
        return self.continue_(turn.continues) if turn is not None and turn.continues else self.regenerate()

    async def reroll(self, turn_id: int, at: int) -> AsyncGenerator[SessionEvent, None]:
        """Cut a member's turn at index `at` of its text and go on from there, as another version."""
        turn = self.scene.turns[turn_id]
        kept = turn.text[:at].rstrip()
        if kept:
            turn = await self._reword(turn, kept, action="trim", told_behind=False)
        async with aclosing(self.continue_(turn.id) if kept else self.regenerate(turn.id)) as events:
            async for event in events:
                yield event

    async def take_back(self, turn_id: int) -> AsyncGenerator[SessionEvent, None]:
        """Put back what was cut off a reply and let the model go on with nothing cut, as another version.

        Raises RpchatError if nothing was cut off it.
        """
        turn = self.scene.turns[turn_id]
        removed = turn.record.get("removed")
        if not isinstance(removed, str) or not removed:
            raise RpchatError("nothing was cut off this turn")
        text = turn.text + removed.rstrip()
        job = unguarded(going_on_from(self._job(turn.speaker, self._line_before(turn), Whim()), text))
        draft = replace(self._draft(self._who(turn), turn.parent, turn), text=text)
        keeper = self._keeper(draft, "take back")
        begun = await keeper.save()
        assert begun is not None
        yield Started(begun)
        async with aclosing(self._replying.write(job, keeper)) as events:
            async for event in events:
                yield event

    def draft(self, text: str = "") -> AsyncGenerator[SessionEvent, None]:
        """Write what the user might say next, going on from `text`; the last event is `Drafted`. Nothing is stored."""
        job = self._job(self.scene.persona.name, self.scene.line(), Whim())
        return self._replying.draft(going_on_from(job, text) if text.strip() else job)

    async def read_ahead(self) -> bool:
        """Let the engine read what the next prompt begins with whatever the user types; return whether all is read.

        Turns for which there will be no room are dropped now. Any other call to the engine ends it. Raises EngineError.
        """
        if self.model is None or self.busy or self.read_only:
            return False
        try:
            ahead = await next_prompt(self._engine, self.preset, self.scene)
        except PromptError:
            # It is told to who asks for the reply.
            return False
        await self._book.settle(first_kept=ahead.first_kept)
        return await self._engine.read_ahead(ahead.segments)

    def _last(self) -> Turn | None:
        line = self.scene.line()
        return line[-1] if line else None

    def _line_before(self, turn: Turn) -> tuple[Turn, ...]:
        """The told turns a version of `turn` answers."""
        line = self.scene.line()
        at = next((at for at, told in enumerate(line) if told.parent == turn.parent), len(line))
        return line[:at]

    def _who(self, turn: Turn) -> Member:
        try:
            return self.scene.member(turn.member)
        except KeyError:
            raise RpchatError(f"{turn.speaker} is not in this scene any more") from None

    def _draft(self, who: Member, parent: int, continues: Turn | None = None) -> Turn:
        """A turn of that member's to be written; one that goes on begins as the version it goes on from."""
        return Turn(
            id=0, parent=parent, side="member", speaker=who.card.spoken_name, member=who.card_id,
            continues=continues.id if continues else 0, text=continues.text if continues else "",
        )  # fmt: skip

    def _keeper(self, draft: Turn, action: str) -> Keeper:
        return Keeper(self._book, draft, action)

    def _job(self, speaker: str, line: Sequence[Turn], whim: Whim) -> Job:
        return job_for(self._engine, self.preset, self.scene, line, speaker, whim=whim)

    # Versions

    def has_swipe(self, step: int, turn_id: int | None = None) -> bool:
        """Return whether there is a version `step` places from the told one, of the last turn or of `turn_id`."""
        return self._version(step, turn_id) is not None

    async def swipe(self, step: int, turn_id: int | None = None) -> Turn | None:
        """Tell the version `step` places from the told one, of the last turn or of `turn_id`; None if there is none.

        In front of the first continuation of a version comes that version itself; a version that was gone on from is
        told as far as it went.
        """
        version = self._version(step, turn_id)
        if version is not None:
            await self._book.move(self.scene.choosing(version.id), action="swipe")
        return version

    def _version(self, step: int, turn_id: int | None) -> Turn | None:
        last = self._last()
        told = last if turn_id is None else self.scene.turns[turn_id]
        if told is None:
            return None
        versions = self.scene.swipes(told.id)
        at = next((index for index, turn in enumerate(versions) if turn.id == told.id), -1) + step
        if at < 0 and told.continues not in (0, *self.scene.hidden):
            return self.scene.turns[told.continues]
        return self.scene.furthest(versions[at].id) if 0 <= at < len(versions) else None

    async def edit(self, turn_id: int, text: str) -> Turn:
        """Store `text` as another version of the turn and tell it; return it. Raises RpchatError for empty text."""
        return await self._reword(self.scene.turns[turn_id], text, action="edit")

    async def trim(self, turn_id: int, at: int | None = None) -> Turn | None:
        """Cut a turn at index `at` of its text, or take its last sentence off, as another version; return it.

        None if nothing would be cut off, or nothing left.
        """
        turn = self.scene.turns[turn_id]
        if at is None:
            at = max((end for end in sentence_ends(turn.text) if end < len(turn.text.rstrip())), default=0)
        text = turn.text[:at].rstrip()
        return await self._reword(turn, text, action="trim") if text and text != turn.text else None

    async def _reword(self, old: Turn, text: str, *, action: str, told_behind: bool = True) -> Turn:
        line = _said(text)
        if not line:
            raise RpchatError("a turn cannot be empty", "Delete it instead.")
        draft = Turn(
            id=0, parent=old.parent, side=old.side, speaker=old.speaker, member=old.member, text=line, edited=True
        )
        return await self._book.add(draft, action=action, instead_of=old.id if told_behind else 0)

    async def delete(self, turn_id: int) -> None:
        """Hide the turn. `undo` brings it back."""
        await self._book.move(self.scene.hiding(turn_id), action="delete")

    async def inspect(self, text: str = "") -> Inspection:
        """Return the prompt of the next reply after the user said `text`, token by token. Writes nothing."""
        return await inspect(self.scene, self.preset, engine=self._engine, text=text)

    async def verify(self) -> Verdict:
        """Return whether the preset's adapter writes as the loaded model's own template does."""
        return await verify(self._engine, adapter_of(self.preset))

    @property
    def lengths(self) -> tuple[str, ...]:
        """The length hints of the preset's format; empty where it has none."""
        return adapter_of(self.preset).lengths

    async def set_length(self, length: str) -> None:
        """Ask for replies of this length from now on; empty leaves it to the preset. Raises RpchatError."""
        if length and length not in self.lengths:
            known = ", ".join(self.lengths)
            raise RpchatError(
                f"there is no length `{one_line(length, 20)}`" if known else "this format has no length hints",
                f"There are {known}." if known else "",
            )
        await self._set("length", length=length)

    async def set_note(self, note: str, *, depth: int | None = None) -> None:
        """Set the author's note, `depth` turns before the end of the prompt; empty takes it away."""
        changed: dict[str, str | int] = {"note": clean(note).strip()}
        if depth is not None:
            changed["note_depth"] = max(0, depth)
        await self._set("note", **changed)

    async def set_impersonation(self, policy: Impersonation) -> None:
        """Say what happens where a reply begins a line of somebody else's."""
        await self._set("impersonation", impersonation=policy)

    async def set_out_of_character(self, policy: OutOfCharacter) -> None:
        """Say what happens to lines outside the story."""
        await self._set("out of character", out_of_character=policy)

    async def _set(self, action: str, **values: str | int) -> None:
        await self._book.move(self.scene.setting(**values), action=action)

    async def use_preset(self, preset: Preset, *, name: str, why: str) -> None:
        """Play with `preset` from the next reply on; the scene remembers `name`, or with an empty one that none was
        chosen for it. Raises StoreError."""
        await self._book.settle(preset=name)
        self.preset, self.preset_why = preset, why

    async def undo(self) -> str | None:
        """Take the latest action back; return its name, or None if there is none."""
        return await self._book.undo()

    async def redo(self) -> str | None:
        """Do the latest undone action again; return its name, or None if there is none."""
        return await self._book.redo()
