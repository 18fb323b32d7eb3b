"""`--engine URL` and the config's `server`, as their users run them."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from tests.cli.helpers import CONFIG, Result, Terminal
from tests.engine.remote.strict import Fault, StrictServer

KEY = {"RPCHAT_API_KEY": "sk-quiet"}


async def run(terminal: Terminal, *arguments: str, **environment: str) -> Result:
    return await asyncio.to_thread(terminal.run, *arguments, environment=environment)


async def test_a_reply_comes_from_the_server(server: StrictServer, terminal: Terminal) -> None:
    server.key = KEY["RPCHAT_API_KEY"]
    result = await run(terminal, "say", "Hi.", "--card", "ann", "--engine", server.url, **KEY)
    assert (result.code, result.out) == (0, "The rain has stopped.\n")
    assert "takes only text" in result.err
    kept = [path.read_bytes() for path in terminal.home.rglob("*") if path.is_file()]
    assert not any(b"sk-quiet" in data for data in (*kept, result.out.encode(), result.err.encode()))


async def test_the_config_names_the_server(server: StrictServer, terminal: Terminal) -> None:
    server.models = ("large", "little")
    settings = f"server: {{url: '{server.url}', model: little, key_variable: MY_KEY}}\n"
    (terminal.home / "config.yaml").write_text(CONFIG + settings)
    assert (await run(terminal, "say", "Hi.", "--card", "ann", MY_KEY="sk-mine")).code == 0
    assert server.completions[-1]["model"] == "little"
    assert server.asked[-1].headers["authorization"] == "Bearer sk-mine"


async def test_trouble_is_one_line(server: StrictServer, terminal: Terminal) -> None:
    server.key = "sk-other"
    result = await run(terminal, "say", "Hi.", "--card", "ann", "--engine", server.url, **KEY)
    assert result.code == 1
    assert "refuses the key (401)" in result.complaint
    assert "sk-quiet" not in result.complaint
    wrong = await run(terminal, "say", "Hi.", "--card", "ann", "--engine", "ftp://host")
    assert "no address of a server" in wrong.complaint


async def test_what_was_written_is_kept_when_the_server_goes(server: StrictServer, terminal: Terminal) -> None:
    server.faults.append(Fault(kind="cut", after=3))
    result = await run(terminal, "say", "Hi.", "--card", "ann", "--engine", server.url)
    assert (result.code, result.out) == (1, "The rain has")
    assert "went away in mid-answer" in result.err
    assert "Traceback" not in result.err


async def test_the_doctor_knows_the_server(vllm: StrictServer, terminal: Terminal) -> None:
    result = await run(terminal, "doctor", "--engine", vllm.url)
    assert result.code == 0
    for told in (f"on 127.0.0.1:{vllm.port}", "vLLM", "little", "1,024 tokens", "chatml"):
        assert told in result.out
    vllm.key = "sk-other"
    refused = await run(terminal, "doctor", "--engine", vllm.url)
    assert refused.code == 1
    assert "wants a key" in refused.out


def test_who_plays_on_this_machine_loads_no_network() -> None:
    program = "import sys, rpchat.cli.build, rpchat.store.config; print('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"
