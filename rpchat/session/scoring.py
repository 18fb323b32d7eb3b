"""What the model makes of each member as the next to speak: how likely it finds the opening of that member's line."""

from __future__ import annotations

from math import exp

from rpchat.engine.port import Engine
from rpchat.prompt.formats import adapter_of
from rpchat.session.cast import Scores
from rpchat.session.prompter import fit
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene


async def scores_of(engine: Engine, preset: Preset, scene: Scene) -> Scores:
    """Return who may speak with the probabilities of their openings, the likeliest at 1. No token is written.

    Empty where the model cannot be asked: without one, and where every member's prompt begins with another sheet, so
    that all of it would have to be read for each. Raises PromptError, EngineError.
    """
    able = [member for member in scene.present() if not (member.muted or member.away)]
    if engine.model is None or scene.settings.sheets == "own" or len(able) < 2:
        return {}
    adapter, line = adapter_of(preset), scene.line()
    prompts = []
    for member in able:
        name = member.card.spoken_name
        fitted = await fit(
            engine, adapter, preset, scene, line, speaker=name, prefill=adapter.opening(name),
            longest=preset.max_tokens,
        )  # fmt: skip
        prompts.append(fitted.prompt.segments)
    logs = await engine.score(prompts)
    best = max(logs)
    return {member.card_id: exp(log - best) for member, log in zip(able, logs, strict=True)}
