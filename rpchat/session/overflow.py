"""What a full context costs: how much of the prompt is read again when a block of old turns is left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rpchat.prompt.assemble import KEPT_SHARE
from rpchat.session.inspect import Inspection
from rpchat.story.turn import Turn

LEAST_READ = 64
"""Prompts of which fewer tokens were evaluated tell nothing of the speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverflowCost:
    """What it takes, each time, to read what stands behind the turns that were left out."""

    tokens: int
    """About so many: what stands in front of the turns stays as it is."""
    speed: float | None
    """Tokens a second, as measured in this scene; None where too little was read at once to tell."""

    @property
    def seconds(self) -> float | None:
        """How long that takes; None where the speed is not known."""
        return self.tokens / self.speed if self.speed else None


def overflow_cost(inspection: Inspection, turns: Iterable[Turn], *, ids_of: str) -> OverflowCost:
    """Return what an overflow costs, from the next prompt as it stands and from the `turns` that were written by the
    model whose token ids are `ids_of`'s."""
    origins = [token.origin for token in inspection.tokens]
    front = origins.index("history") if "history" in origins else len(origins)
    left = round(KEPT_SHARE * inspection.room) - front
    return OverflowCost(tokens=max(0, left), speed=_speed(turns, ids_of))


def _speed(turns: Iterable[Turn], ids_of: str) -> float | None:
    records = [turn.record for turn in turns if turn.record.get("ids_of") == ids_of]
    read = [(_number(record, "prefilled_tokens"), _number(record, "prefill_ms")) for record in records]
    much = [(tokens, spent) for tokens, spent in read if tokens >= LEAST_READ and spent > 0]
    return 1000 * sum(tokens for tokens, _ in much) / sum(spent for _, spent in much) if much else None


def _number(record: Mapping[str, object], name: str) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
