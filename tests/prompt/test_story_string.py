from __future__ import annotations

import pytest

from rpchat.errors import PromptError
from rpchat.prompt.story_string import fill_story

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
