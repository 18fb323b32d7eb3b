"""Whether an adapter writes prompts as the model's own chat template would, token for token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rpchat.engine.port import Engine
from rpchat.errors import PromptError
from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.template import Template
from rpchat.session.prompter import render, vocabulary_of
from rpchat.story.text import one_line

_PROBE = Conversation(
    user=Character(name="Ann"),
    chars=(Character(name="Bo"),),
    lines=(
        Line(side="user", by="Ann", text="Is anyone there?"),
        Line(side="char", by="Bo", text="Only me and the rain."),
        Line(side="user", by="Ann", text="Then put the kettle on."),
    ),
    speaker="Bo",
    system="A short play for two voices.",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verified`: the same tokens; `differs`: not, and `detail` says where; `unknown`: nothing to compare with."""

    kind: Literal["verified", "differs", "unknown"]
    detail: str = ""


async def verify(engine: Engine, adapter: Adapter) -> Verdict:
    """Render a short probe with `adapter` and with the loaded model's template, and compare the token ids."""
    model = engine.model
    if model is None or not model.chat_template:
        return Verdict("unknown", "the model has no template of its own")
    if isinstance(adapter, Template):
        return Verdict("verified", "it is the model's own template")
    try:
        own = await engine.tokenize(await render(engine, Template(), _PROBE, vocabulary_of(model)))
        ours = await engine.tokenize(adapter.render(_PROBE, vocabulary_of(model)))
    except PromptError as error:
        return Verdict("unknown", error.message)
    if own == ours:
        return Verdict("verified")
    return Verdict("differs", await _difference(engine, ours, own))


async def _difference(engine: Engine, ours: list[int], own: list[int]) -> str:
    """Where the two part, as text on both sides."""
    at = next((i for i, (a, b) in enumerate(zip(ours, own, strict=False)) if a != b), min(len(ours), len(own)))

    async def told(ids: list[int]) -> str:
        pieces = await engine.pieces(ids[at : at + 6])
        spelt = b"".join(piece or b"<control>" for piece in pieces)
        return one_line(repr(spelt.decode("utf-8", "replace")), 40) if pieces else "the end"

    return f"token {at + 1}: {await told(ours)} here, {await told(own)} in its template"
