from __future__ import annotations

import asyncio
import shutil
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace

import pytest

from rpchat.errors import ModelError
from rpchat.fetch.download import fetch
from rpchat.fetch.events import Checking, Fetched, Fetching
from rpchat.fetch.wanted import Wanted
from rpchat.store.lock import HomeLock
from tests.fetch.helpers import AT_ONCE, OTHER, REPOSITORY, WHOLE, WISH, fetched, kept, reasons, visible
from tests.fetch.hub_server import HubServer, Repository, serving


async def test_a_model_arrives_whole_under_its_own_name(hub: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    events = await fetched(folder)
    assert visible(folder) == {"Tiny-Q4_K_M.gguf": WHOLE}
    assert kept(folder) == []
    assert events[-1] == Fetched(folder / "Tiny-Q4_K_M.gguf")
    steps = [event.done for event in events if isinstance(event, Fetching)]
    assert steps == sorted(steps)
    assert steps[-1] == len(WHOLE)
    assert hub.starts() == [0]


async def test_what_is_there_already_is_checked_and_not_fetched_again(hub: HubServer, tmp_path: Path) -> None:
    await fetched(tmp_path)
    events = await fetched(tmp_path)
    assert events[-1] == Fetched(tmp_path / "Tiny-Q4_K_M.gguf", already=True)
    assert hub.starts() == [0]


async def test_another_file_of_that_name_is_left_alone(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "Tiny-Q4_K_M.gguf").write_bytes(b"mine" + WHOLE[4:])
    with pytest.raises(ModelError, match="another file"):
        await fetched(tmp_path)
    assert visible(tmp_path)["Tiny-Q4_K_M.gguf"].startswith(b"mine")
    assert hub.starts() == []


async def test_a_connection_that_breaks_is_made_again_behind_what_arrived(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.cuts = [1_200_000, 600_000]
    events = await fetched(tmp_path)
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}
    assert len(reasons(events)) == 2
    first, second, third = hub.starts()
    assert first == 0
    assert 600_000 < second <= 1_200_000
    assert second < third <= 1_800_000


async def test_a_hub_that_goes_away_leaves_what_arrived_for_the_next_call(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.cuts = [2_000_000]
    with pytest.raises(ModelError, match="the same command goes on"):
        await fetched(tmp_path, rests=())
    (size,) = kept(tmp_path)
    assert size >= 1_000_000
    assert visible(tmp_path) == {}
    events = await fetched(tmp_path)
    assert hub.starts()[-1] == size
    assert any(isinstance(event, Checking) for event in events)
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}


async def test_stopping_keeps_what_arrived_and_gives_the_folder_back(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.hold_at = 2_000_000
    async with aclosing(fetch(WISH, tmp_path, rests=AT_ONCE)) as events:
        async for event in events:
            if isinstance(event, Fetching) and event.done > 1_000_000:
                break
    (size,) = kept(tmp_path)
    assert size > 1_000_000
    hub.faults.hold_at = -1
    await fetched(tmp_path)
    assert hub.starts() == [0, size]
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}


async def test_cancelled_while_nothing_comes_it_ends_at_once(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.hold_at = 1_500_000

    arrived = asyncio.Event()

    async def wait_for_all() -> None:
        async with aclosing(fetch(WISH, tmp_path)) as events:
            async for event in events:
                if isinstance(event, Fetching) and event.done > 500_000:
                    arrived.set()

    task = asyncio.create_task(wait_for_all())
    async with asyncio.timeout(20):
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert kept(tmp_path)[0] >= 500_000


async def test_a_hub_without_ranges_begins_anew(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.cuts = [1_500_000]
    hub.faults.no_ranges = True
    await fetched(tmp_path)
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}


async def test_what_is_left_of_another_content_is_not_gone_on_with(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.cuts = [2_000_000]
    with pytest.raises(ModelError):
        await fetched(tmp_path, rests=())
    newer = WHOLE[::-1]
    hub.repositories[REPOSITORY] = Repository({"Tiny-Q4_K_M.gguf": newer})
    await fetched(tmp_path)
    assert hub.starts()[-1] == 0
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": newer}


async def test_a_wrong_checksum_is_thrown_away(hub: HubServer, tmp_path: Path) -> None:
    hub.repositories[REPOSITORY].sums = {"Tiny-Q4_K_M.gguf": "0" * 64}
    with pytest.raises(ModelError, match="checksum"):
        await fetched(tmp_path)
    assert visible(tmp_path) == {}
    assert kept(tmp_path) == []


async def test_all_parts_of_a_split_model_arrive(hub: HubServer, tmp_path: Path) -> None:
    names = [f"sub/Big-Q8_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    hub.repositories["somebody/Big-GGUF"] = Repository(dict(zip(names, (WHOLE, OTHER, WHOLE), strict=True)))
    events = await fetched(tmp_path, Wanted(repository="somebody/Big-GGUF", quantisation="Q8_0"))
    arrived = {name.removeprefix("sub/"): data for name, data in zip(names, (WHOLE, OTHER, WHOLE), strict=True)}
    assert visible(tmp_path) == arrived
    assert events[-1] == Fetched(tmp_path / "Big-Q8_0-00001-of-00003.gguf")
    last = [event for event in events if isinstance(event, Fetching)][-1]
    assert last.done == last.total == 2 * len(WHOLE) + len(OTHER)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_hub_in_trouble_is_asked_again(hub: HubServer, tmp_path: Path, status: int) -> None:
    hub.faults.statuses = [status, status]
    hub.faults.retry_after = "0"
    events = await fetched(tmp_path)
    assert len(reasons(events)) == 2
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}


async def test_a_hub_that_stays_in_trouble_is_one_line(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.statuses = [500] * 9
    with pytest.raises(ModelError, match=r"in trouble \(status 500\)"):
        await fetched(tmp_path)


async def test_no_hub_at_all_is_one_line(hub: HubServer, tmp_path: Path) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ModelError, match="cannot be reached"):
        await fetched(tmp_path)


async def test_something_that_is_no_hub_is_one_line(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.garbage = True
    with pytest.raises(ModelError, match="is no hub"):
        await fetched(tmp_path)


async def test_offline_is_one_line(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        await fetched(tmp_path)
    assert hub.seen == []


async def test_a_repository_that_is_not_there(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no somebody/Nothing"):
        await fetched(tmp_path, Wanted(repository="somebody/Nothing"))
    assert len(hub.seen) == 1


async def test_a_file_that_was_taken_away_meanwhile(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.statuses = [404]
    with pytest.raises(ModelError, match="no longer has that file"):
        await fetched(tmp_path)


@pytest.mark.parametrize(("closed", "line"), [("private", "closed to you"), ("gated", "agreed to its terms")])
async def test_a_closed_repository_opens_with_a_token_that_is_never_told(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str, line: str
) -> None:
    hub.repositories[REPOSITORY].private = closed == "private"
    hub.repositories[REPOSITORY].gated = closed == "gated"
    hub.repositories[REPOSITORY].token = "hf_right"
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ModelError, match=line) as refusal:
        await fetched(tmp_path)
    assert "hf_wrong" not in str(refusal.value)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    await fetched(tmp_path)
    assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}


async def test_a_token_goes_to_the_hub_and_not_where_it_sends_to(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving(hub.repositories) as storage:
        hub.storage = storage
        storage.faults.cuts = [1_500_000]
        await fetched(tmp_path)
        assert visible(tmp_path) == {"Tiny-Q4_K_M.gguf": WHOLE}
        assert {seen.token for seen in hub.seen} == {"hf_secret"}
        assert {seen.token for seen in storage.seen} == {""}
        assert storage.starts()[-1] > 0


async def test_too_little_space_is_told_before_anything_comes(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50_000_000))
    with pytest.raises(ModelError, match=r"has 0.1 GB free, and 0.1 GB more are needed"):
        await fetched(tmp_path)
    assert hub.starts() == []


async def test_two_at_once_into_one_folder_do_not_mix(hub: HubServer, tmp_path: Path) -> None:
    with HomeLock(tmp_path / ".rpchat-fetch.lock") as lock:
        assert lock.acquire()
        with pytest.raises(ModelError, match="another rpchat is fetching"):
            await fetched(tmp_path)
    assert hub.seen == []


async def test_a_folder_that_cannot_be(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError, match="cannot be made"):
        await fetched(tmp_path / "models")
    assert hub.seen == []
