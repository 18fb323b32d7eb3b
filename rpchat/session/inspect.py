"""The next prompt, laid open: every token with what it is there for, what of it is read already, what was left out.

An inspection rests on a preview: that makes the prompt, this only looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rpchat.engine.port import Engine, MemoryKind
from rpchat.errors import PromptError
from rpchat.prompt.segment import Stops
from rpchat.prompt.tokens import Token, TokenOrigin, attribute, spent
from rpchat.session.preview import Preview, preview
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene
from rpchat.story.text import one_line
from rpchat.story.turn import Turn


@dataclass(frozen=True, slots=True)
class FirstChange:
    """Where reading begins: what the first text that must be read is there for. The format's own marks in front of it
    count as its."""

    origin: TokenOrigin
    place: int = 0
    """The place, counted from 1, of the turn it tells in the told line, or of the one behind which it is told; 0 where
    there is none."""

    def __str__(self) -> str:
        """In words: `history (turn 41)`."""
        return f"{self.origin} (turn {self.place})" if self.place else self.origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A prompt as the model would read it now."""

    preview: Preview
    tokens: tuple[Token, ...]
    spent: dict[TokenOrigin, int]
    """Tokens by what they are there for."""
    reused: int
    """How many of the first tokens the engine still holds."""
    context: int
    reserve: int
    """Tokens kept free for the reply."""
    cautions: tuple[str, ...] = ()
    """What the reader should know of this prompt or this model, a line each."""

    @property
    def stops(self) -> Stops:
        """What ends the reply."""
        return self.preview.prompt.stops

    @property
    def dropped(self) -> tuple[Turn, ...]:
        """The oldest turns, which no longer fit."""
        return self.preview.dropped

    @property
    def room(self) -> int:
        """Tokens the prompt may have."""
        return self.context - self.reserve

    @property
    def first_change(self) -> FirstChange | None:
        """Where reading begins; None if all is read."""
        if self.reused >= len(self.tokens):
            return None
        for token in self.tokens[self.reused :]:
            if token.origin not in ("control", "format"):
                return FirstChange(token.origin, self.preview.place(token.turn))
        # Only the marks in front of the reply are left.
        return FirstChange("cue")

    @property
    def why_dropped(self) -> str:
        """Which turns were left out and why, in words; empty if all are told."""
        count, whole = len(self.dropped), self.preview.whole
        if not count:
            return ""
        turns = "the oldest turn" if count == 1 else f"the {count:,} oldest turns"
        if whole is None:
            return f"{turns}: no room in {self.room:,} tokens"
        if whole > self.room:
            return f"{turns}: all told, {whole - self.room:,} tokens over the room of {self.room:,}"
        return f"{turns}: left out when there was less room, and still, so that nothing is read again"


async def inspect(scene: Scene, preset: Preset, *, engine: Engine, text: str = "") -> Inspection:
    """Return the prompt of the next reply in `scene` after the user said `text` (empty: as it stands), laid open.

    Raises PromptError without a loaded model, and where the prompt cannot be made.
    """
    return await lay_open(await preview(scene, preset, text, engine=engine), scene, engine=engine)


async def lay_open(shown: Preview, scene: Scene, *, engine: Engine) -> Inspection:
    """Return the inspection of a prompt of `scene` whose tokens `engine` has counted. Raises PromptError if it has
    not."""
    fitted, model = shown.fitted, engine.model
    if fitted is None or model is None:
        raise PromptError("no model is loaded, so the tokens cannot be told", "Wait for it, or choose one.")
    tokens = attribute(fitted.prompt.segments, fitted.token_ids, await engine.pieces(fitted.token_ids))
    return Inspection(
        preview=shown,
        tokens=tuple(tokens),
        spent=spent(tokens),
        reused=await engine.reusable(fitted.prompt.segments),
        context=model.n_ctx,
        reserve=fitted.max_tokens,
        cautions=(*_known_to_all(shown, scene), *_MEMORY[model.memory], *_TEXT_ONLY[: model.text_only]),
    )


_TEXT_ONLY = ("this server takes only text: control tokens are written out, and tokens are estimated",)

_MEMORY: Mapping[MemoryKind, tuple[str, ...]] = {
    "full": (),
    "window": ("this model forgets old tokens (sliding window): going far back reads the prompt again",),
    "recurrent": ("this model remembers only where it stands (recurrent): a swipe reads the prompt again",),
}


def _known_to_all(shown: Preview, scene: Scene) -> Iterator[str]:
    """Where members are to know only what they were there for, tell whose sheets the speaker reads all the same."""
    conversation = shown.prompt.conversation
    others = [char.name for char in conversation.chars if char.name != conversation.speaker]
    if scene.settings.presence and others:
        speaker, names = one_line(conversation.speaker, 40), one_line(", ".join(others), 80)
        yield f"presence hides turns, not sheets: {speaker} reads those of {names} too · /sheets own"
