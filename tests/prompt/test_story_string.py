from __future__ import annotations

import pytest

from rpchat.errors import PromptError
from rpchat.prompt.assemble import assemble
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.segment import Vocabulary
from rpchat.prompt.story_string import fill_story
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene

WORDS = {"char": "Mira", "user": "Robin", "scenario": "", "lore": "{{user}} {{/if}}"}


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ("Nothing in it", "Nothing in it"),
        ("{{char}} and {{ user }}", "Mira and Robin"),
        ("{{#if char}}{{char}}!{{/if}}", "Mira!"),
        ("{{#if scenario}}{{scenario}}\n{{/if}}end", "end"),
        ("{{#if scenario}}a{{else}}b{{/if}}", "b"),
        ("{{#if char}}{{#if scenario}}x{{else}}y{{/if}}z{{else}}w{{/if}}", "yz"),
        ("{{#if scenario}}{{#if char}}x{{/if}}{{/if}}.", "."),
        ("  {{char}}\n\n{{trim}}", "Mira"),
        ("{{lore}}", "{{user}} {{/if}}"),
    ],
)
def test_filled(frame: str, text: str) -> None:
    assert fill_story(frame, WORDS) == text


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("{{chra}}", "Did you mean `char`?"),
        ("{{#if char}}x", "without its `{{/if}}`"),
        ("x{{/if}}", "without its `{{#if}}`"),
        ("{{#if char}}x{{else}}y{{else}}z{{/if}}", "without its `{{/if}}`"),
    ],
)
def test_refused(frame: str, message: str) -> None:
    with pytest.raises(PromptError) as caught:
        fill_story(frame, WORDS)
    assert message in str(caught.value)


def test_a_preset_replaces_the_setup_by_its_own() -> None:
    card = Card(name="Mira", sheet={"Age": "41"}, description="{{char}} steers.", scenario="Fog.")
    scene = Scene(id=1, title="x", cast=(Member("mira", card),), persona=Persona(name="Robin"))
    preset = Preset(name="p", adapter="chatml", story="[{{char}}: {{description}}]{{#if scenario}} {{scenario}}{{/if}}")
    prompt = assemble(scene, preset, adapter_of(preset), Vocabulary(bos=None), (), speaker="Mira")
    assert prompt.text.startswith("<|im_start|>system\n[Mira: Age: 41\nMira steers.] Fog.<|im_end|>\n")
