from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic", "ruamel", "jinja2", "psutil", "textual", "llama_cpp")


def test_opening_a_home_imports_nothing_heavy() -> None:
    code = f"""
import sys, tempfile
from pathlib import Path
from rpchat.store.config import load_config
from rpchat.store.folders import Folders, shipped
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread
from rpchat.story.card import Card
with tempfile.TemporaryDirectory() as name:
    folders = Folders(Path(name))
    folders.create()
    with HomeLock(folders.lock_file) as lock:
        lock.acquire()
        load_config(folders.config_file)
        Shelf(Card, folders.cards, shipped("cards")).entries()
        store = SceneStore.open(folders.database)
        store.recent(limit=5)
        store.close()
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("\n", "")
