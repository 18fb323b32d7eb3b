"""Finding models where programs keep them, and what a list knows of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rpchat.store.model_list
from rpchat.errors import ModelError
from rpchat.store.model_files import ModelFile, model_files
from rpchat.store.model_list import ModelEntry, ModelList
from rpchat.store.model_places import ModelPlace, model_places
from rpchat.store.models import ModelWishes, choose_model, find_models, named_model
from tests.model_makers import write_model

TOKENS = frozenset({"<|im_start|>", "<|im_end|>"})


def found(folder: Path, kind: str = "files") -> list[ModelFile]:
    return list(model_files([ModelPlace("here", folder, "ollama" if kind == "ollama" else "files")]))


def names(files: list[ModelFile]) -> list[str]:
    return [file.name for file in files]


def touch(path: Path, content: bytes = b"GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


USUAL = {
    "Hugging Face cache": ".cache/huggingface/hub",
    "LM Studio": ".lmstudio/models",
    "Ollama": ".ollama/models",
    "llama.cpp": ".cache/llama.cpp",
    "text-generation-webui": "text-generation-webui/user_data/models",
    "KoboldCpp": "koboldcpp",
}


@pytest.mark.parametrize("name", USUAL)
def test_the_usual_folders(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    (tmp_path / USUAL[name]).mkdir(parents=True)
    places = model_places(tmp_path / "nothing", environment={"PATH": ""}, home=tmp_path)
    assert [(place.name, place.folder) for place in places] == [(name, tmp_path / USUAL[name])]


@pytest.mark.parametrize(
    ("variable", "below", "name"),
    [
        ("HF_HUB_CACHE", "", "Hugging Face cache"), ("HF_HOME", "hub", "Hugging Face cache"),
        ("XDG_CACHE_HOME", "huggingface/hub", "Hugging Face cache"), ("OLLAMA_MODELS", "", "Ollama"),
        ("LLAMA_CACHE", "", "llama.cpp"),
    ],
)  # fmt: skip
def test_a_programs_own_variable_comes_first(tmp_path: Path, variable: str, below: str, name: str) -> None:
    folder = tmp_path / "elsewhere" / below
    folder.mkdir(parents=True)
    environment = {variable: str(tmp_path / "elsewhere")}
    places = model_places(tmp_path / "nothing", environment=environment, home=tmp_path / "nobody")
    assert [(place.name, place.folder) for place in places] == [(name, folder)]


def test_lm_studio_points_to_where_it_keeps_things(tmp_path: Path) -> None:
    (tmp_path / "drive/models").mkdir(parents=True)
    (tmp_path / ".lmstudio-home-pointer").write_text(str(tmp_path / "drive"))
    places = model_places(tmp_path / "nothing", environment={"PATH": ""}, home=tmp_path)
    assert [place.folder for place in places] == [tmp_path / "drive/models"]


def test_a_split_model_is_one_and_a_part_that_lacks_is_told(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        touch(tmp_path / f"Big-Q8_0-0000{number}-of-00003.gguf")
    for number in (1, 4):
        touch(tmp_path / f"Half-0000{number}-of-00004.gguf")
    big, half = found(tmp_path)
    assert (big.name, len(big.parts), big.problem) == ("Big-Q8_0", 3, "")
    assert big.path.name == "Big-Q8_0-00001-of-00003.gguf"
    assert (half.name, half.problem) == ("Half", "part 2, 3 of 4 is missing")


def test_links_are_followed_and_what_lies_twice_is_told_once(tmp_path: Path) -> None:
    blob = touch(tmp_path / "blobs/abc")
    snapshot = tmp_path / "hub/models--a--b/snapshots/1"
    snapshot.mkdir(parents=True)
    (snapshot / "Some.gguf").symlink_to(blob)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/Some.gguf").symlink_to(snapshot / "Some.gguf")
    (tmp_path / "own/round").symlink_to(tmp_path / "own", target_is_directory=True)
    (tmp_path / "own/gone.gguf").symlink_to(tmp_path / "nowhere")
    places = [ModelPlace("own", tmp_path / "own"), ModelPlace("hub", tmp_path / "hub")]
    gone, some = model_files(places)
    assert (gone.name, gone.problem) == ("gone", "it is a link to a file that is gone")
    assert (some.name, some.place) == ("Some", "own")


def test_what_is_no_model_by_its_name_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.GGUF", "mmproj-a.gguf", "a.imatrix.gguf", "some-lora-f16.gguf", "._a.gguf", ".x.part", "a.bin"):
        touch(tmp_path / name)
    touch(tmp_path / ".hidden/b.gguf")
    assert names(found(tmp_path)) == ["a"]


def test_ollamas_blobs_have_the_names_of_its_manifests(tmp_path: Path) -> None:
    for digest in ("aaa", "bbb", "ccc"):
        touch(tmp_path / f"blobs/sha256-{digest}")
    touch(tmp_path / "blobs/sha256-ddd", b"a template")

    def manifest(path: str, digest: str) -> None:
        layers = [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:ddd"},
                  {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}]  # fmt: skip
        touch(tmp_path / "manifests" / path, json.dumps({"layers": layers}).encode())

    manifest("hub/library/llama3/8b", "aaa")
    manifest("hub/somebody/rp/latest", "bbb")
    touch(tmp_path / "manifests/hub/library/odd/1", b"no json")
    assert names(found(tmp_path, "ollama")) == ["llama3:8b", "sha256-ccc", "somebody/rp:latest"]


def test_a_folder_that_may_not_be_read_is_no_reason_to_find_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "a/one.gguf")
    places = [ModelPlace("gone", tmp_path / "gone"), ModelPlace("here", tmp_path / "a")]
    assert names(list(model_files(places))) == ["one"]


# Headers


def entries(folder: Path, cache: Path) -> list[ModelEntry]:
    return list(ModelList([ModelPlace("here", folder)], cache, tokens=TOKENS).entries())


def test_a_list_tells_what_the_header_says(tmp_path: Path) -> None:
    write_model(
        tmp_path / "m/Some.Q4_K_M.gguf", name="Some Model", parameters=7_000_000_000, context=32768,
        tokens=("<|im_start|>",),
    )  # fmt: skip
    (entry,) = entries(tmp_path / "m", tmp_path / "models.json")
    assert entry.told is not None
    assert (entry.told.title, entry.told.architecture, entry.told.context) == ("Some Model", "llama", 32768)
    assert abs(entry.told.parameters / 7e9 - 1) < 0.01
    assert entry.quantisation == "Q4_K_M"
    assert entry.size == (tmp_path / "m/Some.Q4_K_M.gguf").stat().st_size > 3_500_000_000
    assert entry.told.facts.controls == {"<|im_start|>"}
    assert len(entry.told.shape.layers) == 4


def test_what_is_broken_is_listed_with_why_and_an_adapter_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/text.gguf").write_text("once upon a time")
    (tmp_path / "m/short.gguf").write_bytes(b"GGUF")
    write_model(tmp_path / "m/adapted.gguf", kind="adapter")
    write_model(tmp_path / "m/eyes.gguf", architecture="clip")
    write_model(tmp_path / "m/vectors.gguf", architecture="bert")
    told = {entry.name: entry.error for entry in entries(tmp_path / "m", tmp_path / "models.json")}
    assert list(told) == ["short", "text", "vectors"]
    assert "truncated" in told["short"]
    assert "not a GGUF" in told["text"]
    assert "embeddings" in told["vectors"]


def test_headers_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "m/one.gguf", name="One", template="<|im_start|>", tokens=tuple(TOKENS))
    before = entries(tmp_path / "m", tmp_path / "models.json")

    def read(path: Path) -> object:
        raise ModelError(f"{path.name} was read again")

    with monkeypatch.context() as patched:
        patched.setattr(rpchat.store.model_list, "read_header", read)
        assert entries(tmp_path / "m", tmp_path / "models.json") == before
        write_model(tmp_path / "m/one.gguf", name="Another")
        (changed,) = entries(tmp_path / "m", tmp_path / "models.json")
        assert "read again" in changed.error
    (tmp_path / "models.json").write_text('{"stamp": 1')
    (anew,) = entries(tmp_path / "m", tmp_path / "models.json")
    assert anew.told is not None
    assert anew.told.title == "Another"


def test_other_tokens_make_what_was_kept_useless(tmp_path: Path) -> None:
    write_model(tmp_path / "m/one.gguf", tokens=("<|im_start|>", "<tool>"))
    places, cache = [ModelPlace("here", tmp_path / "m")], tmp_path / "models.json"
    assert entries(tmp_path / "m", cache)[0].told is not None
    (entry,) = ModelList(places, cache, tokens=frozenset({"<tool>"})).entries()
    assert entry.told is not None
    assert entry.told.facts.controls == {"<tool>"}


def test_nothing_is_written_where_another_program_writes(tmp_path: Path) -> None:
    write_model(tmp_path / "m/one.gguf")
    list(ModelList([ModelPlace("m", tmp_path / "m")], tmp_path / "x.json", tokens=TOKENS, read_only=True).entries())
    assert not (tmp_path / "x.json").exists()


# Which one is meant


@pytest.fixture
def somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home folder with nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "somebody"


def test_a_name_is_found_here_and_in_other_programs_folders(tmp_path: Path, somebody: Path) -> None:
    own = tmp_path / "own"
    one = write_model(own / "One-7B.Q4_K_M.gguf")
    other = write_model(somebody / ".lmstudio/models/x/Other-Q8_0-00001-of-00001.gguf")
    assert named_model("one-7b.q4_k_m", own) == one
    assert named_model("one", own) == one
    assert named_model("Other-Q8_0", own) == other
    with pytest.raises(ModelError, match="no model `third`"):
        named_model("third", own)


def test_a_broken_file_is_not_chosen_where_another_can_be(tmp_path: Path, somebody: Path) -> None:
    own = tmp_path / "own"
    good = write_model(own / "good.gguf")
    write_model(own / "adapted.gguf", kind="adapter")
    (own / "newest.gguf").write_bytes(b"no model")
    assert find_models(own)[0].name == "newest.gguf"
    choice = choose_model(ModelWishes(), own)
    assert choice is not None
    assert choice.path == good
    good.unlink()
    choice = choose_model(ModelWishes(), own)
    assert choice is not None
    assert choice.path.name == "newest.gguf"
