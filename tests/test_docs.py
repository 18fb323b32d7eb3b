"""What the pages in `docs/` say of presets and formats is so: every name is there, and their examples work."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.sequences import SequencesAdapter
from rpchat.prompt.segment import Vocabulary, joined
from rpchat.store.parsing import parse
from rpchat.store.reading import load_yaml
from rpchat.story.preset import ModelHints, Preset, Sampling
from rpchat.story.sequences import Sequences
from tests.test_goldens import conversation_of, pairs

ROOT = Path(__file__).parent.parent
PRESETS = (ROOT / "docs" / "presets.md").read_text("utf-8")
FORMATS = (ROOT / "docs" / "add-a-format.md").read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Return the page's code blocks of a language, without the space in front of them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "presets").glob("*.yaml")))
def test_every_preset_is_in_the_table(name: str) -> None:
    assert f"| `{name}` |" in PRESETS


@pytest.mark.parametrize("field", [field.name for kind in (Preset, ModelHints, Sampling) for field in fields(kind)])
def test_every_field_of_a_preset_is_explained(field: str) -> None:
    assert re.search(rf"[`.]{field}[`.]", PRESETS)


@pytest.mark.parametrize("field", [field.name for field in fields(Sequences)])
def test_every_field_of_a_format_is_explained(field: str) -> None:
    assert f"`{field}`" in FORMATS


def test_the_presets_of_the_pages_can_be_read() -> None:
    wanted = [block for block in (*blocks(PRESETS, "yaml"), *blocks(FORMATS, "yaml")) if block.startswith("name:")]
    assert len(wanted) == 2
    for block in wanted:
        parse(Preset, load_yaml(block.encode(), name="page.yaml"), name="page.yaml")


@pytest.fixture
def case() -> Any:
    (told,) = blocks(FORMATS, "json")
    return json.loads(told)["cases"][0]


@pytest.fixture
def playscript(monkeypatch: pytest.MonkeyPatch) -> Adapter:
    (code,) = blocks(FORMATS, "python")
    module = ModuleType("playscript")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)
    adapter: Adapter = module.Playscript()
    return adapter


def test_the_adapter_of_the_page_writes_its_golden_prompt(playscript: Adapter, case: Any) -> None:
    conversation = conversation_of(case["conversation"])
    assert pairs(playscript.render(conversation, Vocabulary())) == case["segments"]
    assert list(playscript.stops(conversation).line) == case["stops"]["line"]


def test_the_sequences_of_the_page_write_its_example(case: Any) -> None:
    block = next(block for block in blocks(FORMATS, "yaml") if "sequences:" in block)
    preset = parse(Preset, load_yaml(block.encode(), name="page.yaml"), name="page.yaml")
    assert preset.sequences is not None
    told = case["conversation"]
    told["messages"] = [told["messages"][0], {"side": "char", "by": "Bo", "text": "Only me."}]
    vocabulary = Vocabulary(bos=None, controls=frozenset({"</s>"}))
    segments = SequencesAdapter(preset.sequences).render(conversation_of(told), vocabulary)
    (example,) = re.findall(r"^```\n(<\|system.*?)^```$", FORMATS, re.MULTILINE | re.DOTALL)
    assert "".join(text for _, text in joined(segments)) == f"{example}<|assistant|>\n"
