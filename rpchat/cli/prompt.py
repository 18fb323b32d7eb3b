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
from rpchat.session.preview import Preview, preview
from rpchat.story.scene import Scene


async def run(options: Options, text: str, *, as_json: bool) -> int:
    """Print the prompt of the next reply; with JSON also segments, stops and token ids."""
    async with running(options) as program:
        if options.scene:
            scene = (await program.open(await program.scene_named(options.scene))).scene
        else:
            scene = await program.scene_of(options.cards, new=options.new)
        preset, _ = program.choices.preset(scene)
        engine = await _counting_engine(program, scene, options)
        shown = await preview(scene, preset, text, engine=engine)
    print(json.dumps(_object(shown), ensure_ascii=False) if as_json else shown.prompt.text)
    return 0


async def _counting_engine(program: Program, scene: Scene, options: Options) -> Engine | None:
    """The engine with the model loaded, if the prompt is one for this model: a preset that was asked for without its
    model is shown as its own model would read it, and nothing is counted."""
    try:
        if not options.wishes.model and not program.choices.fits(scene):
            return None
        async with aclosing(program.load_for(scene)) as loading:
            async for _ in loading:
                pass
    except ModelError as error:
        if options.wishes.model:
            raise
        print(f"rpchat: tokens are not counted: {error}", file=sys.stderr)
        return None
    return program.engine


def _object(shown: Preview) -> dict[str, object]:
    prompt = shown.prompt
    return {
        "text": prompt.text,
        "segments": [list(pair) for pair in joined(prompt.segments)],
        "stops": asdict(prompt.stops),
        "token_ids": None if shown.token_ids is None else list(shown.token_ids),
        "dropped_turns": prompt.dropped_turns,
    }
