"""Odd but valid and hostile files of every other kind: chats, presets, lorebooks, personas, groups, scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from rpchat.exchange.kinds import Kind
from tests.exchange.makers import as_json

Case = tuple[str, bytes | Callable[[], bytes], Kind | None]
"""What it is, the file, and what it is taken in as; None if it must be refused."""

HEADER = {"user_name": "Robin", "character_name": "Mio", "create_date": "2024-09-28@01h02m03s", "chat_metadata": {}}
LINE = {"name": "Mio", "is_user": False, "mes": "「こんばんは」", "send_date": "September 28, 2024 1:02am", "extra": {}}
ANSWER = {"name": "Robin", "is_user": True, "mes": "Hello.", "send_date": "2024-09-28T01:02:03.000Z"}
INSTRUCT = {"name": "Own", "input_sequence": "### In:", "output_sequence": "### Out:", "wrap": True}
CONTEXT = {"name": "Own", "story_string": "{{#if system}}{{system}}\n{{/if}}{{description}}"}
SAMPLERS = {"temp": 0.9, "top_k": 40, "top_p": 0.9, "rep_pen": 1.1, "min_p": 0.05}
ENTRY = {"uid": 0, "key": ["sea"], "keysecondary": [], "content": "The sea is cold.", "comment": "sea", "order": 100}
BOOK = {"entries": {"0": ENTRY}}
SCRIPT = {"id": "1", "scriptName": "tidy", "findRegex": "/(a+)+$/g", "replaceString": "$1", "placement": [1, 2]}
PERSONAS = {
    "personas": {"a.png": "Robin"},
    "persona_descriptions": {"a.png": {"description": "A baker.", "position": 0}},
}
GROUP = {"id": "17", "name": "Two", "members": ["Mio.png", "Ann.png"], "activation_strategy": 1, "chats": ["17"]}
REPLIES = {"version": 2, "name": "Mine", "qrList": [{"id": 1, "label": "wave", "message": "*waves*"}]}


def kinds() -> Iterator[Case]:
    """Yield the whole corpus; the same every time."""
    for group in (_chats, _other_chats, _hostile_chats, _presets, _lorebooks, _extras, _hostile):
        for what, data, expected in group():
            yield f"{group.__name__[1:]}-{what}", data, expected


def lines(*values: object) -> bytes:
    """Return JSON lines."""
    return "\n".join(json.dumps(value, ensure_ascii=False) for value in values).encode("utf-8", "surrogatepass")


def _chats() -> Iterator[Case]:
    yield "plain", lines(HEADER, LINE, ANSWER), "chat"
    yield "without-header", lines(LINE, ANSWER), "chat"
    yield "newer-header", lines({"chat_metadata": {"integrity": "x"}, "user_name": "unused"}, LINE), "chat"
    yield "byte-order-mark", b"\xef\xbb\xbf" + lines(HEADER, LINE), "chat"
    yield "carriage-returns", lines(HEADER, LINE, ANSWER).replace(b"\n", b"\r\n"), "chat"
    yield "swipes", lines(HEADER, {**LINE, "swipes": ["a", LINE["mes"]], "swipe_id": 1, "swipe_info": []}), "chat"
    yield "swipe-elsewhere", lines(HEADER, {**LINE, "swipes": ["a", "b"], "swipe_id": 7}), "chat"
    yield "hidden", lines(HEADER, LINE, {**ANSWER, "is_system": True}), "chat"
    yield "note", lines({**HEADER, "chat_metadata": {"note_prompt": "rain", "note_depth": "4"}}, LINE), "chat"
    yield "group-speakers", lines(LINE, {**LINE, "name": "Ann", "original_avatar": "Ann.png"}, ANSWER), "chat"
    yield "damaged-line", lines(HEADER, LINE) + b"\n{half\n" + lines(ANSWER), "chat"
    yield "dates", lines(HEADER, *({**LINE, "send_date": date} for date in (0, -1, 1e300, "never", None, [1]))), "chat"
    yield "text-a-number", lines(HEADER, {**LINE, "mes": 7}), "chat"
    yield "escapes", lines(HEADER, {**LINE, "mes": "\x1b]52;c;QQ\x07\u202e[/x]", "name": "\x9b[2J"}), "chat"
    yield "half-a-surrogate", lines(HEADER, LINE) + b'\n{"name":"A","mes":"\\ud800"}', "chat"
    yield "name-a-path", lines(HEADER, {**LINE, "name": "../../x"}), "chat"
    yield "long-name", lines(HEADER, {**LINE, "name": "x" * 5_000}), "chat"
    yield "nothing-said", lines(HEADER, {"name": "A", "mes": "", "is_user": True}), "chat"
    yield "nobody", lines({"chat_metadata": {}}, {"mes": "hi"}), "chat"
    yield "many", lines(HEADER, *([LINE, ANSWER] * 500)), "chat"


def _other_chats() -> Iterator[Case]:
    story = {"gamestarted": True, "prompt": "You: Hi\nMio: Hello", "memory": "", "actions": ["\nYou: Bye"]}
    yield "kobold", as_json({**story, "worldinfo": [], "savedsettings": {}}), "chat"
    webui = {
        "internal": [["<|BEGIN-VISIBLE-CHAT|>", "Hi"], ["Hello", "Yes"]],
        "visible": [["", "Hi"], ["Hello", "Yes"]],
    }
    yield "webui", as_json(webui), "chat"
    yield "old-webui", as_json({"data": [["a", "b"]], "data_visible": [["a", "b"]]}), "chat"
    risu = {"message": [{"role": "char", "data": "Hi"}, {"role": "user", "data": "Ho"}], "note": "", "name": "C"}
    yield "risu", as_json({**risu, "localLore": []}), "chat"
    cai = {"histories": {"histories": [{"msgs": [{"src": {"is_human": False}, "text": "Hi"}]}]}}
    yield "cai", as_json(cai), "chat"
    yield "agnai", as_json({"messages": [{"userId": "1", "msg": "Hi"}, {"characterId": "2", "msg": "Ho"}]}), "chat"
    yield "transcript", b"Robin: Hi\nMio: Hello\nRobin: Bye\n", "chat"


def _hostile_chats() -> Iterator[Case]:
    yield "header-only", lines(HEADER), None
    yield "too-many-lines", lambda: b'{"mes":"a"}\n' * 300_000, None
    yield "depth", lines(HEADER) + b"\n" + b'{"mes":' + b"[" * 50_000, None
    yield "messages-empty", as_json({"messages": []}), None
    yield "histories-empty", as_json({"histories": {"histories": []}}), None


def _presets() -> Iterator[Case]:
    yield "instruct", as_json(INSTRUCT), "preset"
    yield "context", as_json(CONTEXT), "preset"
    yield "sysprompt", as_json({"name": "S", "content": "Be brief."}), "preset"
    yield "samplers", as_json(SAMPLERS), "preset"
    yield "master", as_json({"instruct": INSTRUCT, "context": CONTEXT, "preset": SAMPLERS}), "preset"
    yield "adapter", as_json({"system_start": "<s>", "user_start": "<u>", "assistant_start": "<a>"}), "preset"
    yield "reasoning", as_json({"name": "R", "prefix": "<think>", "suffix": "</think>", "separator": ""}), "preset"
    yield "ours", b"name: own\nadapter: chatml # mine\n", "preset"
    yield "name-a-path", as_json({**INSTRUCT, "name": "../../x"}), "preset"
    yield "numbers-as-text", as_json({**SAMPLERS, "temp": "0.7", "top_k": "x"}), "preset"
    yield "out-of-range", as_json({**SAMPLERS, "temp": -5, "top_p": 9}), "preset"


def _lorebooks() -> Iterator[Case]:
    yield "world", as_json(BOOK), "lorebook"
    yield "list", as_json({"entries": [ENTRY]}), "lorebook"
    yield "without-entries", as_json({"entries": {}}), "lorebook"
    yield "v3", as_json({"spec": "lorebook_v3", "data": {"entries": [{"keys": ["a"], "content": "b"}]}}), "lorebook"
    yield "card-book", as_json({"name": "B", "entries": [{"keys": ["a"], "content": "b"}]}), "lorebook"
    yield "novelai", as_json({"lorebookVersion": 5, "entries": [{"keys": ["a"], "text": "b"}]}), "lorebook"
    yield "agnai", as_json({"kind": "memory", "name": "M", "entries": [{"keywords": ["a"], "entry": "b"}]}), "lorebook"
    yield "risu", as_json({"type": "risu", "data": [{"key": "a,b", "content": "c"}]}), "lorebook"
    yield "catastrophe", as_json({"entries": {"0": {**ENTRY, "key": ["/(a+)+$/"]}}}), "lorebook"
    yield "thousand", as_json({"entries": {str(i): {**ENTRY, "uid": i} for i in range(1_000)}}), "lorebook"


def _extras() -> Iterator[Case]:
    yield "personas", as_json(PERSONAS), "personas"
    yield "persona-without-a-name", as_json({"personas": {"a.png": ""}}), "personas"
    yield "settings", as_json({"power_user": PERSONAS, "api_key_x": "secret"}), "personas"
    yield "group", as_json(GROUP), "group"
    yield "old-group", as_json({**GROUP, "id": 17, "activation_strategy": True, "chat_metadata": {"x": 1}}), "group"
    yield "script", as_json(SCRIPT), "regex scripts"
    yield "scripts", as_json([SCRIPT, {**SCRIPT, "scriptName": "two"}]), "regex scripts"
    yield "replies", as_json(REPLIES), "quick replies"
    yield (
        "old-replies",
        as_json({"quickReplyEnabled": True, "quickReplySlots": [{"mes": "a", "label": "b"}]}),
        "quick replies",
    )
    yield "persona-of-ours", b"name: Robin\nlanguage: en\ndescription: A baker. # mine\n", "personas"
    yield "persona-with-a-sheet", "name: 悠人\nsheet:\n  年齢: 20歳\n".encode(), "personas"
    yield "name-and-description", b"name: Robin\ndescription: A baker.\n", "card"
    yield "name-and-sheet-and-greeting", b"name: A\nsheet: {Age: 20}\nfirst_message: Hi\n", "card"
    yield "plan", b"name: Evening\ncast: [mira, tock]\n", "plan"


def _hostile() -> Iterator[Case]:
    yield "group-of-nobody", as_json({**GROUP, "members": []}), None
    yield "personas-of-nobody", as_json({"personas": {}}), None
    yield "persona-misspelt", b"name: Robin\nsheet: {Age: 20}\nsumary: x\n", None
    yield "plan-of-nobody", b"name: Evening\ncast: []\n", None
    yield "preset-of-ours-misspelt", b"name: own\nadapter: chatml\ntemprature: 1\n", None
    yield "v3-book-without-data", as_json({"spec": "lorebook_v3", "data": []}), None
    yield "lorebook-too-large", lambda: b'{"entries":{"0":{"key":["a"],"content":"' + b"x" * (33 << 20) + b'"}}}', None
    yield "entries-a-bomb", lambda: b'{"entries":' + b"[" * 100_000, None
    yield "preset-key-twice", b'{"input_sequence":"a","input_sequence":"b","output_sequence":"c"}', None
    yield "settings-of-nothing", as_json({"power_user": {}}), None
