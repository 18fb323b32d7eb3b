"""What was found in files, put where it belongs in the home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rpchat.errors import RpchatError
from rpchat.exchange.chats import ImportedChat
from rpchat.exchange.extras import ImportedGroup, ImportedPersonas, ImportedQuickReplies, ImportedScripts
from rpchat.exchange.lorebooks import ImportedLorebook
from rpchat.exchange.presets import ImportedPreset
from rpchat.library.chats import Chats
from rpchat.library.kept import KeptFiles
from rpchat.library.looking import Found, look, together
from rpchat.library.ready import ReadyCard
from rpchat.library.shelving import Placed, Shelving
from rpchat.library.values import Refused, TakenIn
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset
from rpchat.story.text import one_line


class Taking:
    """Takes files in, each whole or not at all. To be used by one thread."""

    def __init__(self, shelving: Shelving, chats: Chats, *, lorebooks: KeptFiles, scripts: KeptFiles) -> None:
        self._shelving = shelving
        self._chats = chats
        self._lorebooks = lorebooks
        self._scripts = scripts

    def take(self, paths: Sequence[Path]) -> list[TakenIn | Refused]:
        """Take files in that belong together, and return what became of each, in their order."""
        outcomes: dict[Path, TakenIn | Refused] = {}
        found: dict[Path, Found] = {}
        for path in paths:
            try:
                found[path] = look(path)
            except RpchatError as error:
                outcomes[path] = Refused(one_line(path.name), error)
        for group in _kindred(found):
            try:
                outcomes |= self._group(group)
            except RpchatError as error:
                outcomes |= {path: Refused(one_line(path.name), error) for path in group}
        return [outcomes[path] for path in paths]

    def _group(self, group: dict[Path, Found]) -> dict[Path, TakenIn | Refused]:
        chats = {path: one for path, one in group.items() if isinstance(one.content, ImportedChat)}
        if chats:
            return {path: _told(path, group[path], placed) for path, placed in self._chats.take(chats).items()}
        several = list(group.values())
        one = together(several) if len(several) > 1 else several[0]
        placed = self._place(one)
        return {path: _told(path, one, placed) for path in group}

    def _place(self, found: Found) -> Placed:
        match found.content:
            case ReadyCard() as card:
                return self._shelving.card(card)
            case Persona() | Preset() | ScenePlan():
                return self._shelving.own_file(found.content, found.data)
            case ImportedPreset() as imported:
                return self._shelving.preset(imported)
            case ImportedPersonas() as imported:
                return self._shelving.personas(imported)
            case ImportedGroup() as imported:
                return self._shelving.group(imported)
            case ImportedLorebook():
                return _kept(self._lorebooks, found, "lorebooks")
            case ImportedScripts() | ImportedQuickReplies():
                return _kept(self._scripts, found, "scripts")
            case ImportedChat():
                raise AssertionError("chats are taken in by families")


def _kindred(found: dict[Path, Found]) -> list[dict[Path, Found]]:
    """Return files in groups that are taken in as one: chats, the parts of a preset; anything else by itself."""
    groups: dict[object, dict[Path, Found]] = {}
    for path, one in found.items():
        together_as = one.kind if isinstance(one.content, ImportedChat | ImportedPreset) else path
        groups.setdefault(together_as, {})[path] = one
    return list(groups.values())


def _kept(folder: KeptFiles, found: Found, place: str) -> Placed:
    entry_id, known = folder.add(found.data, name=found.name)
    return Placed(id=entry_id, where=f"{place}/{entry_id}.json", known=known)


def _told(path: Path, found: Found, placed: Placed) -> TakenIn:
    return TakenIn(
        file=path.name,
        name=found.name,
        kind=found.kind,
        id=placed.id,
        where=placed.where,
        notes=(*found.notes, *placed.notes),
        known=placed.known,
    )
