"""`rpchat prompt`: what the model would read."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from dataclasses import asdict

from rpchat.cli.build import Options, running
from rpchat.engine.port import Engine
from rpchat.errors import ModelError
from rpchat.program import Program
from rpchat.prompt.segment import joined
from rpchat.prompt.tokens import Token, TokenOrigin
from rpchat.session.inspect import Inspection, lay_open
from rpchat.session.preview import Preview, preview
from rpchat.story.scene import Scene
from rpchat.story.text import one_line

_PARTS: tuple[TokenOrigin, ...] = ("setup", "lore", "history", "note", "cue", "format", "control")
"""What tokens are there for, in the order in which the table tells it."""


async def run(options: Options, text: str, *, as_json: bool) -> int:
    """Print the prompt of the next reply, and to standard error what it costs; with JSON all that is known of it."""
    async with running(options) as program:
        if options.scene:
            scene = await program.scene_at(options.scene, new=options.new)
        else:
            scene = await program.scene_of(options.cards, new=options.new)
        preset, _ = program.choices.preset(scene)
        engine = await _counting_engine(program, scene, options)
        shown = await preview(scene, preset, text, engine=engine)
        inspection = None if engine is None else await lay_open(shown, scene, engine=engine)
    if as_json:
        print(json.dumps({**_of_prompt(shown), **_of_tokens(inspection)}, ensure_ascii=False))
        return 0
    print(shown.prompt.text)
    if inspection is not None:
        print(_table(inspection), *inspection.cautions, sep="\n", file=sys.stderr)
    return 0


async def _counting_engine(program: Program, scene: Scene, options: Options) -> Engine | None:
    """The engine with the model loaded, if the prompt is one for this model: a preset that was asked for without its
    model is shown as its own model would read it, and nothing is counted."""
    try:
        if not options.wishes.model and not program.choices.fits(scene):
            return None
        async with aclosing(program.models.load_for(scene)) as loading:
            async for _ in loading:
                pass
    except ModelError as error:
        if options.wishes.model:
            raise
        print(f"rpchat: tokens are not counted: {error}", file=sys.stderr)
        return None
    return program.engine


def _of_prompt(shown: Preview) -> dict[str, object]:
    """What is known without a model, beside the ids."""
    prompt = shown.prompt
    return {
        "text": prompt.text,
        "segments": [list(pair) for pair in joined(prompt.segments)],
        "stops": asdict(prompt.stops),
        "token_ids": None if shown.token_ids is None else list(shown.token_ids),
        "dropped_turns": prompt.dropped_turns,
    }


def _of_tokens(inspection: Inspection | None) -> dict[str, object]:
    """What only a model can tell; null without one. Turns are told by their place, counted from 1."""
    if inspection is None:
        return dict.fromkeys(("tokens", "budget", "dropped", "reuse", "first_change", "cautions"))
    places = {turn.id: place for place, turn in enumerate(inspection.preview.line, start=1)}
    change = inspection.first_change
    return {
        "tokens": [_token(token, places) for token in inspection.tokens],
        "budget": {
            "context": inspection.context,
            "reserve": inspection.reserve,
            "room": inspection.room,
            "total": len(inspection.tokens),
            "parts": {part: inspection.spent.get(part, 0) for part in _PARTS},
        },
        "dropped": [
            {
                "turn": places[turn.id],
                "speaker": turn.speaker,
                "begins": one_line(turn.text, 60),
                "why": inspection.why_dropped,
            }
            for turn in inspection.dropped
        ],
        "reuse": inspection.reused,
        "first_change": None if change is None else {"origin": change.origin, "turn": change.place or None},
        "cautions": list(inspection.cautions),
    }


def _token(token: Token, places: dict[int, int]) -> dict[str, object]:
    """A token; one that holds only a part of a character has the mark for that as its text."""
    return {
        "id": token.id,
        "text": token.name or token.piece.decode("utf-8", "replace"),
        "origin": token.origin,
        "turn": places.get(token.turn),
    }


def _table(inspection: Inspection) -> str:
    """The budget as one line: each part, the sum, what need not be read, and what was left out."""
    total, spent = len(inspection.tokens), inspection.spent
    cells = [f"{part} {spent[part]:,}" for part in _PARTS if spent.get(part)]
    cells.append(f"{total:,} of {inspection.room:,} tokens")
    cells.append(f"kept for the reply {inspection.reserve:,}")
    cells.append(f"reuse {inspection.reused:,} of {total:,}")
    change = inspection.first_change
    if inspection.reused and change is not None:
        cells.append(f"first change: {change}")
    if inspection.dropped:
        cells.append(f"dropped: {inspection.why_dropped}")
    return " · ".join(cells)
