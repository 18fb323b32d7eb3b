"""What happens when the context is full, told with what it costs, and chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from rpchat.engine.port import ModelInfo
from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.session.overflow import OverflowCost
from rpchat.tui.choosing import one_of

Way = Literal["reread", "shift"]

_WAYS: Mapping[Way, bool] = {"reread": False, "shift": True}


class Overflow:
    """Chooses for one session. `stop` ends the reply that is being written; `load` loads the model."""

    def __init__(
        self,
        session: Session,
        program: Program,
        *,
        stop: Callable[[], Awaitable[None]],
        load: Callable[[], Awaitable[None]],
    ) -> None:
        self._session = session
        self._program = program
        self._stop = stop
        self._load = load

    async def choose(self, wanted: str) -> str:
        """Take `reread` or `shift`, and load the model anew where that is another way than before; for an empty text
        only tell it. Return the line that tells it. Raises RpchatError."""
        await self._load()
        if wanted:
            await self._take(one_of(_WAYS, wanted))
        model = self._session.model
        assert model is not None
        cost = await self._session.overflow_cost()
        return overflow_line(model, cost, shift=self._shifts, ahead=self._program.config.read_ahead)

    @property
    def _shifts(self) -> bool:
        return self._program.config.engine.shift

    async def _take(self, way: Way) -> None:
        model, shift = self._session.model, _WAYS[way]
        if shift and model is not None and not model.can_shift:
            raise RpchatError(_cannot(model), "What it has read behind the oldest turns is read again when they go")
        if shift != self._shifts:
            await self._stop()
            await self._program.models.choose_overflow(shift=shift)
            await self._load()


def overflow_line(model: ModelInfo, cost: OverflowCost, *, shift: bool, ahead: bool) -> str:
    """Return in one line what happens when the context is full, what it costs, and what else there is."""
    echo = "nothing is read, but the model keeps an echo of what went"
    again = f"about {cost.tokens:,} tokens are read again {_when(model, ahead=ahead)}{_time(cost)}"
    if not model.can_shift:
        return f"context full: the oldest turns go, and {again} · {_cannot(model)}"
    told, other = (echo, f"reread: {again}") if shift else (again, f"shift: {echo}")
    return f"context full: the oldest turns go, and {told} · /overflow {other}"


def _when(model: ModelInfo, *, ahead: bool) -> str:
    if model.text_only or not ahead:
        return "before the next reply"
    return "while you read"


def _time(cost: OverflowCost) -> str:
    if cost.speed is None or cost.seconds is None:
        return ""
    return f" ({cost.seconds:,.0f} s at {cost.speed:,.0f} tok/s)"


def _cannot(model: ModelInfo) -> str:
    return f"{'this server' if model.server else 'this model, as it is loaded,'} cannot shift"
