"""What the demo model's replies need done for them: 200 replies over 20 scenes in two languages.

    python benchmarks/replies.py [--scenes N] [--turns N] [--tokens N] [--seed N]

Not a speed. It plays the scenes as `rpchat` would and looks at every turn that was stored: none may be empty, none may
hold a line of the user's or begin a line with the speaker's own name. Then it says how often that had to be brought
about, and by what. Ends with status 1 if a turn is not as it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from rpchat.cli.build import Options, running
from rpchat.errors import ReplyError
from rpchat.session import Finished, Retrying, Session, SessionEvent
from rpchat.story.turn import Turn

CARDS = ("mira", "sakura")
LINES = {
    "mira": (
        "Hello. Is the ferry still running tonight?", "What do you see over there?", "I am Robin. Who are you?",
        "Tell me about the lake.", "(sits down on the bench)", "Why did you stop?", "Say that again, slowly.",
        "And what did I answer you?", "It is getting dark.", "Good night, then.",
    ),
    "sakura": (
        "おはよう。", "今日は何をする予定？", "(窓の外を見る)", "お茶をいれてくれる？", "昨日の話を聞かせて。",
        "どうして笑っているの？", "私は何と言った？", "外は雨みたいだ。", "もう一度ゆっくり言って。", "おやすみ。",
    ),
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was seen."""

    turns: list[tuple[Turn, str]] = field(default_factory=list)
    """Every stored reply, with the user's name in its scene."""
    retries: Counter[str] = field(default_factory=Counter)
    finishes: Counter[str] = field(default_factory=Counter)
    given_up: int = 0

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the turns, a line each."""
        for turn, user in self.turns:
            if not turn.text.strip():
                yield f"turn {turn.id} is empty"
            for name, what in ((user, "a line of the user's"), (turn.speaker, "the speaker's own name")):
                if re.search(rf"^[ \t]*[*_]{{0,2}}{re.escape(name)}[*_]{{0,2}}[:：]", turn.text, re.MULTILINE):
                    yield f"turn {turn.id} has {what}: {turn.text[:60]!r}"
            if f"{user}「" in turn.text:
                yield f"turn {turn.id} has a line of the user's: {turn.text[:60]!r}"


def main() -> None:
    """Parse the command line, play, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory() as home:
        Path(home, "config.yaml").write_text("engine: {n_ctx: 2048}\n", "utf-8")
        asyncio.run(
            play(
                Path(home), tally, scenes=options.scenes, turns=options.turns, tokens=options.tokens, seed=options.seed
            )
        )
    sys.exit(report(tally))


async def play(home: Path, tally: Tally, *, scenes: int, turns: int, tokens: int, seed: int) -> None:
    """Play the scenes in a home of their own, the cards in turns."""
    async with running(Options(home=home)) as program:
        for number in range(scenes):
            card = CARDS[number % len(CARDS)]
            session = await program.play([card], new=True)
            async with aclosing(program.models.load(session)) as loading:
                async for _ in loading:
                    pass
            for turn in range(turns):
                await session.say(LINES[card][turn % len(LINES[card])])
                await answer(session, tally, seed=seed + number * turns + turn, tokens=tokens)
            user = session.scene.persona.name
            tally.turns += [(one, user) for one in session.scene.turns.values() if one.side == "member"]
            print(f"scene {number + 1} of {scenes}", end="\r", file=sys.stderr, flush=True)


async def answer(session: Session, tally: Tally, *, seed: int, tokens: int) -> None:
    """Let one reply be written; a job that no try did is counted, too."""
    events: AsyncGenerator[SessionEvent, None] = session.reply(seed=seed, max_tokens=tokens)
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Retrying):
                    tally.retries[event.cause] += 1
                elif isinstance(event, Finished):
                    tally.finishes[event.turn.finish] += 1
    except ReplyError:
        tally.given_up += 1


def report(tally: Tally) -> int:
    """Print the tally; return the exit status."""
    faults = list(tally.faults())
    print(f"{sum(tally.finishes.values())} replies, {tally.given_up} given up after the last try")
    print("ended by:", ", ".join(f"{name} {count}" for name, count in tally.finishes.most_common()))
    print("tried again:", ", ".join(f"{name} {count}" for name, count in tally.retries.most_common()) or "never")
    print(f"faults: {len(faults)}", *faults, sep="\n  ")
    return 1 if faults else 0


if __name__ == "__main__":
    main()
