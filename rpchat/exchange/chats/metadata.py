"""What SillyTavern knows of a chat as a whole (`chat_metadata`), into a scene's settings and back.

What it says stays as it was written for as long as it still means what the settings say.
"""

from __future__ import annotations

from collections.abc import Mapping

from rpchat.exchange.loose import is_mapping, text_of
from rpchat.story.scene import SceneSettings

Values = Mapping[str, object]

METADATA = "chat_metadata"
MAIN_CHAT = "main_chat"
_NOTE_DEPTH = 4


def settings_of(metadata: Values) -> dict[str, str]:
    """Return all the settings a scene takes from the metadata: the note, if it is told at all, and the scenario.

    How often and how deep SillyTavern tells the note is its own affair: here a note enters the history where it is set.
    """
    note = text_of(metadata.get("note_prompt")) or ""
    never = metadata.get("note_interval") in (0, "0")
    return {"note": "" if never else note, "scenario": text_of(metadata.get("scenario")) or ""}


def metadata_of(settings: SceneSettings, kept: Values) -> Values:
    """Return metadata that says what the settings say: `kept` as it is, where it does so already."""
    said = settings_of(kept)
    changed: dict[str, object] = {}
    if said["scenario"] != settings.scenario:
        changed["scenario"] = settings.scenario
    if said["note"] != settings.note:
        told = {"note_interval": 1 if settings.note else 0, "note_position": 1, "note_depth": _NOTE_DEPTH}
        placed = {key: value for key, value in told.items() if key not in kept or key == "note_interval"}
        changed |= {"note_prompt": settings.note, **placed}
    return {**kept, **changed}


def metadata_in(header: Values) -> Values:
    """Return the metadata in a header; nothing where there is none."""
    metadata = header.get(METADATA)
    return metadata if is_mapping(metadata) else {}
