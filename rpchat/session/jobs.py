"""What is to be written: the job of a reply, and of one that goes on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from rpchat.engine.port import Engine
from rpchat.prompt.formats import adapter_of
from rpchat.session.prompter import Fitted, fit
from rpchat.session.writer import MAX_SEED, Job
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene, Turn

_FORBID_END = 4
"""A finished turn that is to go on may not end again for this many tokens."""


def job_for(
    engine: Engine,
    preset: Preset,
    scene: Scene,
    line: Sequence[Turn],
    who: Member,
    *,
    seed: int | None = None,
    max_tokens: int | None = None,
) -> Job:
    """Return the job of `who`'s reply to `line`; without a seed the preset's own, else a new one."""
    speaker = who.card.spoken_name
    adapter = adapter_of(preset)
    if seed is None:
        seed = preset.sampling.seed
    cast = [member.card.spoken_name for member in scene.cast]

    async def fitted(prefill: str, behind: int) -> Fitted:
        return await fit(
            engine, adapter, preset, scene, line, speaker=speaker, prefill=prefill,
            longest=max_tokens or preset.max_tokens, behind=behind,
        )  # fmt: skip

    return Job(
        engine=engine,
        adapter=adapter,
        preset=preset,
        user=scene.persona.name,
        speaker=speaker,
        others=tuple(name for name in cast if name != speaker),
        fitted=fitted,
        seed=secrets.randbelow(MAX_SEED) if seed is None else seed,
        prefill=adapter.opening(speaker) if len(cast) > 1 else "",
    )


def going_on(job: Job, last: Turn) -> Job:
    """Return the job that goes on inside `last`: from its own tokens where they are kept, else from its text."""
    ids = last.record.get("ids")
    if isinstance(ids, list) and ids:
        job = replace(job, continue_ids=tuple(ids), prefill=str(last.record.get("prefill", "")), shown=last.text)
    else:
        text = last.text.rstrip()
        job = replace(job, prefill=job.adapter.resume(job.speaker, text), shown=text)
    return replace(job, forbid_end=_FORBID_END) if last.finish in ("eos", "stop") else job
