"""One run of rpchat without a screen: `Program` has its parts and what is done between scenes, `program.models` what is
about the model and its preset."""

from __future__ import annotations

from rpchat.program.program import Program

__all__ = ["Program"]
