"""Engine settings that cannot be together, in the words of the config."""

from __future__ import annotations

import re

from rpchat.engine.settings import EngineSettings

_PLAIN = ("f32", "f16", "bf16")
_SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):([0-9]{1,5})")


def contradiction(settings: EngineSettings) -> str:
    """Return what cannot be in settings that are each of the right kind, as one sentence; empty if nothing is wrong."""
    if settings.type_v not in _PLAIN and settings.flash_attn == "off":
        return f"`type_v` {settings.type_v} needs `flash_attn` on or auto"
    if settings.tensor_split and not any(settings.tensor_split):
        return "`tensor_split` gives no GPU a share"
    if settings.tensor_split and settings.split_mode == "none":
        return "`tensor_split` shares between GPUs, but `split_mode` is none"
    for server in settings.rpc_servers:
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[2]) < 65536:
            return f"`rpc_servers` must be like 192.168.0.7:50052, not `{server[:60]}`"
    return ""
