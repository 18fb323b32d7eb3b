"""What a model would read, without asking it and without writing anything down."""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.engine.port import Engine
from rpchat.prompt.assemble import Prompt, assemble
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.segment import Vocabulary
from rpchat.session.prompter import fit
from rpchat.story.casting import next_in_line
from rpchat.story.greeting import greetings
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene, Turn
from rpchat.story.text import clean


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt, and its token ids where a model counted them."""

    prompt: Prompt
    token_ids: tuple[int, ...] | None


def imagined(scene: Scene, text: str) -> Scene:
    """Return the scene with its greeting, if it has no turn yet, and with a line of the user's, if `text` is one."""
    opening = greetings(scene) if not scene.turns else None
    if opening is not None:
        member, texts = opening
        scene = _with(scene, Turn(
            id=1, parent=0, side="member", speaker=member.card.spoken_name, member=member.card_id, text=texts[0]
        ))  # fmt: skip
    line = clean(text).strip("\n").rstrip()
    if line:
        turn_id = max(scene.turns, default=0) + 1
        turn = Turn(id=turn_id, parent=scene.tip(), side="user", speaker=scene.persona.name, text=line)
        scene = _with(scene, turn)
    return scene


def _with(scene: Scene, turn: Turn) -> Scene:
    return scene.with_turn(turn).apply(scene.adding(turn))


async def preview(scene: Scene, preset: Preset, text: str, *, engine: Engine | None) -> Preview:
    """Return the prompt of the next reply in `scene` after the user said `text` (empty: as it stands).

    With an engine that has a model loaded, old turns are dropped as they would be, and the tokens are counted.
    Raises PromptError.
    """
    scene = imagined(scene, text)
    adapter = adapter_of(preset)
    speaker = next_in_line(scene).card.spoken_name
    prefill = adapter.opening(speaker) if len(scene.cast) > 1 else ""
    line = scene.line()
    if engine is None or engine.model is None:
        vocabulary = Vocabulary(controls=frozenset(adapter.controls))
        prompt = assemble(scene, preset, adapter, vocabulary, line, speaker=speaker, prefill=prefill)
        return Preview(prompt, None)
    fitted = await fit(
        engine, adapter, preset, scene, line, speaker=speaker, prefill=prefill,
        longest=preset.max_tokens,
    )  # fmt: skip
    return Preview(fitted.prompt, fitted.token_ids)
