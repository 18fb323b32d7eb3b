"""The prompt that fits: rendered by the adapter, counted by the model, old turns dropped until it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpchat.engine.port import Engine, ModelInfo
from rpchat.errors import PromptError
from rpchat.prompt.assemble import Prompt, last_needed, prompt_of, turns_to_drop
from rpchat.prompt.conversation import Conversation, converse
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.template import Template
from rpchat.prompt.notes import note_changed_behind
from rpchat.prompt.segment import Segment, Vocabulary
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene
from rpchat.story.turn import Turn


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits, its token ids, the first turn it tells (0: all of them), and the longest reply to it."""

    prompt: Prompt
    token_ids: tuple[int, ...]
    first_kept: int
    max_tokens: int


def vocabulary_of(model: ModelInfo) -> Vocabulary:
    """Return what the adapters must know of the model's vocabulary."""
    # A template writes these two by variable, so they are not among the names that stand in it.
    own = {name for name in (model.bos, model.eos) if name}
    return Vocabulary(bos=model.bos, controls=model.controls | own)


async def render(
    engine: Engine, adapter: Adapter, conversation: Conversation, vocabulary: Vocabulary
) -> tuple[Segment, ...]:
    """Return the conversation in the adapter's format; the model's own template is rendered by the engine."""
    if not isinstance(adapter, Template):
        return adapter.render(conversation, vocabulary)
    messages, said = adapter.messages(conversation)
    try:
        return adapter.fill(await engine.render_template(messages), said, conversation, vocabulary)
    except PromptError:
        # Many templates refuse a system message or a first line that is the model's own, or leave them out.
        messages, said = adapter.messages(conversation, system=False)
        return adapter.fill(await engine.render_template(messages), said, conversation, vocabulary)


async def fit(
    engine: Engine,
    adapter: Adapter,
    preset: Preset,
    scene: Scene,
    line: Sequence[Turn],
    *,
    speaker: str,
    prefill: str = "",
    longest: int,
    behind: int = 0,
    patient: bool = False,
) -> Fitted:
    """Return the prompt for `speaker`'s reply to `line`, with room in the context for `longest` tokens of it, or for
    half of what the context holds if that is less, and for the `behind` tokens that already stand behind the prompt.

    The turns the scene has dropped before stay dropped, but never the user's last one. What a note stood in front of
    that was changed may be moved; if `patient`, it is to be read anew. Raises PromptError if even the sheets and what
    must stay are too long, or no model is loaded.
    """
    model = engine.model
    if model is None:
        raise PromptError("no model is loaded", "Choose one with --model.")
    reserve = min(longest, model.n_ctx // 2)
    budget = model.n_ctx - reserve - behind
    ids = [turn.id for turn in line]
    dropped = min(_dropped_before(scene, ids), last_needed(line))
    while True:
        conversation = converse(scene, preset, line[dropped:], speaker=speaker, prefill=prefill)
        segments = await render(engine, adapter, conversation, vocabulary_of(model))
        token_ids = await engine.tokenize(segments)
        if len(token_ids) <= budget:
            noted = 0 if patient else note_changed_behind(scene, line[dropped:])
            prompt = prompt_of(preset, adapter, conversation, segments, dropped=dropped, noted=noted)
            return Fitted(prompt, tuple(token_ids), ids[dropped] if dropped else 0, reserve)
        dropped = turns_to_drop(line, dropped=dropped, tokens=len(token_ids), budget=budget)


def _dropped_before(scene: Scene, ids: Sequence[int]) -> int:
    first = scene.settings.first_kept
    return ids.index(first) if first in ids else 0
