"""What is to be written: the job of a reply, of one that goes on, and of a line drafted for the user."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rpchat.engine.port import Engine
from rpchat.errors import RpchatError
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.formats.common import Adapter
from rpchat.reply.reader import Manners
from rpchat.session.prompter import Fitted, fit
from rpchat.session.take import GOING_ON, MAX_SEED, Job, ids_of
from rpchat.story.preset import Preset, Sampling
from rpchat.story.scene import Member, Scene
from rpchat.story.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Whim:
    """What one reply is asked for beside what scene and preset say; None leaves it to them."""

    seed: int | None = None
    max_tokens: int | None = None


def job_for(
    engine: Engine, preset: Preset, scene: Scene, line: Sequence[Turn], speaker: str, *, whim: Whim | None = None
) -> Job:
    """Return the job of `speaker`'s answer to `line`; with the user's own name, of a line drafted for the user.

    Without a seed the preset's own counts, else a new one is drawn.
    """
    whim = whim or Whim()
    adapter = adapter_of(preset)
    seed = preset.sampling.seed if whim.seed is None else whim.seed
    user, cast = scene.persona.name, [member.card.spoken_name for member in scene.present()]
    longest = whim.max_tokens or preset.max_tokens

    async def fitted(prefill: str, behind: int) -> Fitted:
        return await fit(
            engine, adapter, preset, scene, line, speaker=speaker, prefill=prefill, longest=longest, behind=behind
        )

    settings = scene.settings
    return Job(
        engine=engine,
        adapter=adapter,
        preset=preset,
        user=user,
        speaker=speaker,
        others=tuple(name for name in cast if name != speaker),
        manners=Manners(settings.impersonation, settings.out_of_character, preset.reasoning),
        fitted=fitted,
        seed=secrets.randbelow(MAX_SEED) if seed is None else seed,
        noted=scene.witnesses(),
        prefill=_prefill(adapter, speaker, cast, drafting=speaker == user and user not in cast),
    )


def member_of(scene: Scene, turn: Turn) -> Member:
    """Return the member whose turn it is. Raises RpchatError."""
    try:
        return scene.member(turn.member)
    except KeyError:
        raise RpchatError(f"{turn.speaker} is not in this scene any more") from None


def draft_of(who: Member, parent: int, continues: Turn | None = None) -> Turn:
    """Return a turn of that member's to be written; one that goes on begins as the version it goes on from."""
    return Turn(
        id=0, parent=parent, side="member", speaker=who.card.spoken_name, member=who.card_id,
        continues=continues.id if continues else 0, text=continues.text if continues else "",
    )  # fmt: skip


def _prefill(adapter: Adapter, speaker: str, cast: Sequence[str], *, drafting: bool) -> str:
    """What is written for the model at the end of the prompt: in a group, whose line it is."""
    if drafting:
        return adapter.draft_opening(speaker)
    return adapter.opening(speaker) if len(cast) > 1 else ""


def going_on(job: Job, version: Turn) -> Job:
    """Return the job that goes on behind `version`: from its own tokens where they are kept and are this model's, else
    from its text."""
    ids = version.record.get("ids")
    if isinstance(ids, list) and ids and version.record.get("ids_of") == ids_of(job.engine):
        prefill = str(version.record.get("prefill", ""))
        job = replace(job, continue_ids=tuple(ids), prefill=prefill, shown=version.text)
    else:
        job = going_on_from(job, version.text)
    return replace(job, forbid_end=GOING_ON) if version.finish in ("eos", "stop") else job


def going_on_from(job: Job, text: str) -> Job:
    """Return the job that goes on behind `text`, which the reader already sees."""
    shown = text.rstrip()
    return replace(job, prefill=job.adapter.resume(job.speaker, shown), shown=shown)


def unguarded(job: Job) -> Job:
    """Return the job with nothing cut for what it says: the reader wants to see where it leads."""
    return replace(job, manners=replace(job.manners, impersonation="keep", out_of_character="keep"))


def against_loops(job: Job) -> Job:
    """Return the job with another seed and repetition punished harder than its preset does."""
    return replace(job, seed=(job.seed + 1) % MAX_SEED, sampling=_harder(job.sampling or job.preset.sampling))


def _harder(sampling: Sampling) -> Sampling:
    """DRY punishes a token that would lengthen a repeated run; 0.8 is the strength its author proposes, so twice that
    where it is on already."""
    order = sampling.order if "dry" in sampling.order else ("dry", *sampling.order)
    return replace(
        sampling,
        order=order,
        dry_multiplier=max(0.8, 2 * sampling.dry_multiplier),
        repeat_penalty=max(1.1, sampling.repeat_penalty),
    )
