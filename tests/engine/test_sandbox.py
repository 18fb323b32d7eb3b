"""Chat templates from strangers: rendered as the model's authors meant, or refused in time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.engine.sandbox import Sandbox
from rpchat.errors import PromptError

pytestmark = pytest.mark.asyncio(loop_scope="session")

MESSAGES = ({"role": "user", "content": "おはよう <b>"},)


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    made = Sandbox(log=tmp_path / "log")
    yield made
    await made.close()


async def render(sandbox: Sandbox, template: str) -> str:
    return await sandbox.render(template, MESSAGES, bos="<s>", eos="</s>")


async def test_the_models_own_template(engine: ChildEngine) -> None:
    text = await engine.render_template(({"role": "system", "content": "Be kind."}, *MESSAGES))
    assert text == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nおはよう <b><|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", "<s>おはよう <b></s>"),
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "おはよう <b>"}'),
        ("{% for m in messages %}\n  {% if m %}\n{{ m.role }}\n  {% endif %}\n{% endfor %}", "user\n"),
        ("{% for n in range(9) %}{% if n == 3 %}{% break %}{% endif %}{{ n }}{% endfor %}", "012"),
        ("{% if add_generation_prompt %}go{% endif %}", "go"),
        ("{{ strftime_now('%Y') | length }}", "4"),
        ("{%- set ns = namespace(n=1) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}", "2"),
    ],
)
async def test_what_templates_use(sandbox: Sandbox, template: str, text: str) -> None:
    assert await render(sandbox, template) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages.__class__.__mro__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ messages.append(1) }}",
        "{{ (messages | attr('__class__')).__mro__ }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for n in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{% for n in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
        "{% if %}",
        "{{ undefined.field.field }}",
        "{% include 'passwd' %}",
    ],
)
async def test_refused_in_time_and_the_next_one_works(sandbox: Sandbox, template: str) -> None:
    assert await render(sandbox, "warm") == "warm"
    begun = time.monotonic()
    with pytest.raises(PromptError, match="chat template") as caught:
        await render(sandbox, template)
    assert time.monotonic() - begun < 5
    assert "\n" not in str(caught.value)
    assert await render(sandbox, "fine") == "fine"
