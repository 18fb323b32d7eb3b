"""Who speaks next: five strategies, a seed, and the odds and the reason that go with the choice. Pure.

What always holds: equal arguments give an equal `Choice`, on every machine and in every version of Python; a muted
member is never chosen; the odds sum to 1, or are all 0 where nobody is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from rpchat.story.mentions import mentions, names_of
from rpchat.story.scene import Member, Scene
from rpchat.story.turn import Turn

Strategy = Literal["manual", "list", "pooled", "natural", "blend"]
"""`manual`: nobody by himself. `list`: in the order of the cast. `pooled`: everyone once per round, by lot; a round
begins with the user's line, and again when all have spoken. `natural`: who was named, else by talkativeness. `blend`:
by scores from outside (the model's), times talkativeness."""

_TALKS_A_LOT = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A member as far as the choice needs to know it."""

    card_id: str
    names: tuple[str, ...]
    """What the member answers to, at least one; the first is shown. `mentions.names_of` finds them in a card."""
    talkativeness: float = 0.5
    """The chance of speaking up, 0 … 1; 0 speaks only when named, or when nobody else can."""
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who speaks next, and why."""

    who: str | None
    """A card id; None if nobody speaks by himself."""
    why: str
    """For the user, as one clause: `Bram was named`, `in order`, `talks a lot`."""
    odds: Mapping[str, float]
    """By card id, for every candidate: the probability of being chosen over all seeds."""


def next_speaker(
    strategy: Strategy,
    candidates: Sequence[Candidate],
    told: Sequence[Turn],
    *,
    seed: int,
    scores: Mapping[str, float] | None = None,
    bystanders: Sequence[str] = (),
) -> Choice:
    """Choose among `candidates`, the cast in its order, after the turns `told`, oldest first.

    `scores` are what `blend` goes by: by card id, probabilities or anything in proportion to them (no logarithms);
    without them talkativeness decides alone.
    `bystanders` are the names of people who cannot be chosen (the persona): a member's name inside one of them is no
    mention. Raises ValueError if a score is negative or not finite.
    """
    free = [candidate for candidate in candidates if not candidate.muted]
    if not free:
        choice = Choice(who=None, why="everyone is muted" if candidates else "nobody is here", odds={})
    elif strategy == "manual":
        choice = Choice(who=None, why="you choose", odds={})
    elif strategy == "list":
        choice = _in_order(candidates, told)
    elif strategy == "pooled":
        choice = _from_the_pool(free, told, _Dice(seed))
    elif strategy == "natural":
        named = _by_name(candidates, told, bystanders)
        choice = named or _by_talkativeness(_without(free, _last_member(told)), _Dice(seed))
    else:
        choice = _by_scores(_without(free, told[-1].member if told else ""), scores or {}, _Dice(seed))
    return replace(choice, odds={one.card_id: choice.odds.get(one.card_id, 0.0) for one in candidates})


def seed_of(scene_id: int, turns: int) -> int:
    """Return the seed of the choice behind `turns` told turns of a scene, 0 … 2^32-1: reopened, it is the same."""
    return _mixed(_mixed(scene_id) + turns) >> 32


def candidates_of(scene: Scene) -> tuple[Candidate, ...]:
    """Return the members who belong to the scene now as candidates; who is out of the room does not speak."""
    return tuple(
        Candidate(
            card_id=member.card_id,
            names=names_of(member.card),
            talkativeness=member.talkativeness,
            muted=member.muted or member.away,
        )
        for member in scene.present()
    )


def next_of(scene: Scene, scores: Mapping[str, float] | None = None) -> Choice:
    """Return who speaks next in `scene`, by its own strategy; somebody who is alone with the user always does.

    `scores` are what the model makes of each member, by card id, for the strategy `blend`.
    """
    told, candidates = scene.line(), candidates_of(scene)
    if len(candidates) == 1:
        who = candidates[0].card_id
        return Choice(who=who, why="nobody else is here", odds={who: 1.0})
    strategy = cast("Strategy", scene.settings.casting or "list")
    return next_speaker(
        strategy, candidates, told, seed=seed_of(scene.id, len(told)), scores=scores, bystanders=(scene.persona.name,)
    )


def speaker_of(scene: Scene) -> Member:
    """Return the member who speaks next as far as can be told without asking the model; where nobody speaks by himself,
    the one whose turn it would be in the order of the cast."""
    who = next_of(scene).who
    return scene.member(who) if who is not None else next_in_line(scene)


def likeliest_speakers(scene: Scene) -> list[Member]:
    """Return the members who may speak next: `speaker_of` first, then by their odds, equals in the order of the cast
    behind who spoke last."""
    first, odds, cast = speaker_of(scene), next_of(scene).odds, scene.present()
    start = cast.index(next_in_line(scene))
    others = (member for member in (*cast[start:], *cast[:start]) if member != first and not member.away)
    return [first, *sorted(others, key=lambda member: -odds.get(member.card_id, 0.0))]


def next_in_line(scene: Scene) -> Member:
    """Return the member behind the one who spoke last, in the order of the cast; the first if nobody has spoken."""
    cast = scene.present()
    ids = [member.card_id for member in cast]
    return cast[(_place(ids, _last_member(scene.line())) + 1) % len(ids)]


# Strategies: each returns the odds of those only who have any.


def _in_order(cast: Sequence[Candidate], told: Sequence[Turn]) -> Choice:
    """Whoever is free behind the last speaker; a muted member keeps the place in the order."""
    start = _place([candidate.card_id for candidate in cast], _last_member(told)) + 1
    who = next(candidate.card_id for candidate in (*cast[start:], *cast[:start]) if not candidate.muted)
    return Choice(who=who, why="in order", odds={who: 1.0})


def _from_the_pool(free: Sequence[Candidate], told: Sequence[Turn], dice: _Dice) -> Choice:
    """One of those who have not spoken in this round, all equally likely; nobody ends a round and begins the next."""
    everyone = {candidate.card_id for candidate in free}
    since = _since_user(told)
    spoken: set[str] = set()
    for turn in since:
        spoken.add(turn.member)
        if everyone <= spoken:
            spoken.clear()
    pool = [candidate for candidate in free if candidate.card_id not in spoken]
    if since and not spoken:
        pool = _without(pool, since[-1].member)
    odds = _shares({candidate.card_id: 1.0 for candidate in pool})
    why = "has not spoken this round" if spoken else "a new round"
    return Choice(who=dice.draw(odds), why=why, odds=odds)


def _by_name(cast: Sequence[Candidate], told: Sequence[Turn], bystanders: Sequence[str]) -> Choice | None:
    """Whoever the last line names first, else whoever the user's last line named and has not spoken since.

    So the user can name several, and each answers in turn. Nobody is called by a line of his own.
    """
    if not told:
        return None
    names = {candidate.card_id: candidate.names for candidate in cast}
    free = {candidate.card_id: candidate.names[0] for candidate in cast if not candidate.muted}
    since = _since_user(told)
    calls = [(told[-1], {told[-1].member}, "was named")]
    if 0 < len(since) < len(told):
        asked = told[-len(since) - 1]
        calls.append((asked, {turn.member for turn in since}, "was named by the user and has not spoken since"))
    for turn, silent, how in calls:
        for who in mentions(turn.text, names, bystanders=bystanders):
            if who in free and who not in silent:
                return Choice(who=who, why=f"{free[who]} {how}", odds={who: 1.0})
    return None


def _by_talkativeness(free: Sequence[Candidate], dice: _Dice) -> Choice:
    """The first, in shuffled order, who feels like it; if nobody does, one by lot, weighted by talkativeness."""
    odds = _odds_of_speaking(free)
    if len(free) == 1:
        return Choice(who=free[0].card_id, why="nobody else can", odds=odds)
    for candidate in sorted(free, key=lambda _: dice.roll()):
        if dice.roll() < candidate.talkativeness:
            why = "talks a lot" if candidate.talkativeness >= _TALKS_A_LOT else "felt like talking"
            return Choice(who=candidate.card_id, why=why, odds=odds)
    who = dice.draw(_shares({candidate.card_id: candidate.talkativeness for candidate in free}))
    return Choice(who=who, why="nobody felt like talking: by lot", odds=odds)


def _odds_of_speaking(free: Sequence[Candidate]) -> dict[str, float]:
    """The exact odds of `_by_talkativeness`: who feels like it, together with k others, comes first in 1 of k + 1."""
    lots = _shares({candidate.card_id: candidate.talkativeness for candidate in free})
    silence = math.prod(1 - candidate.talkativeness for candidate in free)
    odds = {}
    for candidate in free:
        willing = [1.0]  # willing[k]: the probability that k of the others feel like it
        for other in free:
            if other is not candidate:
                yes = other.talkativeness
                willing = [a * (1 - yes) + b * yes for a, b in zip([*willing, 0.0], [0.0, *willing], strict=True)]
        first = sum(chance / (k + 1) for k, chance in enumerate(willing))
        odds[candidate.card_id] = candidate.talkativeness * first + silence * lots[candidate.card_id]
    return odds


def _by_scores(free: Sequence[Candidate], scores: Mapping[str, float], dice: _Dice) -> Choice:
    """By lot, each with score times talkativeness: equal talkativeness leaves the scores as they are."""
    if not all(math.isfinite(score) and score >= 0 for score in scores.values()):
        raise ValueError(f"scores must be finite and 0 or more: {dict(scores)}")
    talks = {candidate.card_id: candidate.talkativeness for candidate in free}
    weights = {card_id: scores.get(card_id, 0.0) * talk for card_id, talk in talks.items()}
    scored = any(weights.values())
    odds = _shares(weights if scored else talks)
    who = dice.draw(odds)
    if not scored:
        return Choice(who=who, why="by talkativeness alone", odds=odds)
    return Choice(who=who, why="the likeliest" if odds[who] == max(odds.values()) else "by lot", odds=odds)


# Turns and lots


def _last_member(told: Sequence[Turn]) -> str:
    return next((turn.member for turn in reversed(told) if turn.side == "member"), "")


def _since_user(told: Sequence[Turn]) -> Sequence[Turn]:
    """The turns behind the user's last line; all of them if there is none."""
    start = next((at for at in range(len(told), 0, -1) if told[at - 1].side == "user"), 0)
    return told[start:]


def _place(ids: Sequence[str], card_id: str) -> int:
    """The place of a member in the cast, -1 if it is not there (any more)."""
    return ids.index(card_id) if card_id in ids else -1


def _without(free: Sequence[Candidate], barred: str) -> list[Candidate]:
    """The candidates but one; all of them if there is nobody else."""
    return [candidate for candidate in free if candidate.card_id != barred] or list(free)


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights as probabilities; equal ones if all weights are 0."""
    total = sum(weights.values())
    return {key: weight / total if total else 1 / len(weights) for key, weight in weights.items()}


_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


def _mixed(value: int) -> int:
    """One step of SplitMix64: 64 bits in which neighbouring values have nothing in common."""
    value = (value + _STEP) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class _Dice:
    """A row of numbers that only the seed decides."""

    def __init__(self, seed: int) -> None:
        self._state = _mixed(seed)

    def roll(self) -> float:
        """Return the next number, 0 ≤ x < 1."""
        self._state = (self._state + _STEP) & _MASK
        return (_mixed(self._state) >> 11) / (1 << 53)

    def draw(self, odds: Mapping[str, float]) -> str:
        """Return one of the keys, each as likely as it says; the probabilities sum to 1."""
        left = self.roll()
        for key, chance in odds.items():
            left -= chance
            if left < 0:
                return key
        return max(odds, key=lambda key: odds[key])
