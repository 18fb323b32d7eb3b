"""Paths inside archives and addresses of assets: data to us, never a place on a disk."""

from __future__ import annotations

import re

from rpchat.story.text import clean

# RisuAI and the specification spell it with one d; others correct that.
_EMBEDDED = re.compile(r"(?:embedd?ed://|__asset:)(.+)", re.DOTALL)
_LONGEST = 300
_DRIVE = re.compile(r"[A-Za-z]:")


def safe_path(path: str) -> str | None:
    """Return a path inside an archive as it stands there; None if it leads out of it or is none at all."""
    if not path or len(path) > _LONGEST or path != clean(path) or "\n" in path:
        return None
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        return None
    return None if any(part in ("", ".", "..") for part in path.split("/")) else path


def embedded_path(address: object) -> str | None:
    """Return the path that an asset's `uri` names inside its own file; None if it lies anywhere else."""
    match = _EMBEDDED.fullmatch(address) if isinstance(address, str) else None
    return match[1] if match else None
