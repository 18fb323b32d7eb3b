"""Writes turns until it is killed; each is told on stdout once it is on the disk. Run by test_crash."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

from rpchat.store.scenes import SceneStore
from tests.store.scenery import begin, reply, say


def main() -> None:
    store = SceneStore.open(Path(sys.argv[1]))
    latest = store.latest_of(["sakura"])
    scene = begin(store) if latest is None else store.load(latest)
    for number in count():
        scene, turn = say(store, scene, f"said {number}")
        print(turn.id, turn.text, flush=True)
        scene, turn = reply(store, scene, "", finish="open")
        for length in range(1, 4):
            turn = replace(turn, text=f"reply {number} " + "と" * length)
            scene = store.update_turn(scene, turn)
            print(turn.id, turn.text, flush=True)
        scene = store.update_turn(scene, replace(turn, finish="eos"))


if __name__ == "__main__":
    main()
