"""The next prompt, laid open: every token with what it is there for, what of it is read already, what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from rpchat.engine.port import Engine
from rpchat.errors import PromptError
from rpchat.prompt.segment import Stops
from rpchat.prompt.tokens import Token, TokenOrigin, attribute, spent
from rpchat.session.preview import preview
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A prompt as the model would read it now."""

    tokens: tuple[Token, ...]
    spent: dict[TokenOrigin, int]
    """Tokens by what they are there for."""
    reused: int
    """How many of the first tokens the engine still holds."""
    context: int
    reserve: int
    """Tokens kept free for the reply."""
    dropped: tuple[Turn, ...]
    """The oldest turns, which no longer fit."""
    stops: Stops

    @property
    def first_change(self) -> TokenOrigin | None:
        """What the first token that must be read is there for; None if all is read."""
        return self.tokens[self.reused].origin if self.reused < len(self.tokens) else None


async def inspect(scene: Scene, preset: Preset, *, engine: Engine, text: str = "") -> Inspection:
    """Return the prompt of the next reply in `scene` after the user said `text` (empty: as it stands), laid open.

    Raises PromptError without a loaded model, and where the prompt cannot be made.
    """
    model = engine.model
    if model is None:
        raise PromptError("no model is loaded, so the tokens cannot be told", "Wait for it, or choose one.")
    shown = await preview(scene, preset, text, engine=engine)
    ids = list(shown.token_ids or ())
    tokens = attribute(shown.prompt.segments, ids, await engine.pieces(ids))
    cached = await engine.cached()
    same = takewhile(lambda pair: pair[0] == pair[1], zip(ids, cached, strict=False))
    return Inspection(
        tokens=tuple(tokens),
        spent=spent(tokens),
        reused=sum(1 for _ in same),
        context=model.n_ctx,
        reserve=min(preset.max_tokens, model.n_ctx // 2),
        dropped=scene.line()[: shown.prompt.dropped_turns],
        stops=shown.prompt.stops,
    )
