from __future__ import annotations

import dataclasses

import pytest

from rpchat.errors import FileError
from rpchat.store.config import Config
from rpchat.store.parsing import parse
from rpchat.store.reading import load_yaml
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset


def card(text: str) -> Card:
    return parse(Card, load_yaml(text.encode(), name="sakura.yaml"), name="sakura.yaml")


def test_a_card_as_people_write_it() -> None:
    read = card(
        "name: 桜\nversion: 1.10\nnickname:\ntalkativeness: 1\n"
        "sheet:\n  年齢: 024\n  空:\n  好み: [茶, 7, true]\nextensions: {x: {n: 1.50}}\n"
    )
    assert read == Card(
        name="桜",
        version="1.10",
        talkativeness=1.0,
        sheet={"年齢": "024", "空": "", "好み": ("茶", "7", "true")},
        extensions={"x": {"n": 1.5}},
    )
    assert list(read.sheet) == ["年齢", "空", "好み"]
    assert type(read.extensions["x"]["n"]) is float  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "sakura.yaml is empty"),
        ("- a", "sakura.yaml must consist of lines `field: value`, not of a list"),
        ("桜", "sakura.yaml must consist of lines `field: value`, not of `桜`"),
        ("tags: []", "sakura.yaml: `name` is missing"),
        ("name:", "sakura.yaml: `name` is empty"),
        ("name: a\npersnality: x", "sakura.yaml: unknown field `persnality`. Did you mean `personality`?"),
        ("persnality: x", "sakura.yaml: unknown field `persnality`. Did you mean `personality`?"),
        ("name: [a]", "sakura.yaml: `name` must be a text, not a list"),
        ("name: {a: b}", "sakura.yaml: `name` must be a text, not `name: value` lines"),
        ("name: a\ntags: maid", "sakura.yaml: `tags` must be a list (`- …` lines), not `maid`"),
        ("name: a\ntags: [a, [b]]", "sakura.yaml: `tags.2` must be a text, not a list"),
        ("name: a\nsheet: x", "sakura.yaml: `sheet` must consist of lines `name: value`, not of `x`"),
        ("name: a\nsheet: {b: {c: d}}", "sakura.yaml: `sheet.b` must be a text, not `name: value` lines"),
        ("name: a\ntalkativeness: 3", "sakura.yaml: `talkativeness` must be at most 1, not `3`"),
        ("name: a\ntalkativeness: often", "sakura.yaml: `talkativeness` must be a number, not `often`"),
    ],
)
def test_what_does_not_fit_is_one_sentence(text: str, line: str) -> None:
    with pytest.raises(FileError) as caught:
        card(text)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"sampling": {"temprature": 1}}, "unknown field `sampling.temprature`. Did you mean `temperature`?"),
        ({"sampling": {"order": ["top_k", "magic"]}}, "`sampling.order.2` must be 'penalties', 'dry'"),
        ({"sampling": {"seed": -1}}, "`sampling.seed` must be at least 0, not `-1`"),
        ({"sampling": {"repeat_penalty": 0}}, "`sampling.repeat_penalty` must be more than 0, not `0`"),
        ({"max_tokens": 1.5}, "`max_tokens` must be a whole number, not `1.5`"),
        ({"names": "sometimes"}, "`names` must be true or false, not `sometimes`"),
    ],
)
def test_presets_name_the_field_inside(data: dict[str, object], line: str) -> None:
    with pytest.raises(FileError) as caught:
        parse(Preset, {"name": "p", "adapter": "chatml", **data}, name="p.yaml")
    assert str(caught.value).startswith(f"p.yaml: {line}")


def test_a_preset_keeps_numbers_numbers_and_texts_texts() -> None:
    data = load_yaml(b"name: 2\nadapter: chatml\nsampling: {seed: 7, logit_bias: {5: -.inf}}\n", name="p")
    preset = parse(Preset, data, name="p")
    assert preset.name == "2"
    assert type(preset.sampling.seed) is int
    assert preset.sampling.logit_bias == {"5": float("-inf")}


@pytest.mark.parametrize("kind", [Card, Persona, Preset, Config])
def test_every_kind_survives_as_plain_data(kind: type) -> None:
    names = {field.name for field in dataclasses.fields(kind)}
    value = kind(**{name: "x" for name in ("name", "adapter") if name in names})
    assert parse(kind, dataclasses.asdict(value), name="x") == value
