"""One run of the program without a screen: which scene, card, persona, model and preset it plays with."""

from __future__ import annotations

import os
import shutil
import stat
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rpchat.choices import Wishes
from rpchat.engine.scripted import ScriptedEngine
from rpchat.errors import FileError, ModelError, StoreError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.store import models
from rpchat.store.config import load_config
from rpchat.store.folders import Folders
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from tests.models import smollm2_path

ANN = "name: Ann\nlanguage: en\nfirst_message: Hello, {{user}}.\nalternate_greetings: [Good evening.]\n"
BOB = "name: Bob\nlanguage: en\n"


@dataclass(slots=True)
class Home:
    """A home folder, and programs that run on it one after the other."""

    folders: Folders

    def card(self, name: str, text: str) -> Path:
        path = self.folders.cards / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    @asynccontextmanager
    async def program(self, *, read_only: bool = False, **wishes: str) -> AsyncIterator[Program]:
        lock = HomeLock(self.folders.lock_file)
        assert lock.acquire() is not read_only
        program = Program(
            folders=self.folders,
            config=load_config(self.folders.config_file),
            scenes=SceneStore.open(self.folders.database, read_only=read_only),
            lock=lock,
            engine=ScriptedEngine(loaded=False),
            read_only=read_only,
            wishes=Wishes(**wishes),
        )
        try:
            yield program
        finally:
            await program.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folders = Folders(tmp_path / "home")
    folders.create()
    made = Home(folders)
    made.card("ann", ANN)
    made.card("bob", BOB)
    return made


async def say(session: Session, text: str) -> None:
    await session.say(text)
    async for _ in session.reply():
        pass


def texts(session: Session) -> list[str]:
    return [turn.text for turn in session.scene.line()]


async def loaded(program: Program, session: Session | None = None) -> None:
    async for _ in program.models.load(session):
        pass


# Scenes


async def test_a_card_continues_its_latest_scene(home: Home) -> None:
    async with home.program() as program:
        first = await program.play(["ann"])
        assert texts(first) == ["Hello, Robin."]
        await first.say("one")
        await (await program.play(["ann", "bob"])).say("of both")
    async with home.program() as program:
        again = await program.play(["ANN.yaml"])
        assert (again.scene.id, texts(again)) == (first.scene.id, ["Hello, Robin.", "one"])
        other = await program.play(["ann"], new=True)
        assert other.scene.id != first.scene.id
        assert (await program.play(["ann"])).scene.id == other.scene.id
        await again.say("two")
        assert (await program.play([str(home.folders.cards / "ann.yaml")])).scene.id == first.scene.id
        both = await program.play(["bob", "ann"])
        assert texts(both)[-1] == "of both"


async def test_a_scene_is_found_by_title_or_number(home: Home) -> None:
    async with home.program() as program:
        scene = (await program.play(["ann", "bob"])).scene
        assert scene.title == "Ann, Bob"
        assert await program.scene_named("ann, BOB") == scene.id
        assert await program.scene_named(str(scene.id)) == scene.id
        for name in ("Ann, B", "²", "9" * 5000, "", "%"):
            with pytest.raises(StoreError, match="there is no scene"):
                await program.scene_named(name)


async def test_greetings_are_told_once(home: Home) -> None:
    async with home.program() as program:
        scene = (await program.play(["ann"])).scene
        assert [turn.text for turn in scene.swipes(scene.line()[0].id)] == ["Hello, Robin.", "Good evening."]
        assert (await program.play(["ann"])).scene.turns == scene.turns
        assert texts(await program.play(["bob"])) == []


async def test_another_persona_is_another_scene(home: Home) -> None:
    async with home.program() as program:
        assert (await program.play(["ann"])).scene.persona.name == "Robin"
        assert (await program.play(["sakura"])).scene.persona.name == "悠人"
    async with home.program(persona="yuto") as program:
        scene = (await program.play(["ann"])).scene
        assert scene.persona.name == "悠人"
        assert scene.line()[0].text == "Hello, 悠人."
        assert (await program.play(["ann"])).scene.id == scene.id
    async with home.program() as program:
        assert (await program.play(["ann"])).scene.id == scene.id
    async with home.program(persona="robn") as program:
        with pytest.raises(FileError, match="robn"):
            await program.play(["ann"])


async def test_a_card_whose_file_is_gone_plays_on(home: Home) -> None:
    async with home.program() as program:
        session = await program.play(["ann"])
        await loaded(program)
        await say(session, "one")
    (home.folders.cards / "ann.yaml").unlink()
    async with home.program() as program:
        await loaded(program)
        again = await program.open(session.scene.id)
        await say(again, "two")
        assert texts(again)[-2:] == ["two", "The rain has stopped. Shall we go outside?"]
        with pytest.raises(FileError, match="no card named ann"):
            await program.play(["ann"])


async def test_a_card_that_was_changed_is_played_as_it_is_now(home: Home) -> None:
    async with home.program() as program:
        session = await program.play(["ann"])
        home.card("ann", ANN + "description: Older now.\n")
        assert (await program.open(session.scene.id)).scene.cast[0].card.description == "Older now."
        home.card("ann", "name: [")
        assert (await program.open(session.scene.id)).scene.cast[0].card.name == "Ann"


# Cards


async def test_cards_are_listed_and_searched(home: Home) -> None:
    home.card("broken", "name: Ann\nfirst_mesage: x\n")
    (home.folders.cards / "gone.yaml").symlink_to("/nowhere/at/all.yaml")
    home.card("mira", "name: My own Mira\n")
    async with home.program() as program:
        cards = {card.id: card for card in await program.cards()}
        assert [card.id for card in await program.cards("メイド 桜")] == ["sakura"]
        assert [card.id for card in await program.cards("FERRY night")] == []
    assert "first_message" in cards["broken"].error
    assert "gone.yaml" in cards["gone"].error
    assert (cards["mira"].name, cards["mira"].shipped, cards["mira"].error) == ("My own Mira", False, "")
    assert cards["keri"].shipped


async def test_a_list_shows_a_card_that_was_changed(home: Home) -> None:
    async with home.program() as program:
        await program.cards()
        path = home.card("ann", "name: Annabel\n")
        state = path.stat()
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000_000))
        assert "Annabel" in [card.name for card in await program.cards()]


# Models and presets


def gguf(path: Path, *, name: str = "", template: str = "") -> Path:
    """Write a GGUF that is nothing but a header."""

    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text.encode())) + text.encode()

    entries = {"general.architecture": "llama", "general.name": name, "tokenizer.chat_template": template}
    body = b"".join(string(key) + struct.pack("<I", 8) + string(value) for key, value in entries.items() if value)
    count = sum(1 for value in entries.values() if value)
    tensor = string("weight") + struct.pack("<IQIQ", 1, 8, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, count) + body + tensor
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + b"\0" * 64)
    return path


async def chosen(home: Home, *, scene_model: str = "", **wishes: str) -> tuple[str, str]:
    async with home.program(**wishes) as program:
        session = await program.play(["ann"], new=True)
        scene = replace(session.scene, settings=replace(session.scene.settings, model=scene_model))
        choice = program.choices.model(scene)
        return ("", "") if choice is None else (choice.name, choice.why)


async def test_the_model_is_chosen_in_order(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = smollm2_path().stem
    elsewhere = gguf(home.folders.home / "elsewhere" / "configured.gguf")
    assert await chosen(home) == (demo, "the demo")
    gguf(home.folders.models / "found.gguf")
    assert await chosen(home) == ("found", "the newest in the models folder")
    home.folders.config_file.write_text(f"model: {elsewhere}\n")
    assert await chosen(home) == ("configured", "set in the config")
    gguf(home.folders.models / "own.gguf")
    assert await chosen(home, scene_model="own") == ("own", "the scene's own")
    assert await chosen(home, scene_model="own", model="found") == ("found", "asked for")
    with pytest.raises(ModelError, match="there is no model `lost`"):
        await chosen(home, model="lost")
    name, why = await chosen(home, scene_model="lost")
    assert (name, "`lost`, the scene's own, is not there" in why) == ("configured", True)
    elsewhere.unlink()
    shutil.rmtree(home.folders.models)
    name, why = await chosen(home)
    assert (name, "is not there" in why) == (demo, True)
    monkeypatch.setattr(models, "_DEMO_PACKAGE", "no_such_package_anywhere")
    assert await chosen(home) == ("", "")
    async with home.program() as program:
        with pytest.raises(ModelError, match=r"there is no model\. Put a GGUF file into"):
            await loaded(program)


PRESETS = [
    ("Antler-7B-RP-v3.Q4_K_M.gguf", "", "", "antler-7b-rp-v3"),
    ("model.gguf", "Ninja-v1-RP-expressive", "", "ninja-v1-rp-expressive"),
    ("mn-backyardai-party-12b-v1.q4.gguf", "", "<|im_start|>", "backyardai-party-12b"),
    ("unknown.gguf", "", "{{ '<|im_start|>' }}", "chatml"),
    ("unknown.gguf", "", "{{ messages }}", "template"),
    ("unknown.gguf", "", "", "chatml"),
]


@pytest.mark.parametrize(("file", "name", "template", "preset"), PRESETS)
async def test_the_preset_is_found_from_the_model(home: Home, file: str, name: str, template: str, preset: str) -> None:
    gguf(home.folders.models / file, name=name, template=template)
    async with home.program() as program:
        session = await program.play(["ann"])
        assert session.preset.name == preset
        assert session.preset_why
        assert program.choices.fits(session.scene)


async def test_the_preset_that_was_asked_for(home: Home) -> None:
    home.folders.config_file.write_text("preset: chatml\n")
    async with home.program() as program:
        assert (await program.play(["ann"])).preset.name == "chatml"
    async with home.program(preset="antler-7b-rp-v3") as program:
        first = await program.play(["ann"], new=True)
        assert (first.preset.name, first.preset_why) == ("antler-7b-rp-v3", "asked for")
        assert not program.choices.fits(first.scene)
    async with home.program() as program:
        again = await program.play(["ann"])
        assert (again.preset.name, again.preset_why) == ("antler-7b-rp-v3", "the scene's own")


async def test_a_remembered_preset_that_is_gone_is_passed_over(home: Home) -> None:
    home.card("ann", ANN)
    own = home.folders.presets / "mine.yaml"
    own.write_text("name: mine\nadapter: chatml\n", encoding="utf-8")
    async with home.program(preset="mine") as program:
        assert (await program.play(["ann"])).preset.name == "mine"
    own.unlink()
    async with home.program() as program:
        session = await program.play(["ann"])
        assert session.preset.name != "mine"
        assert "the scene's own is passed over" in session.preset_why
    async with home.program(preset="mine") as program:
        with pytest.raises(FileError, match="mine"):
            await program.play(["ann"])


async def test_a_preset_brings_its_lora(home: Home) -> None:
    home.card("ann", ANN)
    base = gguf(home.folders.models / "llama-2-7b.gguf")
    async with home.program(model="llama-2-7b", preset="limarp-llama2-7b-v3") as program:
        session = await program.play(["ann"])
        with pytest.raises(ModelError, match="this preset needs the LoRA `LimaRP-Llama2-7B-v3` on Llama-2-7B"):
            program.choices.engine_settings(session.scene)
        lora = gguf(home.folders.models / "LimaRP-Llama2-7B-v3-f16.gguf")
        settings = program.choices.engine_settings(session.scene)
        assert [(Path(one.path), one.scale) for one in settings.lora] == [(lora, 1.0)]
        choice = program.choices.model(session.scene)
        assert choice is not None
        assert choice.path == base
    # A model that has it merged in is recognised by its name and gets none.
    gguf(home.folders.models / "merged-limarp-13b.gguf")
    async with home.program(model="merged-limarp-13b") as program:
        assert program.choices.preset()[0].name == "limarp-llama2-7b-v3"
        assert program.choices.engine_settings().lora == ()


async def test_a_model_is_loaded_once(home: Home) -> None:
    gguf(home.folders.models / "one.gguf")
    async with home.program() as program:
        session = await program.play(["ann"])
        await loaded(program, session)
        before = program.engine.model
        await loaded(program, session)
        assert program.engine.model is before
        choice = await program.models.choose_model(f" '{gguf(home.folders.home / 'other folder' / 'two.gguf')}' ")
        assert choice.name == "two"
        await loaded(program)
        assert program.engine.model is not before
    assert load_config(home.folders.config_file).model.endswith("two.gguf")
    async with home.program() as program:
        with pytest.raises(ModelError):
            await program.models.choose_model(str(home.folders.config_file))
    assert load_config(home.folders.config_file).model.endswith("two.gguf")


# A second instance


async def test_a_second_one_only_reads(home: Home) -> None:
    async with home.program() as first:
        session = await first.play(["ann"])
        await loaded(first, session)
        await say(session, "one")
        async with home.program(read_only=True) as second:
            shown = await second.play(["ann"])
            assert shown.read_only
            assert shown.scene == session.scene
            assert [summary.id for summary in await second.recent()] == [session.scene.id]
            with pytest.raises(StoreError, match="this one only reads"):
                await shown.say("two")
            with pytest.raises(StoreError, match="this one only reads"):
                await anext(shown.reply())
            with pytest.raises(StoreError, match="this one only reads"):
                await shown.turns.delete(shown.scene.line()[-1].id)
            with pytest.raises(StoreError, match="no scene can be begun"):
                await second.play(["bob"])
            before = session.scene
            await session.say("two")
            assert (await second.open(session.scene.id)).scene == session.scene != before


# What was read


async def test_what_was_read_of_a_scene_is_there_when_it_is_opened_again(home: Home) -> None:
    async with home.program() as program:
        session = await program.play(["ann"])
        await loaded(program, session)
        assert scripted(program).restored == []
        await say(session, "Who are you?")
        assert scripted(program).saved == []
    (kept,) = home.folders.kv.iterdir()
    assert (kept.name, stat.S_IMODE(home.folders.kv.stat().st_mode)) == (f"scene-{session.scene.id}.kv", 0o700)
    async with home.program() as program:
        for _ in range(2):
            await loaded(program, await program.play(["ann"]))
        # The model was loaded once, but another opening of the scene cannot know what was read in between.
        assert scripted(program).restored == [kept, kept]
        assert scripted(program).saved == []


async def test_a_scene_is_kept_before_another_is_played(home: Home) -> None:
    async with home.program() as program:
        first, second = await program.play(["ann"]), await program.play(["bob"])
        await loaded(program, first)
        await say(first, "Who are you?")
        await loaded(program, second)
        assert [path.name for path in scripted(program).saved] == [f"scene-{first.scene.id}.kv"]
        await say(second, "And you?")
        await loaded(program, first)
        assert [path.name for path in scripted(program).saved][1:] == [f"scene-{second.scene.id}.kv"]
    assert len(list(home.folders.kv.iterdir())) == 2


async def test_who_may_only_read_writes_nothing(home: Home) -> None:
    async with home.program() as writing:
        session = await writing.play(["ann"])
        await loaded(writing, session)
        await say(session, "Who are you?")
    shutil.rmtree(home.folders.kv.parent)
    with HomeLock(home.folders.lock_file) as other:
        assert other.acquire()
        async with home.program(read_only=True) as reading:
            session = await reading.play(["ann"])
            await loaded(reading, session)
            assert not await session.read_ahead()
            assert not await session.keep_read()
    assert not home.folders.kv.parent.exists()


async def test_nothing_is_kept_where_the_user_wants_it_so(home: Home) -> None:
    home.folders.config_file.write_text("kv_disk_mb: 0\n", encoding="utf-8")
    async with home.program() as program:
        session = await program.play(["ann"])
        await loaded(program, session)
        await say(session, "Who are you?")
    assert not home.folders.kv.exists()


def scripted(program: Program) -> ScriptedEngine:
    assert isinstance(program.engine, ScriptedEngine)
    return program.engine
