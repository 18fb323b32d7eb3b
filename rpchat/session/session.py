"""A scene being played: say, reply, regenerate, go on, reroll, draft. `turns` and `tuning` do what needs no model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from rpchat.engine.port import Engine, ModelInfo
from rpchat.errors import PromptError, RpchatError
from rpchat.prompt.formats import adapter_of
from rpchat.session.ahead import next_prompts
from rpchat.session.book import Book
from rpchat.session.cast import Cast, Scores
from rpchat.session.ensemble import handing_over, last_round, one_after_the_other, round_again
from rpchat.session.events import SessionEvent, Started, Status
from rpchat.session.inspect import Inspection, inspect
from rpchat.session.jobs import Whim, draft_of, going_on, going_on_from, job_for, member_of, unguarded
from rpchat.session.keeper import Keeper
from rpchat.session.many import Many
from rpchat.session.overflow import OverflowCost, overflow_cost
from rpchat.session.replying import Replying
from rpchat.session.resume import Resume
from rpchat.session.scoring import scores_of
from rpchat.session.take import Job, ids_of
from rpchat.session.tuning import Tuning
from rpchat.session.turns import Turns
from rpchat.session.verify import Verdict, verify
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene
from rpchat.story.text import said
from rpchat.story.turn import Turn

PresetOf = Callable[[Scene], Awaitable[tuple[Preset, str]]]
"""Returns the preset a scene is played with, and why that one."""


class Session:
    """One scene, one preset, one engine. One reply is written at a time.

    Nothing is lost: the user's turn is on disk before `say` returns, a reply is stored with its first visible text and
    saved about once a second, and a reply that is stopped or dies keeps what was written. `preset_of` is asked when the
    scene's settings name another preset.
    """

    def __init__(
        self,
        book: Book,
        engine: Engine,
        preset: Preset,
        *,
        preset_why: str = "",
        preset_of: PresetOf | None = None,
        resume: Resume | None = None,
    ) -> None:
        self._book = book
        self._engine = engine
        self._replying = Replying(book, engine)
        self._resume = resume
        self._preset_of = preset_of
        self.turns = Turns(book, follow=self.follow_preset)
        self.many = Many(book, engine, self._replying, preset=lambda: self.preset)
        self.cast = Cast(book, score=self._scores)
        self.tuning = Tuning(book, lengths=lambda: self.lengths)
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
        line = said(text)
        if not line:
            raise RpchatError("there is nothing to say", "Type a line first.")
        length = adapter_of(self.preset).length_of(line)
        return await self._book.add(
            Turn(
                id=0, parent=self.scene.tip(), side="user", speaker=self.scene.persona.name, text=line,
                record={**({"length": length} if length else {}), **self.scene.witnesses()},
            ),
            action="say",
        )  # fmt: skip

    async def greet(self, member: Member, greetings: Sequence[str]) -> None:
        """Open the scene with a member's greetings, each a version of the first turn; the first of them is told."""
        draft = draft_of(member, self.scene.tip())
        turns = [await self._book.add(replace(draft, text=said(text)), action="greet") for text in greetings]
        await self._book.move(self.scene.choosing(turns[0].id), action="greet")

    # Writing: each of these streams; closing the generator stops the engine and keeps what was written. All raise
    # ReplyError when no try gave a reply, EngineError when the engine died (what was written is kept), PromptError
    # when the prompt cannot be made.

    def reply(
        self, *, member: str | None = None, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Write the next turn, by the member of that card id or the one whose turn it is.

        Where the scene hands over, a member whose line the reply began writes the turn behind it.
        """
        whim = Whim(seed=seed, max_tokens=max_tokens)

        async def begin(card_id: str | None) -> AsyncGenerator[SessionEvent, None]:
            who = self.scene.member(card_id) if card_id is not None else await self.cast.next()
            job = self._job(who.card.spoken_name, self.scene.line(), whim)
            async with aclosing(self._written(job, draft_of(who, self.scene.tip()), "reply")) as events:
                async for event in events:
                    yield event

        return handing_over(begin(member), lambda: self.scene, begin)

    def play_on(self, turns: int, *, pause: float = 0.0) -> AsyncGenerator[SessionEvent, None]:
        """Let the members talk on for that many turns, with `pause` seconds in between."""
        return one_after_the_other(self.reply, turns, pause=pause)

    def regenerate_round(self) -> AsyncGenerator[SessionEvent, None]:
        """Write every turn behind the user's last line again, by the same members; if there is none, the next turn.

        To undo that is one action.
        """
        if not last_round(self.scene):
            return self.reply()
        together = self._book.together("round")
        return round_again(self.scene, self.regenerate, lambda card_id: self.reply(member=card_id), together=together)

    def regenerate(
        self, turn_id: int | None = None, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Write another version of a member's turn, the last one or `turn_id`; behind a line of the user's, the next.

        Nothing is overwritten: what was told behind the turn stays behind the version it was told to.
        """
        turn = self.scene.last() if turn_id is None else self.scene.turns[turn_id]
        if turn is None or turn.side == "user":
            return self.reply(seed=seed, max_tokens=max_tokens)
        job = self._job(turn.speaker, self.scene.line_before(turn), Whim(seed=seed, max_tokens=max_tokens))
        job = replace(job, noted={**job.noted, **turn.standing})
        return self._written(job, draft_of(member_of(self.scene, turn), turn.parent), "regenerate")

    def continue_(
        self, turn_id: int | None = None, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[SessionEvent, None]:
        """Go on inside a member's turn, the last one or `turn_id`, from its own tokens where they are kept.

        What comes is another version, which goes on from that one: swiping takes it away, and writes it anew.
        """
        turn = self.scene.last() if turn_id is None else self.scene.turns[turn_id]
        if turn is None or turn.side == "user":
            return self.reply(seed=seed, max_tokens=max_tokens)
        job = going_on(
            self._job(turn.speaker, self.scene.line_before(turn), Whim(seed=seed, max_tokens=max_tokens)), turn
        )
        return self._written(job, draft_of(member_of(self.scene, turn), turn.parent, turn), "continue")

    def continue_again(self) -> AsyncGenerator[SessionEvent, None]:
        """Write another continuation of the version the last turn goes on from; without one, the whole turn again."""
        turn = self.scene.last()
        return self.continue_(turn.continues) if turn is not None and turn.continues else self.regenerate()

    async def reroll(self, turn_id: int, at: int) -> AsyncGenerator[SessionEvent, None]:
        """Cut a member's turn at index `at` of its text and go on from there, as another version."""
        turn = self.scene.turns[turn_id]
        kept = turn.text[:at].rstrip()
        if kept:
            turn = await self.turns.reword(turn, kept, action="trim", told_behind=False)
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
        job = unguarded(going_on_from(self._job(turn.speaker, self.scene.line_before(turn), Whim()), text))
        draft = replace(draft_of(member_of(self.scene, turn), turn.parent, turn), text=text)
        keeper = Keeper(self._book, draft, "take back")
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
        """Let the engine read what the next prompt begins with whatever the user types, whoever speaks next; return
        whether all is read.

        Turns for which there will be no room are dropped now. Any other call to the engine ends it. Raises EngineError.
        """
        if self.model is None or self.busy or self.read_only:
            return False
        try:
            ahead = await next_prompts(self._engine, self.preset, self.scene)
        except PromptError:
            # It is told to who asks for the reply.
            return False
        dropping = ahead.first_kept != self.scene.settings.first_kept
        await self._book.settle(first_kept=ahead.first_kept)
        for at, segments in enumerate(ahead.prompts):
            if not await self._engine.read_ahead(segments, replacing=dropping and at == 0):
                return False
        if self._resume is not None:
            await self._resume.save(self.status, resting=True)
        return True

    async def restore(self) -> int:
        """Let the engine have back what it had read when the scene was last open; return how many tokens.

        To be called when the model is loaded; only the first call behind a loading does something.
        """
        return await self._resume.restore() if self._resume is not None and not self.read_only else 0

    async def keep_read(self) -> bool:
        """Keep on disk what the engine has read of this scene, if that is new; return whether it was kept.

        To be called before the engine is given something else to do, or ended; it takes two seconds at most.
        """
        if self._resume is None or self.busy or self.read_only:
            return False
        return await self._resume.save(self.status)

    async def _scores(self) -> Scores:
        return await scores_of(self._engine, self.preset, self.scene)

    def _job(self, speaker: str, line: Sequence[Turn], whim: Whim) -> Job:
        return job_for(self._engine, self.preset, self.scene, line, speaker, whim=whim)

    def _written(self, job: Job, draft: Turn, action: str) -> AsyncGenerator[SessionEvent, None]:
        return self._replying.write(job, Keeper(self._book, draft, action))

    async def inspect(self, text: str = "") -> Inspection:
        """Return the prompt of the next reply after the user said `text`, token by token. Writes nothing."""
        return await inspect(self.scene, self.preset, engine=self._engine, text=text)

    async def overflow_cost(self) -> OverflowCost:
        """Return what it costs to leave out old turns when the context is full. Raises PromptError."""
        turns = self.scene.turns.values()
        return overflow_cost(await self.inspect(), turns, ids_of=ids_of(self._engine))

    async def verify(self) -> Verdict:
        """Return whether the preset's adapter writes as the loaded model's own template does."""
        return await verify(self._engine, adapter_of(self.preset))

    @property
    def lengths(self) -> tuple[str, ...]:
        """The length hints of the preset's format; empty where it has none."""
        return adapter_of(self.preset).lengths

    async def rename(self, title: str) -> None:
        """Give the scene another title. Raises StoreError."""
        await self._book.move(self.scene.retitling(title), action="rename")

    async def use_preset(self, name: str, *, instead_of: str) -> None:
        """Play with the preset of that name from the next reply on; with an empty one, with the one that fits.

        To undo that leads back to the scene's own, or to `instead_of` where it had none. Raises FileError, StoreError.
        """
        if not self.scene.settings.preset:
            await self._book.settle(preset=instead_of)
        await self._book.move(self.scene.setting(preset=name), action="preset")
        await self.follow_preset()

    async def follow_preset(self) -> None:
        """Play with the preset the scene's settings lead to now. Raises FileError."""
        if self._preset_of is not None:
            self.preset, self.preset_why = await self._preset_of(self.scene)
