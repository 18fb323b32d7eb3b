"""Whatever is done to a chat file, reading it gives a chat or our own error. RPCHAT_MUTANTS sets how many are made."""

from __future__ import annotations

import os
import random

import pytest

from rpchat.errors import FileError
from rpchat.exchange.chats import read_chat, write_chat
from tests.exchange import chat_makers as made
from tests.exchange.makers import as_json
from tests.exchange.test_mutants import mutated

MUTANTS = int(os.environ.get("RPCHAT_MUTANTS", "400"))

SEEDS = {
    "tavern": (
        made.as_lines(made.HEADER, made.GREETING, made.LINE, made.REPLY),
        made.as_lines({**made.REPLY, "original_avatar": "a.png", "is_system": True}, made.CHUB),
    ),
    "kobold": tuple(map(as_json, (made.KOBOLD_CHAT, made.KOBOLD_INSTRUCT, made.KOBOLD_STORY))),
    "webui": (as_json(made.WEBUI), as_json(made.OLD_OOBA)),
    "risu": (as_json(made.RISU), as_json(made.RISU_CHAT)),
    "services": (as_json(made.CAI), as_json(made.AGNAI)),
    "transcript": ("Mio: Hi.\nRobin: Yes: so.\nMio：「うん」\n[x]: (y)".encode(), b"You: a\n\nA B C: b\nYou: c\n"),
}
WORDS = (b'"mes":null', b'"swipes":[1,[]]', b'"swipe_id":-1', b'"extra":[]', b"\n", b'{"mes":""}', b": ", b"1e400")


@pytest.mark.parametrize("kind", SEEDS)
def test_a_mutant_is_a_chat_or_refused(kind: str) -> None:
    outcomes = {"chat": 0, "refused": 0}
    for number in range(MUTANTS):
        chance = random.Random(f"{kind} {number}")
        data = mutated(chance.choice(SEEDS[kind]), chance)
        if chance.random() < 0.3:
            at = chance.randrange(len(data) + 1)
            data = data[:at] + chance.choice(WORDS) + data[at + chance.choice((0, 8)) :]
        try:
            chat = read_chat(data, name="mutant")
        except FileError:
            outcomes["refused"] += 1
        else:
            outcomes["chat"] += 1
            scene = chat.scene({})
            assert scene.line()
            assert read_chat(write_chat(scene, "tavern")[0].data, name="again").line()
    assert min(outcomes.values()) > MUTANTS // 50, outcomes
