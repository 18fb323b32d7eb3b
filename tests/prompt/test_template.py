"""The model's own template, rendered in the real sandbox: exact prompts, refusals, and messages that stay text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from rpchat.engine.sandbox import Sandbox
from rpchat.engine.scripted import ScriptedEngine
from rpchat.errors import PromptError
from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats.template import Template
from rpchat.prompt.segment import Segment, Vocabulary, joined
from rpchat.session.prompter import render, vocabulary_of

TURNS = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] | trim }}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
ALTERNATING = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "{% if message['role'] == 'user' %}[INST] {{ message['content'] }} [/INST]"
    "{% else %} {{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
DEAF = (
    "{% for message in messages %}{% if message.role != 'system' %}"
    "<|{{ message.role }}|>{{ message.content }}{% endif %}{% endfor %}<|assistant|>"
)
VOCABULARY = Vocabulary(
    bos="<s>", controls=frozenset({"<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|im_end|>"})
)


class TemplateEngine(ScriptedEngine):
    """A scripted engine that renders a template of the test's in the real sandbox process."""

    def __init__(self, template: str, sandbox: Sandbox) -> None:
        super().__init__()
        self._template = template
        self._sandbox = sandbox

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        return await self._sandbox.render(self._template, messages, bos="<s>", eos="</s>")


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    one = Sandbox(log=tmp_path / "engine.log")
    yield one
    await one.close()


def conversation(*lines: tuple[str, str], names: bool = False, prefill: str = "") -> Conversation:
    """A conversation of Mira (and Tock) with Robin; each line is who said what."""
    return Conversation(
        user=Character(name="Robin"),
        chars=(Character(name="Mira"), *((Character(name="Tock"),) if names else ())),
        lines=tuple(Line(side="user" if by == "Robin" else "char", by=by, text=text) for by, text in lines),
        speaker="Mira",
        system="SETUP",
        names=names,
        prefill=prefill,
    )


async def rendered(
    sandbox: Sandbox, template: str, told: Conversation, vocabulary: Vocabulary = VOCABULARY
) -> list[tuple[str, str]]:
    segments: tuple[Segment, ...] = await render(TemplateEngine(template, sandbox), Template(), told, vocabulary)
    return [(kind, text) for kind, text in joined(segments)]


async def test_roles_and_controls(sandbox: Sandbox) -> None:
    told = conversation(("Mira", "Good evening."), ("Robin", " Hello. \n"), ("Robin", "Late?"))
    assert await rendered(sandbox, TURNS, told) == [
        ("c", "<s>"),
        ("c", "<|system|>"), ("t", "\nSETUP"), ("c", "</s>"), ("t", "\n"),
        ("c", "<|assistant|>"), ("t", "\nGood evening."), ("c", "</s>"), ("t", "\n"),
        ("c", "<|user|>"), ("t", "\n Hello.\nLate?"), ("c", "</s>"), ("t", "\n"),
        ("c", "<|assistant|>"), ("t", "\n"),
    ]  # fmt: skip


async def test_names_and_the_beginning_of_the_reply(sandbox: Sandbox) -> None:
    told = conversation(("Robin", "Hello."), ("Tock", "A guest!"), names=True, prefill="Mira: Well")
    pairs = await rendered(sandbox, TURNS, told)
    assert ("t", "\nRobin: Hello.") in pairs
    assert ("t", "\nTock: A guest!") in pairs
    assert pairs[-1] == ("t", "\nMira: Well")


async def test_a_draft_is_a_message_of_the_users_that_stays_open(sandbox: Sandbox) -> None:
    told = replace(conversation(("Robin", "Hello."), ("Mira", "Aye.")), speaker="Robin")
    reply = await rendered(sandbox, TURNS, replace(told, speaker="Mira"))
    draft = await rendered(sandbox, TURNS, told)
    assert draft[-4:] == [("c", "</s>"), ("t", "\n"), ("c", "<|user|>"), ("t", "\n")]
    assert draft[:-2] == reply[:-2]
    assert (await rendered(sandbox, TURNS, replace(told, prefill="</s>Well")))[-1] == ("t", "\n</s>Well")
    assert (await rendered(sandbox, TURNS, replace(told, names=True)))[-1] == ("t", "\nRobin:")


async def test_a_draft_behind_the_users_own_line_stands_in_the_same_message(sandbox: Sandbox) -> None:
    told = replace(conversation(("Mira", "Aye."), ("Robin", "Hello.")), speaker="Robin")
    assert (await rendered(sandbox, TURNS, told))[-1] == ("t", "\nHello.\n")
    assert (await rendered(sandbox, ALTERNATING, told))[-1] == ("t", "[INST] Hello.\n")


async def test_no_space_waits_for_a_draft(sandbox: Sandbox) -> None:
    told = replace(conversation(("Robin", "Hello."), ("Mira", "Aye.")), speaker="Robin")
    assert (await rendered(sandbox, ALTERNATING, told))[-1] == ("t", "[INST]")


async def test_a_template_that_tells_the_last_message_first_drafts_nothing(sandbox: Sandbox) -> None:
    backwards = "{% for m in messages | reverse %}{{ m.content }}{% endfor %}"
    told = replace(conversation(("Robin", "Hello."), ("Mira", "Aye.")), speaker="Robin")
    with pytest.raises(PromptError, match="does not end with the last message"):
        await rendered(sandbox, backwards, told)


async def test_a_vocabulary_without_these_controls_gets_text(sandbox: Sandbox) -> None:
    pairs = await rendered(sandbox, TURNS, conversation(("Robin", "Hello.")), Vocabulary(bos=None))
    assert pairs == [("t", "<|system|>\nSETUP</s>\n<|user|>\nHello.</s>\n<|assistant|>\n")]


async def test_the_models_own_ends_count_though_no_template_names_them(sandbox: Sandbox) -> None:
    model = replace(ScriptedEngine().model, bos="<bos>", eos="<eos>", controls=frozenset())  # type: ignore[type-var]
    assert vocabulary_of(model).controls == {"<bos>", "<eos>"}
    assert vocabulary_of(replace(model, bos=None, eos="")).controls == frozenset()


async def test_a_template_that_refuses_a_system_message(sandbox: Sandbox) -> None:
    pairs = await rendered(
        sandbox, ALTERNATING, conversation(("Robin", "Hello."), ("Mira", "Aye."), ("Robin", "Late?"))
    )
    assert pairs == [
        ("c", "<s>"), ("t", "[INST] SETUP\nHello. [/INST] Aye."), ("c", "</s>"), ("t", "[INST] Late? [/INST]"),
    ]  # fmt: skip


async def test_a_template_that_refuses_a_greeting_first(sandbox: Sandbox) -> None:
    pairs = await rendered(sandbox, ALTERNATING, conversation(("Mira", "Evening."), ("Robin", "Hello.")))
    assert pairs == [
        ("c", "<s>"), ("t", "[INST] SETUP [/INST] Evening."), ("c", "</s>"), ("t", "[INST] Hello. [/INST]"),
    ]  # fmt: skip


async def test_a_template_that_leaves_the_system_message_out(sandbox: Sandbox) -> None:
    pairs = await rendered(sandbox, DEAF, conversation(("Robin", "Hello.")))
    assert pairs == [("c", "<s>"), ("c", "<|user|>"), ("t", "SETUP\nHello."), ("c", "<|assistant|>")]


BAD = {
    "only the last message": ("{{ messages[-1]['content'] }}", "does not show every message"),
    "every message twice": ("{% for m in messages * 2 %}{{ m.content }}{% endfor %}", "does not show every message"),
    "no message": ("Hello!", "does not show every message"),
    "a refusal of everything": ("{{ raise_exception('Never.') }}", "Never"),
    "not a template": ("{% for %}", "cannot be used"),
    "out of the sandbox": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "cannot be used"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_template_that_cannot_be_used(sandbox: Sandbox, name: str) -> None:
    template, reason = BAD[name]
    told = conversation(("Robin", "Hello."), ("Mira", "Aye."), ("Robin", "Late?"))
    with pytest.raises(PromptError, match=reason):
        await rendered(sandbox, template, told)
    assert len(await rendered(sandbox, TURNS, told)) > 3


HOSTILE = [
    "<|im_end|>", "</s>", "<s>", "{{7*7}}", "{% raise %}", "{{ raise_exception('x') }}", "{#", "\ue0000\ue001",
    "\ue0001\ue001", "\ue000", "\ue001", "<|system|>", "[INST]", "' }}", "\\n", "あ",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_people_say_stays_text(sandbox: Sandbox, text: str) -> None:
    told = conversation(("Mira", text), ("Robin", f"a{text}b"))
    pairs = await rendered(sandbox, TURNS, replace(told, system=f"x{text}"))
    plain = await rendered(sandbox, TURNS, replace(conversation(("Mira", "A"), ("Robin", "B")), system="C"))
    assert [(kind, kind == "c" and part) for kind, part in pairs] == [
        (kind, kind == "c" and part) for kind, part in plain
    ]
    assert [part for kind, part in pairs if kind == "t" and part.strip()] == [f"\nx{text}", f"\n{text}", f"\na{text}b"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*HOSTILE, "\n", " ", "x"]), max_size=5).map("".join), min_size=1, max_size=5))
def test_what_comes_back_is_put_where_it_was(texts: list[str]) -> None:
    adapter = Template()
    told = conversation(*(("Robin" if number % 2 else "Mira", text) for number, text in enumerate(texts)))
    messages, said = adapter.messages(told)
    page = "".join(f"<|{message['role']}|>{message['content']}" for message in messages)
    segments = adapter.fill(page, said, told, VOCABULARY)
    assert [one.text for one in segments if one.origin in ("setup", "history")] == [one.content for one in said]
    assert {one.text for one in segments if one.kind == "c"} <= {"<s>", "<|system|>", "<|user|>", "<|assistant|>"}
    assert not any(
        text in message["content"] for message in messages for text in texts if "\ue000" not in text and len(text) > 1
    )
