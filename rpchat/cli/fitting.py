"""What `rpchat doctor` says of how a model is loaded here: what was chosen, and why."""

from __future__ import annotations

from rpchat.engine.child import ChildEngine
from rpchat.engine.fit import Fit
from rpchat.engine.hardware import graphics
from rpchat.engine.port import Inspection
from rpchat.errors import RpchatError
from rpchat.program import Program

Row = tuple[str, str]

_VERDICTS = {
    "fully": "yes, whole",
    "partly": "partly: the GPU does not hold all layers, which makes it slower",
    "not": "no",
}


async def fit_rows(program: Program, engine: ChildEngine) -> list[Row]:
    """Return how the model that would be played is loaded now, one row for each setting."""
    try:
        choice = program.choices.model()
        if choice is None:
            return []
        fit = await engine.fit(choice.path, program.choices.engine_settings())
    except RpchatError as error:
        return [("trouble", str(error))]
    return _rows(fit)


def gpu_rows(inspection: Inspection) -> list[Row]:
    """Return whether the build uses the GPU of this machine, and how to build one that does."""
    if inspection.gpu_offload:
        return [("GPU offload", "yes")]
    found = graphics()
    if found is None:
        return [("GPU offload", "no: this build computes on the CPU only, and no GPU was seen")]
    seen = f"no: this build computes on the CPU only, but this machine seems to have a GPU ({found.name})"
    return [("GPU offload", seen), ("to use it", found.build)]


def _rows(fit: Fit) -> list[Row]:
    width = max(len(choice.value) for choice in fit.choices)
    return [
        ("fits", f"{_VERDICTS[fit.verdict]} · {fit.line}"),
        *((choice.setting, f"{choice.value:<{width}}  {choice.why}") for choice in fit.choices),
        *(("note", line) for line in fit.told),
    ]
