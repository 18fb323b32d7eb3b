"""The command line: the only place that builds configuration, store and engine, and hands them on."""

from __future__ import annotations

from rpchat.cli.main import main

__all__ = ["main"]
