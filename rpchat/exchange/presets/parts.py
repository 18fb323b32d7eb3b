"""Which parts of a preset a file holds, told by the fields that are in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rpchat.errors import FileError
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.exchange.presets.values import Part, PresetParts, Values
from rpchat.store.reading import load_json, shown
from rpchat.story.text import one_line

PRESET_LIMIT = 1 << 20
"""Bytes of the largest preset file that is read."""

PACKED_KEY = "rpchat"
_LONGEST_NAME = 80

_MASTER: Mapping[str, Part] = {
    "instruct": "instruct",
    "context": "context",
    "sysprompt": "sysprompt",
    "preset": "samplers",
    "reasoning": "reasoning",
}
"""The sections of SillyTavern's combined file."""

_SAMPLERS = frozenset({
    "temp", "temperature", "top_k", "top_p", "min_p", "typical", "typical_p", "tfs", "rep_pen", "rep_pen_range",
    "sampler_order", "samplers", "sampler_priority", "mirostat_mode", "dry_multiplier", "xtc_probability",
})  # fmt: skip
_ADAPTER = frozenset({
    "system_start", "system_end", "user_start", "user_end", "assistant_start", "assistant_end",
})  # fmt: skip
_SYSPROMPT = frozenset({"name", "content", "post_history", "enabled"})
_ENOUGH = 2
"""Fields of an adapter or of samplers that tell a file of them from others."""


def read_parts(data: bytes, *, name: str) -> PresetParts:
    """Return what a preset file with the content `data` holds. Raises FileError that calls the file `name`."""
    value = load_json(data, name=name, limit=PRESET_LIMIT)
    parts = parts_of(value)
    if not parts or not is_mapping(value):
        raise FileError(f"{shown(name)} holds no preset: neither sequences nor a story string nor samplers are in it")
    packed = value.get(PACKED_KEY)
    return PresetParts(
        name=_name_of(value, parts) or shown(name).rsplit(".", 1)[0],
        parts=parts,
        packed=packed if is_mapping(packed) else {},
        notes=_unused(value, parts),
    )


def is_preset(value: object) -> bool:
    """Whether plain data is a preset file of any kind."""
    return bool(parts_of(value))


def merged(files: Iterable[PresetParts]) -> PresetParts:
    """Return the parts of several files as those of one; where two hold the same part, the later one counts."""
    together: dict[Part, Values] = {}
    packed: dict[str, object] = {}
    notes: list[str] = []
    names: list[str] = []
    for file in files:
        twice = [part for part in file.parts if part in together]
        notes += [f"Two files hold the part `{part}`: that of {file.name} counts" for part in twice]
        notes += file.notes
        together |= file.parts
        packed |= file.packed
        names += [file.name] if file.name else []
    return PresetParts(name=names[0] if names else "", parts=together, packed=packed, notes=tuple(notes))


def parts_of(value: object) -> dict[Part, Values]:
    """Return the parts that plain data holds; none if it is no preset."""
    if not is_mapping(value):
        return {}
    sections = {part: section for key, part in _MASTER.items() if is_mapping(section := value.get(key))}
    if sections:
        return sections
    if "input_sequence" in value and "output_sequence" in value:
        return {"instruct": value}
    if "story_string" in value:
        return {"context": value}
    if len(value.keys() & _ADAPTER) >= _ENOUGH:
        return {"adapter": value}
    if len(value.keys() & _SAMPLERS) >= _ENOUGH:
        return {"samplers": value}
    if isinstance(value.get("prefix"), str) and isinstance(value.get("suffix"), str) and "name" in value:
        return {"reasoning": value}
    is_prompt = isinstance(value.get("content"), str) and "name" in value and value.keys() <= _SYSPROMPT
    return {"sysprompt": value} if is_prompt else {}


def _name_of(value: Values, parts: Mapping[Part, Values]) -> str:
    """Return the name in the file, or in the part that says most about what it is."""
    held = [value.get("name"), *(parts[part].get("name") for part in ("instruct", "samplers", *parts) if part in parts)]
    texts = (one_line(text, _LONGEST_NAME) for one in held if isinstance(one, str) and (text := text_of(one)))
    return next((text for text in texts if text), "")


def _unused(value: Values, parts: Mapping[Part, Values]) -> tuple[str, ...]:
    """Return a line for each section of a combined file that is none of ours and not empty."""
    if any(part is value for part in parts.values()):
        return ()
    known = {*_MASTER, PACKED_KEY, "name"}
    return tuple(
        f"`{one_line(key, 40)}` has no counterpart and is left out"
        for key, section in value.items()
        if key not in known and section not in (None, "", {}, [], {"value": "", "show": False})
    )
