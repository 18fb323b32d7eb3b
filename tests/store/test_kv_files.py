"""The folder of what models have read: private, never above its quota, and never in anybody's way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rpchat.store.kv_files import KvFiles

KILO = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "kv"


def put(files: KvFiles, scene_id: int, *, size: int, used: int) -> Path:
    path = files.place(scene_id)
    assert path is not None
    path.write_bytes(bytes(size))
    os.utime(path, (used, used))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_scene_has_one_file_in_a_private_folder(folder: Path) -> None:
    files = KvFiles(folder, quota=10 * KILO)
    assert files.find(7) is None
    assert not folder.exists()
    path = put(files, 7, size=10, used=1)
    assert (files.find(7), files.place(7), files.find(8)) == (path, path, None)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files.remove(7)
    files.remove(7)
    assert files.find(7) is None


def test_what_was_not_used_for_longest_goes_first(folder: Path) -> None:
    files = KvFiles(folder, quota=10 * KILO)
    for scene_id in (1, 2, 3, 4):
        put(files, scene_id, size=3 * KILO, used=scene_id)
    assert files.find(1) is not None
    files.trim()
    assert names(folder) == {"scene-1.kv", "scene-3.kv", "scene-4.kv"}
    put(files, 5, size=4 * KILO, used=2_000_000_000_000 // KILO)
    files.trim()
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10 * KILO
    assert "scene-3.kv" not in names(folder)


def test_a_smaller_quota_counts_from_the_next_time(folder: Path) -> None:
    for scene_id in (1, 2, 3):
        put(KvFiles(folder, quota=10 * KILO), scene_id, size=3 * KILO, used=scene_id)
    KvFiles(folder, quota=4 * KILO).trim()
    assert names(folder) == {"scene-3.kv"}


def test_a_quota_of_nothing_keeps_nothing(folder: Path) -> None:
    put(KvFiles(folder, quota=10 * KILO), 1, size=10, used=1)
    files = KvFiles(folder, quota=0)
    assert (files.find(1), files.place(1)) == (None, None)
    files.trim()
    assert names(folder) == set()


def test_what_was_never_finished_goes_and_what_is_not_ours_stays(folder: Path) -> None:
    files = KvFiles(folder, quota=100)
    put(files, 1, size=50, used=1)
    (folder / "scene-2.kv.part").write_bytes(bytes(40))
    (folder / "notes.txt").write_text("mine")
    files.trim()
    assert names(folder) == {"scene-1.kv", "notes.txt"}


def test_a_folder_in_its_place_goes_if_it_is_empty(folder: Path) -> None:
    files = KvFiles(folder, quota=100)
    path = files.place(1)
    assert path is not None
    path.mkdir()
    (path / "mine").touch()
    files.remove(1)
    assert (path / "mine").exists()
    (path / "mine").unlink()
    files.remove(1)
    assert files.find(1) is None


def test_of_a_link_only_the_link_goes(folder: Path, tmp_path: Path) -> None:
    files = KvFiles(folder, quota=100)
    path, other = files.place(1), tmp_path / "other"
    assert path is not None
    other.mkdir()
    path.symlink_to(other)
    assert files.find(1) == path
    files.remove(1)
    assert (path.is_symlink(), other.is_dir()) == (False, True)


def test_where_no_folder_can_be_there_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    files = KvFiles(tmp_path / "cache" / "kv", quota=100)
    assert (files.place(1), files.find(1)) == (None, None)
    files.trim()
    files.remove(1)
    assert (tmp_path / "cache").read_text() == "a file"
