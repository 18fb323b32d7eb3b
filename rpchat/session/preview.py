"""What a model would read, without asking it and without writing anything down."""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.engine.port import Engine
from rpchat.errors import PromptError
from rpchat.prompt.assemble import Prompt, assemble
from rpchat.prompt.conversation import Conversation, converse
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.segment import Vocabulary
from rpchat.session.prompter import Fitted, fit, render, vocabulary_of
from rpchat.story.casting import speaker_of
from rpchat.story.greeting import greetings, opened
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene
from rpchat.story.text import said
from rpchat.story.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A prompt, and what a model counted of it."""

    prompt: Prompt
    line: tuple[Turn, ...]
    """The told turns, oldest first, with the line that is imagined; those that were dropped are among them."""
    fitted: Fitted | None = None
    """The prompt as it fits the model; None where no model is loaded."""
    whole: int | None = None
    """Tokens the prompt would have if no turn were dropped; None where nobody could count them."""

    @property
    def token_ids(self) -> tuple[int, ...] | None:
        """The prompt's tokens; None where no model is loaded."""
        return None if self.fitted is None else self.fitted.token_ids

    @property
    def dropped(self) -> tuple[Turn, ...]:
        """The oldest turns, which no longer fit."""
        return self.line[: self.prompt.dropped_turns]

    def place(self, turn_id: int) -> int:
        """Return a turn's place in the told line, counted from 1; 0 if it is not told."""
        return next((place for place, turn in enumerate(self.line, start=1) if turn.id == turn_id), 0)


def imagined(scene: Scene, text: str) -> Scene:
    """Return the scene with its greeting, if it has no turn yet, and with a line of the user's, if `text` is one."""
    scene = opened(scene, greetings(scene))
    line = said(text)
    if not line:
        return scene
    turn_id = max(scene.turns, default=0) + 1
    turn = Turn(id=turn_id, parent=scene.tip(), side="user", speaker=scene.persona.name, text=line)
    return scene.with_turn(turn).apply(scene.adding(turn))


async def preview(scene: Scene, preset: Preset, text: str, *, engine: Engine | None) -> Preview:
    """Return the prompt of the next reply in `scene` after the user said `text` (empty: as it stands).

    With an engine that has a model loaded, old turns are dropped as they would be, and the tokens are counted.
    Raises PromptError.
    """
    scene = imagined(scene, text)
    adapter = adapter_of(preset)
    speaker = speaker_of(scene).card.spoken_name
    prefill = adapter.opening(speaker) if len(scene.present()) > 1 else ""
    line = scene.line()
    if engine is None or engine.model is None:
        vocabulary = Vocabulary(controls=frozenset(adapter.controls))
        prompt = assemble(scene, preset, adapter, vocabulary, line, speaker=speaker, prefill=prefill)
        return Preview(prompt=prompt, line=line)
    fitted = await fit(
        engine, adapter, preset, scene, line, speaker=speaker, prefill=prefill,
        longest=preset.max_tokens,
    )  # fmt: skip
    whole: int | None = len(fitted.token_ids)
    if fitted.prompt.dropped_turns:
        whole = await _count(engine, adapter, converse(scene, preset, line, speaker=speaker, prefill=prefill))
    return Preview(prompt=fitted.prompt, line=line, fitted=fitted, whole=whole)


async def _count(engine: Engine, adapter: Adapter, conversation: Conversation) -> int | None:
    """The prompt's tokens whether it fits or not; None if it is too long for a template of the model's own."""
    if engine.model is None:
        return None
    try:
        return len(await engine.tokenize(await render(engine, adapter, conversation, vocabulary_of(engine.model))))
    except PromptError:
        # What fits was rendered; only the figure of what would not is missing then.
        return None
