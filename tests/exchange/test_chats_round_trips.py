from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.exchange.chats import join_chats, read_chat, write_chat
from rpchat.store.reading import load_json
from rpchat.story.card import Card
from rpchat.story.scene import Scene
from rpchat.story.text import clean
from tests.exchange.chat_makers import CAST, as_lines, headers, objects, scenes, shape, tavern_messages

EXAMPLES = int(os.environ.get("RPCHAT_EXAMPLES", "30"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CARDS = {"mio": ("mio", Card(name="Mio"))}


@many
@given(header=st.none() | headers, messages=st.lists(tavern_messages(), min_size=1, max_size=5))
def test_a_file_goes_out_as_it_came_to_the_last_key(header: Any, messages: list[Any]) -> None:
    file = [*([header] if header else []), *messages]
    chat = read_chat(as_lines(*file), name="chat.jsonl")
    assert chat.notes == ()
    (written,) = write_chat(chat.scene(CARDS), "tavern")
    assert objects(written.data) == file


@many
@given(text=st.text(max_size=20), escaped=st.booleans())
def test_a_line_is_cleaned_whether_or_not_it_is_looked_at_value_by_value(text: str, escaped: bool) -> None:
    whole = text if escaped else text.encode(errors="ignore").decode()
    data = json.dumps({"a": [whole, "x\n\t\\"]}, ensure_ascii=escaped).encode()
    assert load_json(data, name="x") == {"a": [clean(whole), "x\n\t\\"]}


@many
@given(scene=scenes())
def test_a_scene_comes_back_as_a_tree(scene: Scene) -> None:
    files = write_chat(scene, "tavern")
    chats = [read_chat(file.data, name=file.name) for file in files]
    assert all(chat.branch_of == chats[0].title for chat in chats[1:])
    back = join_chats(chats).scene({member.card_id: (member.card_id, member.card) for member in CAST})
    assert [turn.text for turn in back.line()] == [turn.text for turn in scene.line()]
    assert shape(back.turns) == shape(scene.turns)
    assert {turn.text: turn.member for turn in back.turns.values()} == {
        turn.text: turn.member for turn in scene.turns.values()
    }
    assert (back.settings.note, back.settings.scenario) == (scene.settings.note, scene.settings.scenario)
