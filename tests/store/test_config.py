from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.engine.settings import EngineSettings
from rpchat.errors import FileError, StoreError
from rpchat.store.config import Config, change_config, load_config
from rpchat.store.folders import Folders, find_home, shipped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_no_file_and_an_empty_one_are_the_defaults(path: Path) -> None:
    assert load_config(path) == Config()
    path.write_text("# nothing yet\n")
    assert load_config(path) == Config()


def test_settings_are_read(path: Path) -> None:
    path.write_text("theme: dark\nengine:\n  n_ctx: 4096\n  tensor_split: [1, 2]\nkeys: {undo: ctrl+z}\n")
    assert load_config(path) == Config(
        theme="dark", engine=EngineSettings(n_ctx=4096, tensor_split=(1.0, 2.0)), keys={"undo": "ctrl+z"}
    )


def test_a_change_leaves_the_rest_as_it_stands(path: Path) -> None:
    path.write_text("# mine\ntheme: dark  # at night\nengine:\n  n_ctx: 0x1000  # small\n")
    assert change_config(path, "engine.n_threads", 4).engine == EngineSettings(n_ctx=4096, n_threads=4)
    changed = change_config(path, "keys.scene.undo", "ctrl+z")
    assert path.read_text() == (
        "# mine\ntheme: dark  # at night\nengine:\n  n_ctx: 0x1000  # small\n  n_threads: 4\n"
        "keys:\n  scene.undo: ctrl+z\n"
    )
    assert load_config(path) == changed


def test_the_first_change_makes_the_file_and_keeps_lone_comments(path: Path) -> None:
    change_config(path, "theme", "light")
    assert path.read_text() == "theme: light\n"
    path.write_text("# only this")
    change_config(path, "enter_sends", False)
    assert path.read_text() == "# only this\nenter_sends: false\n"


@pytest.mark.parametrize("broken", ["theme: [", "thme: dark", "- a", "engine: 3", "theme: a\ntheme: b"])
def test_a_broken_config_is_never_overwritten(path: Path, broken: str) -> None:
    path.write_text(broken)
    with pytest.raises(FileError, match=r"config\.yaml"):
        change_config(path, "theme", "x")
    assert path.read_text() == broken


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("them", "x", "unknown field `them`. Did you mean `theme`?"),
        ("engine.n_ctxx", 1, "unknown field `engine.n_ctxx`. Did you mean `n_ctx`?"),
        ("engine.n_ctx", -1, "`engine.n_ctx` must be at least 0"),
        ("engine.split_mode", "rows", "`engine.split_mode` must be 'none', 'layer' or 'row'"),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(path: Path, key: str, value: object, line: str) -> None:
    path.write_text("theme: dark\n")
    with pytest.raises(FileError) as caught:
        change_config(path, key, value)
    assert line in str(caught.value)
    assert path.read_text() == "theme: dark\n"


class TestFolders:
    def test_the_home_is_the_option_or_the_variable_or_the_platforms(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RPCHAT_HOME", str(tmp_path / "variable"))
        assert find_home(tmp_path / "option") == tmp_path / "option"
        assert find_home(None) == tmp_path / "variable"
        monkeypatch.setenv("RPCHAT_HOME", "")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        assert "rpchat" in find_home(None).name.lower()
        monkeypatch.chdir(tmp_path)
        assert find_home(Path("here")) == tmp_path / "here"

    def test_everything_lies_in_the_home(self, tmp_path: Path) -> None:
        folders = Folders(tmp_path / "a" / "b")
        folders.create()
        folders.create()
        for place in (folders.cards, folders.personas, folders.presets, folders.models, folders.logs):
            assert place.is_dir()
            assert place.parent == folders.home
        assert folders.engine_log.parent == folders.logs
        assert folders.database.name == "rpchat.db"

    def test_an_impossible_home_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for home in (tmp_path / "file" / "x", tmp_path / ("x" * 5000), tmp_path / "a\0b"):
            with pytest.raises(StoreError, match="cannot be made") as caught:
                Folders(home).create()
            assert "--home" in caught.value.hint

    def test_what_is_shipped_is_found_from_anywhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert shipped("cards").is_dir()
        assert shipped("presets").is_dir()
        assert shipped("personas") == shipped("cards") / "personas"


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("{flash_attn: off, type_v: q8_0}", "`type_v` q8_0 needs `flash_attn` on or auto"),
        ("{tensor_split: [0, 0]}", "`tensor_split` gives no GPU a share"),
        ("{tensor_split: [1, 1], split_mode: none}", "`split_mode` is none"),
        ("{rpc_servers: [somewhere]}", "`rpc_servers` must be like 192.168.0.7:50052, not `somewhere`"),
        ("{rpc_servers: ['h:99999']}", "not `h:99999`"),
        ("{split_mode: rows}", "`engine.split_mode` must be 'none', 'layer' or 'row', not `rows`"),
        ("{type_k: q9}", "`engine.type_k` must be"),
        ("{main_gpu: -1}", "`engine.main_gpu` must be at least 0"),
        ("{tensor_splt: [1]}", "unknown field `engine.tensor_splt`. Did you mean `tensor_split`"),
    ],
)
def test_what_an_engine_cannot_be_together_is_refused(path: Path, engine: str, words: str) -> None:
    path.write_text(f"engine: {engine}\n")
    with pytest.raises(FileError) as caught:
        load_config(path)
    assert words in str(caught.value)


def test_servers_are_read(path: Path) -> None:
    path.write_text("engine: {rpc_servers: ['10.0.0.7:50052', '[::1]:50052', box.local:1]}\n")
    assert load_config(path).engine.rpc_servers == ("10.0.0.7:50052", "[::1]:50052", "box.local:1")
