"""The process that renders chat templates: a sandboxed Jinja with little memory. It loads no model library.

Limits: the sandbox keeps a template from the interpreter's insides, the address space and the processor time are
limited by the system where it can, and the parent kills the process after its time limit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Never

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rpchat.engine.wire import Fields
from rpchat.engine.worker.pipes import Pipes
from rpchat.story.text import one_line

_MEMORY = 256 * 1024 * 1024
_SECONDS = 2
_LONGEST = 4_000_000


def main() -> None:
    """Render what comes in until the pipe closes."""
    pipes = Pipes()
    _limit_memory()
    pipes.send("ready")
    while message := pipes.receive():
        _limit_time()
        try:
            text = render(message[1])
        except MemoryError:
            pipes.send("failed", message="it takes too much memory")
        except RecursionError:
            pipes.send("failed", message="it calls itself without end")
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            pipes.send("failed", message=one_line(str(error) or type(error).__name__, 200))
        else:
            pipes.send("text", text=text)


def render(content: Fields) -> str:
    """Return the prompt a template makes of messages. Raises what a template can raise, ValueError if it is long."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _now
    parts: list[str] = []
    length = 0
    for part in environment.from_string(content["template"]).generate(
        messages=content["messages"],
        add_generation_prompt=True,
        bos_token=content["bos"],
        eos_token=content["eos"],
    ):
        parts.append(part)
        length += len(part)
        if length > _LONGEST:
            raise ValueError(f"it writes more than {_LONGEST} characters")
    return "".join(parts)


def _refuse(message: str) -> Never:
    """What templates call to say that they cannot take these messages."""
    raise TemplateError(message)


def _now(form: str) -> str:
    """Return the local date and time in `strftime`'s form, as templates ask for it."""
    return datetime.now().astimezone().strftime(form)


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: Sequence[str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Return JSON without escapes for HTML, which Jinja's own filter makes and no model was trained on."""
    pair = (separators[0], separators[1]) if separators else None
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=pair, sort_keys=sort_keys)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _limit_time() -> None:
    """End this process if the next template computes for long and the parent is not there to do it."""
    if sys.platform != "win32":
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(usage.ru_utime + usage.ru_stime) + 1 + _SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
