"""`import`, `export` and `check` as they are typed: what is printed, where things are then, and what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from rpchat.exchange.card_reading import read_card
from tests.cli.conftest import Call
from tests.cli.helpers import Terminal
from tests.exchange.corpus import cases, content
from tests.exchange.corpus_kinds import ANSWER, BOOK, HEADER, INSTRUCT, LINE, kinds, lines
from tests.exchange.makers import PICTURE, V1_CARD, as_json, charx, png, text_chunk, v2_card, v3_card


def test_a_card_is_there_afterwards(terminal: Terminal) -> None:
    (terminal.folder / "mio.png").write_bytes(png(text_chunk("chara", v2_card(tags=7))))
    other = terminal.folder / "other home"
    result = terminal.run("import", "mio.png", "--home", str(other))
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == "Mio · card · cards/mio.yaml"
    assert (other / "cards" / "mio.yaml").is_file()
    assert not (terminal.home / "cards" / "mio.yaml").exists()


def test_what_is_odd_stands_below(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "a.json").write_bytes(as_json(v2_card(description={"a": 1})))
    result = call("import", "a.json")
    assert result.code == 0
    assert result.out.splitlines()[1] == "    `description` was not a text and is left out"
    assert call("import", "a.json").out.splitlines()[0] == "Mio · card · cards/mio.yaml · there already"


def test_what_is_refused_is_a_line_and_the_rest_is_there(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "good.json").write_bytes(as_json(V1_CARD))
    (terminal.folder / "bad.json").write_bytes(b"{")
    result = call("import", "bad.json", "good.json", "gone.png")
    assert result.code == 1
    assert result.out == "Mio · card · cards/mio.yaml\n"
    bad, gone = result.err.splitlines()
    assert bad.startswith("rpchat: bad.json, line 1: this is not JSON")
    assert gone == "rpchat: gone.png does not exist"


def test_lines_for_programs(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "good.json").write_bytes(as_json(V1_CARD))
    (terminal.folder / "bad.json").write_bytes(b"{}")
    result = call("import", "good.json", "bad.json", "--json")
    assert (result.code, result.err) == (1, "")
    good, bad = (json.loads(line) for line in result.out.splitlines())
    assert (good["id"], good["kind"], good["known"]) == ("mio", "card", False)
    assert bad["file"] == "bad.json"
    assert "holds no card" in bad["refused"]


def test_an_empty_folder_is_said(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "empty").mkdir()
    result = call("import", "empty")
    assert result.code == 1
    assert "nothing in there" in result.complaint
    assert call("import").code == 2


def test_a_whole_folder_of_another_program(call: Call, terminal: Terminal) -> None:
    data = terminal.folder / "default-user"
    files = {
        "characters/Mio.png": png(text_chunk("chara", v2_card(name="Mio of the Sea"))),
        "characters/Mio/joy.png": PICTURE,
        "characters/Bo.json": as_json({**V1_CARD, "name": "Bo"}),
        "chats/Mio/first.jsonl": lines(HEADER, {**LINE, "name": "Old Name"}, ANSWER),
        "chats/Mio/first - branch.jsonl": lines(
            {**HEADER, "chat_metadata": {"main_chat": "first"}}, {**LINE, "name": "Old Name"}, {**ANSWER, "mes": "No."}
        ),
        "groups/17.json": as_json({"id": "17", "name": "Both", "members": ["Mio.png", "Bo.json"], "chats": ["17"]}),
        "worlds/Sea.json": as_json(BOOK),
        "instruct/Own.json": as_json(INSTRUCT),
        "context/Own.json": as_json({"name": "Own", "story_string": "{{description}}"}),
        "backups/x.json": b"{",
        "secrets.json": b"{}",
        "thumbnails/x.png": PICTURE,
    }
    for name, content_ in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content_)
    result = call("import", str(data))
    assert (result.code, result.err) == (0, "")
    taken = [line.split(" · ")[1] for line in result.out.splitlines() if not line.startswith("    ")]
    assert taken[-3:] == ["group", "chat", "chat"]
    assert sorted(taken[:-3]) == ["card", "card", "lorebook", "preset", "preset"]
    scene = terminal.scene(1)
    assert [member.card_id for member in scene.cast] == ["mio-of-the-sea"]
    assert {turn.text for turn in scene.turns.values()} == {LINE["mes"], "Hello.", "No."}
    assert [turn.text for turn in scene.line()] == [LINE["mes"], "Hello."]
    assert "- mio-of-the-sea" in (terminal.home / "scenes" / "both.yaml").read_text()
    assert sorted(path.name for path in (terminal.home / "presets").glob("*.yaml")) == ["own.yaml"]
    again = call("import", str(data))
    assert again.code == 0
    assert all(line.endswith("there already") for line in again.out.splitlines() if not line.startswith("    "))


def test_a_card_goes_out(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "a.charx").write_bytes(charx(v3_card(zzz=1), {"x.bin": b"x"}))
    assert call("import", "a.charx").code == 0
    result = call("export", "mio", "--to", "mio.json")
    assert (result.code, result.out) == (0, "")
    assert "1 assets are left out" in result.err
    assert read_card((terminal.folder / "mio.json").read_bytes(), name="x").card.name == "Mio"
    assert "there already" in call("export", "mio", "--to", "mio.json").complaint
    assert call("export", "mio", "--to", "mio.json", "--as", "json-v2", "--overwrite").code == 0
    assert "chara_card_v2" in (terminal.folder / "mio.json").read_text()
    assert call("export", "Mira Halloran", "--to", "mira.yaml").code == 0
    assert "not written as pdf" in call("export", "mio", "--to", "x", "--as", "pdf").complaint
    assert "no card named nobody" in call("export", "nobody", "--to", "x.png").complaint
    assert call("export", "--to", "x.png").code == 2
    assert call("export", "mio", "--scene", "1", "--to", "x.png").code == 2


def test_a_scene_a_preset_and_a_lorebook_go_out(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "evening.jsonl").write_bytes(lines(HEADER, LINE, ANSWER))
    (terminal.folder / "sea.json").write_bytes(as_json({"name": "Sea", **BOOK}))
    (terminal.folder / "own.json").write_bytes(as_json(INSTRUCT))
    assert call("import", "evening.jsonl", "sea.json", "own.json").code == 0
    assert call("export", "--scene", "evening", "--to", "out.jsonl").code == 0
    assert "こんばんは" in (terminal.folder / "out.jsonl").read_text(encoding="utf-8")
    assert call("export", "--scene", "1", "--to", "out.md").code == 0
    assert call("export", "--scene", "1", "--to", "out.dat", "--as", "txt").code == 0
    assert (terminal.folder / "out.dat").read_text(encoding="utf-8").startswith("Mio: ")
    assert "jsonl, md or txt" in call("export", "--scene", "1", "--to", "out.xyz").complaint
    assert call("export", "--preset", "own", "--to", "preset.json").code == 0
    assert json.loads((terminal.folder / "preset.json").read_text())["instruct"]["input_sequence"]
    assert call("export", "--preset", "chatml", "--to", "preset.yaml").code == 0
    assert "name: chatml" in (terminal.folder / "preset.yaml").read_text()
    assert call("export", "--lorebook", "sea", "--to", "book.json").code == 0
    assert "The sea is cold." in (terminal.folder / "book.json").read_text()
    assert "v3" in call("export", "--lorebook", "sea", "--to", "b.json", "--as", "x").complaint
    assert "There are sea" in call("export", "--lorebook", "se", "--to", "b.json").complaint


def test_check_says_and_stores_nothing(call: Call, terminal: Terminal) -> None:
    (terminal.folder / "a.png").write_bytes(png(text_chunk("ccv3", v3_card(tags=7))))
    (terminal.folder / "c.jsonl").write_bytes(lines(HEADER, LINE))
    (terminal.folder / "bad.json").write_bytes(b"")
    before = sorted(terminal.home.rglob("*"))
    result = call("check", "a.png", "c.jsonl")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "a.png · card · Mio · V3, PNG",
        "c.jsonl · chat · c · SillyTavern, 1 turns",
    ]
    refused = call("check", "bad.json", "a.png")
    assert refused.code == 1
    assert refused.err == "rpchat: bad.json is empty\n"
    assert "a.png · card" in refused.out
    assert sorted(terminal.home.rglob("*")) == before


CALLING = """
import resource, sys
import socket
from pathlib import Path
def refuse(*arguments, **options):
    raise AssertionError("the network was asked for")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
from rpchat.cli import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
# ru_maxrss counts what the process that started this one held, too.
status = Path("/proc/self/status").read_text().splitlines()
(most,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
print(most, used.ru_utime + used.ru_stime, file=sys.stderr)
loaded = {"httpx", "httpx2", "requests", "huggingface_hub", "urllib3", "llama_cpp", "textual"} & sys.modules.keys()
assert not loaded, loaded
sys.exit(code)
"""

THOUSAND = as_json(
    v2_card(character_book={"entries": [{"keys": [f"key {i}"], "content": "lore " * 200} for i in range(1_000)]})
)
LARGE = {
    "json_hostile-million-values": None,
    "json_values-deep-but-allowed": None,
    "yaml_hostile-alias-bomb": None,
    "png_hostile-million-chunks": None,
    "other-large-but-allowed": None,
    "other-too-large": None,
    "hostile_chats-too-many-lines": None,
    "hostile-lorebook-too-large": None,
}


def large_files() -> dict[str, Callable[[], bytes]]:
    """Return the files that cost most, each as how it is made."""
    every = {what: file for what, file, _ in (*cases(), *kinds()) if what in LARGE}
    made = {what: (lambda file=file: content(file)) for what, file in every.items()}
    made["thousand-entries"] = lambda: THOUSAND
    made["book-of-prose"] = lambda: as_json(v2_card(description="She walked along the shore: it was cold.\n" * 7_200))
    made["greetings"] = lambda: as_json(v2_card(alternate_greetings=["Hello there, stranger. " * 4] * 3_200))
    made["long-chat"] = lambda: lines(HEADER, *([{**LINE, "swipes": ["a" * 200] * 3}, ANSWER] * 5_000))
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it so")
@pytest.mark.parametrize("what", [*LARGE, "thousand-entries", "book-of-prose", "greetings", "long-chat"])
def test_no_file_costs_more_than_300_megabytes_and_two_seconds(what: str, terminal: Terminal) -> None:
    path = terminal.folder / "file"
    path.write_bytes(large_files()[what]())
    run = subprocess.run(
        [sys.executable, "-c", CALLING, "import", str(path)],
        cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode in (0, 1), run.stderr
    *complaint, used = run.stderr.splitlines()
    assert len(complaint) == run.returncode
    kilobytes, seconds = used.split()
    assert int(kilobytes) < 300 << 10
    assert float(seconds) < 4  # two are promised, on a machine that does nothing else


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_preset_goes_out_without_a_path(call: Call, terminal: Terminal, ending: str) -> None:
    lora = "/home/me/loras/secret.gguf"
    (terminal.home / "presets").mkdir(parents=True, exist_ok=True)
    own = terminal.home / "presets" / "own.yaml"
    own.write_text(f"name: own\nadapter: chatml\nmodels:\n  lora: {lora}\n", "utf-8")
    result = call("export", "--preset", "own", "--to", f"out.{ending}")
    assert "without its folder" in result.err
    written = (terminal.folder / f"out.{ending}").read_text("utf-8")
    assert "secret.gguf" in written
    assert "/home/me" not in written
