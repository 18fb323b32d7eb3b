"""In whose words a lorebook is written; and the rarer ones put into SillyTavern's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rpchat.exchange.loose import is_mapping
from rpchat.exchange.lorebooks.values import LoreDialect

Values = Mapping[str, object]


def dialect_of(value: object) -> LoreDialect | None:
    """Return in whose words `value` is a lorebook; None if it is none."""
    if not is_mapping(value):
        return None
    data, entries = value.get("data"), value.get("entries")
    if value.get("spec") == "lorebook_v3":
        return "V3" if is_mapping(data) else None
    if value.get("type") == "risu" and isinstance(data, list):
        return "RisuAI"
    if "lorebookVersion" in value and isinstance(entries, list):
        return "NovelAI"
    if value.get("kind") == "memory" and isinstance(entries, list):
        return "Agnai"
    if isinstance(entries, list) and _shaped(entries, "keys"):
        return "character book"
    if is_mapping(entries) and (value.keys() <= {"entries"} or _shaped(list(entries.values()), "key", "keys")):
        return "SillyTavern"
    return "SillyTavern" if isinstance(entries, list) and _shaped(entries, "key") else None


def is_lorebook(value: object) -> bool:
    """Whether plain data is a lorebook of any dialect."""
    return dialect_of(value) is not None


def _shaped(entries: list[object], *names: str) -> bool:
    """Whether entries have one of these keys; also where there are none at all."""
    return not entries or any(is_mapping(entry) and any(name in entry for name in names) for entry in entries)


def _from_novelai(file: Values) -> Values:
    def entry(held: Values) -> Values:
        config = held.get("contextConfig")
        order = config.get("budgetPriority") if is_mapping(config) else None
        renamed = _renamed(held, text="content", displayName="comment", keys="key", forceActivation="constant")
        return {**renamed, **({} if order is None else {"order": order})}

    return {**file, "entries": _each(file.get("entries"), entry)}


def _from_agnai(file: Values) -> Values:
    def entry(held: Values) -> Values:
        return _renamed(held, entry="content", keywords="key", name="comment", weight="order")

    return {**file, "entries": _each(file.get("entries"), entry)}


def _from_risu(file: Values) -> Values:
    def entry(held: Values) -> Values:
        return _renamed(
            held, key="key", secondkey="keysecondary", insertorder="order", alwaysActive="constant",
            activationPercent="probability",
        )  # fmt: skip

    rest = {key: value for key, value in file.items() if key not in ("data", "entries")}
    return {**rest, "entries": _each(file.get("data"), entry)}


def _each(entries: object, change: Callable[[Values], Values]) -> list[object]:
    items = entries if isinstance(entries, list) else []
    return [change(item) if is_mapping(item) else item for item in items]


def _renamed(held: Values, **names: str) -> dict[str, object]:
    """Return an entry with other names for its fields, and `disable` for `enabled`; what has no new name stays."""
    renamed = {names.get(key, key): value for key, value in held.items()}
    enabled = renamed.pop("enabled", True)
    return {**renamed, "disable": not enabled}


AS_WORLD: Mapping[LoreDialect, Callable[[Values], Values]] = {
    "NovelAI": _from_novelai,
    "Agnai": _from_agnai,
    "RisuAI": _from_risu,
}
"""What puts a whole file into SillyTavern's words."""
