"""`--engine URL` and the config's `server`, as their users run them."""

from __future__ import annotations

import asyncio
import json
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


async def test_the_list_of_models_has_the_server_in_front(vllm: StrictServer, terminal: Terminal) -> None:
    result = await run(terminal, "models", "--engine", vllm.url)
    assert result.code == 0, result.err
    place, row, *_ = result.out.splitlines()
    assert place == f"on 127.0.0.1:{vllm.port}:"
    assert row.startswith("▸ little  1,024 tokens  vLLM")
    assert row.endswith("· chatml")
    assert result.out.count("▸") == 1
    (terminal.home / "config.yaml").write_text(f"server: {{url: '{vllm.url}'}}\n")
    first, *_ = json.loads((await run(terminal, "models", "--json")).out)
    assert (first["name"], first["context"], first["played"], first["error"]) == ("little", 4096, True, "")
    vllm.key = "sk-other"
    refused = await run(terminal, "models")
    assert refused.code == 0
    assert "▸ ✗ the server wants a key" in refused.out


async def test_a_server_is_measured(server: StrictServer, terminal: Terminal) -> None:
    server.context = 1 << 16  # it counts characters
    result = await run(terminal, "bench", "--actions", "1", "--engine", server.url, "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert (told["model"], told["context"]) == (f"little on 127.0.0.1:{server.port}", 2048)
    assert [row["count"] for row in told["actions"]] == [1, 1, 1]
    assert {body["model"] for body in server.completions} == {"little"}


def test_who_plays_on_this_machine_loads_no_network() -> None:
    program = "import sys, rpchat.cli.build, rpchat.store.config; print('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"
