"""The prompt that fits: rendered by the adapter, counted by the model, old turns dropped until it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpchat.engine.port import Engine, ModelInfo
from rpchat.errors import PromptError
from rpchat.prompt.assemble import Prompt, prompt_of, turns_to_drop
from rpchat.prompt.conversation import Conversation, converse
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.template import Template
from rpchat.prompt.segment import Segment, Vocabulary
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene, Turn


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits, its token ids, and the first turn it tells (0: all of them)."""

    prompt: Prompt
    token_ids: tuple[int, ...]
    first_kept: int


def vocabulary_of(model: ModelInfo) -> Vocabulary:
    """Return what the adapters must know of the model's vocabulary."""
    return Vocabulary(bos=model.bos, controls=model.controls)


async def render(
    engine: Engine, adapter: Adapter, conversation: Conversation, vocabulary: Vocabulary
) -> tuple[Segment, ...]:
    """Return the conversation in the adapter's format; the model's own template is rendered by the engine."""
    if not isinstance(adapter, Template):
        return adapter.render(conversation, vocabulary)
    messages, said = adapter.messages(conversation)
    try:
        page = await engine.render_template(messages)
    except PromptError:
        # Many templates refuse a system message, or a first line that is the model's own.
        messages, said = adapter.messages(conversation, system=False)
        page = await engine.render_template(messages)
    return adapter.fill(page, said, conversation, vocabulary)


async def fit(
    engine: Engine,
    adapter: Adapter,
    preset: Preset,
    scene: Scene,
    line: Sequence[Turn],
    *,
    speaker: str,
    prefill: str = "",
    reserve: int,
) -> Fitted:
    """Return the prompt for `speaker`'s reply to `line`, with `reserve` tokens of the context left free.

    The turns the scene has dropped before stay dropped. Raises PromptError if even the sheets and the last turn are
    too long, or no model is loaded.
    """
    model = engine.model
    if model is None:
        raise PromptError("no model is loaded", "Choose one with --model.")
    budget = model.n_ctx - reserve
    ids = [turn.id for turn in line]
    dropped = ids.index(scene.settings.first_kept) if scene.settings.first_kept in ids else 0
    while True:
        conversation = converse(scene, preset, line[dropped:], speaker=speaker, prefill=prefill)
        segments = await render(engine, adapter, conversation, vocabulary_of(model))
        token_ids = await engine.tokenize(segments)
        if len(token_ids) <= budget:
            prompt = prompt_of(preset, adapter, conversation, segments, dropped=dropped)
            return Fitted(prompt, tuple(token_ids), ids[dropped] if dropped else 0)
        dropped = turns_to_drop(line, dropped=dropped, tokens=len(token_ids), budget=budget)
