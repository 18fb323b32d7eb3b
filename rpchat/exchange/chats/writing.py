"""A scene into files: all of it for SillyTavern, the told line for people."""

from __future__ import annotations

from rpchat.exchange.chats.lineage import lines_of
from rpchat.exchange.chats.prose import as_markdown, as_text
from rpchat.exchange.chats.tavern_writing import branches_behind, write_line
from rpchat.exchange.chats.values import ChatTarget, ExportedFile
from rpchat.store.slugs import slug
from rpchat.story.scene import Scene


def write_chat(scene: Scene, target: ChatTarget, *, name: str = "") -> tuple[ExportedFile, ...]:
    """Return the scene as files, the told line first; their names begin with `name`, or the scene's title.

    For SillyTavern each further branch is a file of its own, which names the first one as the chat it left. The files
    tell what was said and by whom, and nothing of models, presets or folders.
    """
    stem = slug(name or scene.title)
    match target:
        case "tavern":
            return _tavern(scene, stem)
        case "markdown":
            return (ExportedFile(name=f"{stem}.md", data=as_markdown(scene), report=_left_out(scene)),)
        case "text":
            return (ExportedFile(name=f"{stem}.txt", data=as_text(scene), report=_left_out(scene)),)


def _tavern(scene: Scene, stem: str) -> tuple[ExportedFile, ...]:
    lines = lines_of(scene)
    names = [f"{stem} - branch {number}" for number in range(1, len(lines))]
    main = write_line(scene, lines[0], branches=branches_behind(lines, names))
    report = _unknown_there(scene)
    if names:
        report = (*report, f"{len(names)} branches are files of their own, each with what comes before it")
    others = [
        ExportedFile(name=f"{name}.jsonl", data=write_line(scene, line, branch_of=stem))
        for name, line in zip(names, lines[1:], strict=True)
    ]
    return (ExportedFile(name=f"{stem}.jsonl", data=main, report=report), *others)


def _unknown_there(scene: Scene) -> tuple[str, ...]:
    """What of a scene SillyTavern has no place for, a line each."""
    lines = []
    if any(turn.id in scene.hidden for turn in scene.path()):
        lines.append("Deleted turns are left out")
    if any(turn.continues for turn in scene.turns.values()):
        lines.append("A continuation is written as a version of its own")
    if scene.settings.presence:
        lines.append("Who was there for which turn is not written")
    return tuple(lines)


def _left_out(scene: Scene) -> tuple[str, ...]:
    """What of a scene does not stand in its told line, a line each."""
    return ("Only the told line is written",) if len(scene.line()) < len(scene.turns) else ()
