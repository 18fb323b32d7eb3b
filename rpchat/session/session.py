"""A scene being played: say, reply, regenerate, swipe, go on, edit, delete, undo."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from rpchat.engine.port import Engine, ModelInfo, Reading
from rpchat.errors import RpchatError
from rpchat.prompt.formats import adapter_of
from rpchat.session.book import Book
from rpchat.session.events import Delta, Finished, Retrying, SessionEvent, Started, Status
from rpchat.session.inspect import Inspection, inspect
from rpchat.session.jobs import going_on, job_for
from rpchat.session.keeper import Keeper
from rpchat.session.notices import nothing_came, notice_of
from rpchat.session.verify import Verdict, verify
from rpchat.session.writer import Job, Writer, Written
from rpchat.story.casting import next_in_line
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene, Turn
from rpchat.story.text import clean, one_line


class Session:
    """One scene, one preset, one engine. One reply is written at a time.

    Nothing is lost: the user's turn is on disk before `say` returns, a reply is stored with its first visible text and
    saved about once a second, and a reply that is stopped or dies keeps what was written.
    """

    def __init__(self, book: Book, engine: Engine, preset: Preset, *, preset_why: str = "") -> None:
        self._book = book
        self._engine = engine
        self.preset = preset
        self.preset_why = preset_why
        self.busy = False
        self.status = Status()

    @property
    def scene(self) -> Scene:
        """The scene as it stands now."""
        return self._book.scene

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model, or None."""
        return self._engine.model

    @property
    def read_only(self) -> bool:
        """Whether this run may only read: another one has the home."""
        return self._book.read_only

    async def say(self, text: str) -> Turn:
        """Store the user's line and return its turn; it is on disk then. Raises RpchatError for an empty line."""
        line = clean(text).strip("\n").rstrip()
        if not line:
            raise RpchatError("there is nothing to say", "Type a line first.")
        return await self._book.add(
            parent=self.scene.tip(), side="user", speaker=self.scene.persona.name, text=line, action="say",
            record=self._length_record(line),
        )  # fmt: skip

    async def greet(self, member: Member, greetings: Sequence[str]) -> None:
        """Open the scene with a member's greetings, each a version of the first turn; the first of them is told."""
        parent = self.scene.tip()
        turns = [
            await self._book.add(
                parent=parent, side="member", speaker=member.card.spoken_name, member=member.card_id,
                text=clean(text).strip("\n").rstrip(), action="greet",
            )
            for text in greetings
        ]  # fmt: skip
        await self._book.move(self.scene.choosing(turns[0].id), action="greet")

    def reply(
        self, *, member: str | None = None, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Write the next turn, by the member of that card id or the one whose turn it is.

        Closing the generator stops the engine and keeps what was written. Raises ReplyError when no try gave a reply,
        EngineError when the engine died (what was written is kept), PromptError when the prompt cannot be made.
        """
        who = self.scene.member(member) if member is not None else next_in_line(self.scene)
        line = self.scene.line()
        parent = self.scene.tip()
        return self._run(self._job(who, line, seed, max_tokens), self._keeper(who, parent, "reply"))

    def regenerate(
        self, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Write another version of the last turn, if it is a member's; else the next turn. Nothing is overwritten."""
        line = self.scene.line()
        if not line or line[-1].side == "user":
            return self.reply(seed=seed, max_tokens=max_tokens)
        last = line[-1]
        who = self._who(last)
        return self._run(self._job(who, line[:-1], seed, max_tokens), self._keeper(who, last.parent, "regenerate"))

    def continue_(
        self, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Go on inside the last turn, a member's, from its own tokens where they are kept."""
        line = self.scene.line()
        if not line or line[-1].side == "user":
            return self.reply(seed=seed, max_tokens=max_tokens)
        last = line[-1]
        who = self._who(last)
        job = going_on(self._job(who, line[:-1], seed, max_tokens), last)
        return self._run(job, replace(self._keeper(who, last.parent, "continue"), turn=last))

    def _who(self, turn: Turn) -> Member:
        try:
            return self.scene.member(turn.member)
        except KeyError:
            raise RpchatError(f"{turn.speaker} is not in this scene any more") from None

    def _keeper(self, who: Member, parent: int, action: str) -> Keeper:
        return Keeper(self._book, who.card.spoken_name, who.card_id, action, parent=parent)

    def _job(self, who: Member, line: Sequence[Turn], seed: int | None, max_tokens: int | None) -> Job:
        return job_for(self._engine, self.preset, self.scene, line, who, seed=seed, max_tokens=max_tokens)

    async def _run(self, job: Job, keeper: Keeper) -> AsyncGenerator[SessionEvent, None]:
        self._book.writable()
        if self.busy:
            raise RpchatError("a reply is being written", "Esc stops it.")
        self.busy = True
        writer = Writer(job)
        written: Written | None = None
        died = False
        try:
            async with aclosing(writer.run()) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        begun = await keeper.save() if keeper.take(event.text) else None
                        if begun is not None:
                            yield Started(begun)
                        else:
                            yield event
                    elif isinstance(event, Written):
                        written = event
                    elif isinstance(event, Reading | Retrying):
                        # Behind an empty try there is a next one, and what that one writes is not written yet.
                        written = None if isinstance(event, Retrying) else written
                        yield event
                    self._note(writer)
            if written is not None and written.reply.finish != "empty":
                yield Finished(await self._keep(keeper, written), notice_of(written, user=self.scene.persona.name))
                return
        except RpchatError:
            died = True
            raise
        finally:
            try:
                partial_reply = writer.interrupted() if written is None else None
                if partial_reply is not None:
                    await self._keep(keeper, partial_reply, finish="interrupted" if died else "")
            finally:
                self.busy = False
        raise nothing_came(written, job)

    async def _keep(self, keeper: Keeper, written: Written, *, finish: str = "") -> Turn:
        text = written.reply.text
        record = {**written.record, **self._length_record(text)}
        turn = await keeper.finish(text=text, finish=finish or written.reply.finish, record=record)
        await self._book.settle(first_kept=written.first_kept)
        return turn

    def _length_record(self, text: str) -> dict[str, object]:
        length = adapter_of(self.preset).length_of(text)
        return {"length": length} if length else {}

    def _note(self, writer: Writer) -> None:
        tally, model = writer.tally, self._engine.model
        self.status = Status(
            tokens_per_second=tally.tokens_per_second or self.status.tokens_per_second,
            context_used=tally.prompt_tokens + len(tally.reply_ids) or self.status.context_used,
            context=model.n_ctx if model is not None else None,
        )

    def has_swipe(self, step: int, turn_id: int | None = None) -> bool:
        """Return whether there is a version `step` places from the told one, of the last turn or of `turn_id`."""
        return self._version(step, turn_id) is not None

    async def swipe(self, step: int, turn_id: int | None = None) -> Turn | None:
        """Tell the version `step` places from the told one, of the last turn or of `turn_id`; None if there is none."""
        version = self._version(step, turn_id)
        if version is not None:
            await self._book.move(self.scene.choosing(version.id), action="swipe")
        return version

    def _version(self, step: int, turn_id: int | None) -> Turn | None:
        line = self.scene.line()
        if turn_id is None and not line:
            return None
        told = line[-1].id if turn_id is None else turn_id
        versions = self.scene.swipes(told)
        at = next((index for index, turn in enumerate(versions) if turn.id == told), -1) + step
        return versions[at] if 0 <= at < len(versions) else None

    async def edit(self, turn_id: int, text: str) -> Turn:
        """Store `text` as another version of the turn and tell it; return it. Raises RpchatError for empty text."""
        old = self.scene.turns[turn_id]
        line = clean(text).strip("\n").rstrip()
        if not line:
            raise RpchatError("a turn cannot be empty", "Delete it instead.")
        return await self._book.add(
            parent=old.parent, side=old.side, speaker=old.speaker, member=old.member, text=line, edited=True,
            action="edit", instead_of=turn_id,
        )  # fmt: skip

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
        await self._book.settle(length=length)

    async def set_note(self, note: str, *, depth: int | None = None) -> None:
        """Set the author's note, `depth` turns before the end of the prompt; empty takes it away."""
        changed: dict[str, str | int] = {"note": clean(note).strip()}
        if depth is not None:
            changed["note_depth"] = max(0, depth)
        await self._book.settle(**changed)

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
