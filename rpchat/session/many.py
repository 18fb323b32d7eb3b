"""Several versions of one reply at once: written together while the reader waits, or made ready while nobody does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from rpchat.engine.port import Ended, Engine, Reading, Request, StreamEvent
from rpchat.errors import RpchatError
from rpchat.reply.doctor import attempt
from rpchat.reply.reader import End
from rpchat.session.book import Book
from rpchat.session.events import SessionEvent
from rpchat.session.jobs import Whim, draft_of, going_on, job_for, member_of
from rpchat.session.keeper import Keeper
from rpchat.session.kept import Kept, record_of
from rpchat.session.notices import nothing_came
from rpchat.session.replying import Replying
from rpchat.session.take import MAX_SEED, Job, Take, Tally, WriterEvent, Written, opening_of
from rpchat.session.writer import Writer, streamed
from rpchat.story.casting import next_in_line
from rpchat.story.preset import Preset
from rpchat.story.turn import Turn


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be written: a job, the turn it makes, and the name of the action."""

    job: Job
    draft: Turn
    action: str


@dataclass(slots=True)
class _Version:
    """One of the versions, on its way. A `writer` writes it once it is written alone."""

    kept: Kept
    take: Take
    end: End | None = None
    writer: Writer | None = None

    @property
    def tally(self) -> Tally:
        return self.take.tally if self.writer is None else self.writer.tally

    def interrupted(self) -> Written | None:
        return self.take.interrupted() if self.writer is None else self.writer.interrupted()


class Many:
    """Writes versions of the next or the last turn of one scene, with the preset `preset` gives."""

    def __init__(self, book: Book, engine: Engine, replying: Replying, *, preset: Callable[[], Preset]) -> None:
        self._book = book
        self._engine = engine
        self._replying = replying
        self._preset = preset

    def swipes(
        self, count: int, *, seed: int | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[tuple[int, SessionEvent], None]:
        """Write `count` versions of the last turn, or behind a line of the user's of the next; yield each event with
        its version, from 0 on.

        The first that has text is told, and is one action of the user's; the others stand beside it. Those that come
        back empty are tried again alone. Closing and errors are those of `Session.reply`: what was written is kept, of
        every version; ReplyError only where no version has text.
        """
        return self._written(self._task(Whim(seed=seed, max_tokens=max_tokens)), count)

    async def make_ready(self, count: int) -> bool:
        """While nobody waits, write versions of the last reply until `count` stand behind the told one; return whether
        they do. They are not told, and no action of the user's.

        Any other call to the engine ends it; what is finished then stays, and the rest is dropped. Raises EngineError,
        PromptError.
        """
        last = self._book.scene.last()
        if last is None or last.side == "user" or not last.finish:
            # Lines of the user's, greetings and edits were not written by the model: there is nothing to write again.
            return True
        if self._replying.busy or self._book.read_only:
            return False
        missing = count - sum(1 for turn in self._book.scene.swipes(last.id) if turn.id > last.id)
        if missing <= 0:
            return True
        task = self._task(Whim())
        opening = await opening_of(task.job, attempt(1, causes=()))
        takes = [Take(task.job, opening) for _ in range(missing)]
        stored = 0
        async with aclosing(
            self._engine.stream_many(
                opening.request, missing, wanted=lambda version: not takes[version].done, idle=True
            )
        ) as events:
            async for version, event in events:
                for _ in takes[version].feed(event):
                    pass
                end = _end_of(event, takes[version])
                if end is not None and not takes[version].too_short(end):
                    stored += await self._put_by(task, takes[version].finish(end))
        return stored == missing

    async def _put_by(self, task: Task, written: Written) -> bool:
        """Store a version that is not told; return whether it says anything."""
        reply = written.reply
        if reply.finish in ("empty", "loop"):
            return False
        record = record_of(written, task.job)
        await self._book.add_version(replace(task.draft, text=reply.text, finish=reply.finish, record=record))
        return True

    def _task(self, whim: Whim) -> Task:
        """What one more version is: of the last reply; of its continuation, if it is one; or the next reply."""
        scene, last = self._book.scene, self._book.scene.last()
        if last is None or last.side == "user":
            who, parent, line, action = next_in_line(scene), scene.tip(), scene.line(), "reply"
        else:
            who, parent, line, action = member_of(scene, last), last.parent, scene.line_before(last), "regenerate"
        job = job_for(self._engine, self._preset(), scene, line, who.card.spoken_name, whim=whim)
        stem = scene.turns.get(last.continues) if last is not None and last.continues else None
        if stem is None:
            return Task(job, draft_of(who, parent), action)
        return Task(going_on(job, stem), draft_of(who, parent, stem), "continue")

    async def _written(self, task: Task, count: int) -> AsyncGenerator[tuple[int, SessionEvent], None]:
        self._book.writable()
        with self._replying.alone():
            opening = await opening_of(task.job, attempt(1, causes=()))
            versions = [
                _Version(
                    Kept(self._book, task.job, Keeper(self._book, task.draft, task.action)), Take(task.job, opening)
                )
                for _ in range(count)
            ]
            died = False
            try:
                async with aclosing(self._together(versions, opening.request)) as events:
                    async for told in events:
                        yield told
                async with aclosing(self._alone(versions, task.job)) as events:
                    async for told in events:
                        yield told
            except RpchatError:
                died = True
                raise
            finally:
                for version in versions:
                    await version.kept.leave(version.interrupted(), died=died)
            if not any(version.kept.keeper.stored for version in versions):
                raise nothing_came(versions[0].kept.written, task.job)

    async def _together(
        self, versions: list[_Version], request: Request
    ) -> AsyncGenerator[tuple[int, SessionEvent], None]:
        """Write them all in one go. Those that were empty, or ended too early, are left as they are."""
        streams = self._engine.stream_many(request, len(versions), wanted=lambda index: not versions[index].take.done)
        async with aclosing(streams) as events:
            async for index, event in events:
                version = versions[index]
                if isinstance(event, Reading):
                    _share(event, versions[1:])
                for told in version.take.feed(event):
                    said = await _keep(version, told, beside=versions)
                    if said is not None:
                        yield index, said
                self._replying.note(version.tally)
                version.end = _end_of(event, version.take)
                if version.end is not None and not version.take.too_short(version.end):
                    await version.kept.take(version.take.finish(version.end))
                    finished = await version.kept.finish()
                    if finished is not None:
                        yield index, finished

    async def _alone(self, versions: list[_Version], job: Job) -> AsyncGenerator[tuple[int, SessionEvent], None]:
        """Try the empty ones again, and go on with those that ended too early, one by one."""
        for index, version in enumerate(versions):
            if not version.kept.is_empty:
                continue
            async with aclosing(self._again(version, replace(job, seed=_unused(job, len(versions) + index)))) as events:
                async for event in events:
                    said = await _keep(version, event, beside=versions)
                    if said is not None:
                        yield index, said
                    self._replying.note(version.tally)
            finished = await version.kept.finish()
            if finished is not None:
                yield index, finished

    def _again(self, version: _Version, job: Job) -> AsyncGenerator[WriterEvent, None]:
        """What goes on with a version that has ended too early, or tries anew where it came back empty."""
        if version.kept.written is None:
            return streamed(self._engine, version.take, version.take.further())
        version.writer = Writer(job, causes=(version.kept.written.reply.cause,))
        return version.writer.run()


async def _keep(version: _Version, event: WriterEvent, *, beside: list[_Version]) -> SessionEvent | None:
    """Keep what an event brings. Who has text first is told."""
    keeper = version.kept.keeper
    if not keeper.stored:
        keeper.told = not any(other.kept.keeper.stored for other in beside)
    return await version.kept.take(event)


def _share(reading: Reading, others: list[_Version]) -> None:
    """The prompt is read once: of the others each evaluates its last token again."""
    for other in others:
        other.tally.read(Reading(reading.total - 1, reading.total))


def _end_of(event: StreamEvent, take: Take) -> End | None:
    """Return what ended a version with this event of it, if anything did."""
    if isinstance(event, Ended):
        return event.reason
    return "stop" if take.done else None


def _unused(job: Job, place: int) -> int:
    """A seed that no version of the same go has."""
    return (job.seed + place) % MAX_SEED
