"""An import that is killed: what is there is whole, what is not is taken in the next time, nothing is there twice."""

from __future__ import annotations

from tests.cli.helpers import Terminal, until
from tests.exchange.corpus_kinds import ANSWER, HEADER, LINE, lines
from tests.exchange.makers import png, text_chunk, v2_card
from tests.library.helpers import Home

COUNT = 60


async def test_a_killed_import_leaves_whole_cards(terminal: Terminal) -> None:
    files = terminal.folder / "in"
    files.mkdir()
    for number in range(COUNT):
        card = png(text_chunk("chara", v2_card(name=f"Card {number}", zzz="x" * 20_000)))
        (files / f"{number}.png").write_bytes(card)
        (files / f"{number}.jsonl").write_bytes(lines(HEADER, {**LINE, "name": f"Card {number}"}, ANSWER))
    running = terminal.start("import", str(files))
    until(lambda: len(list((terminal.home / "cards").glob("card-*.yaml"))) >= COUNT // 4)
    running.kill()
    running.communicate()
    home = Home.made(terminal.home.parent)
    there = [card for card in await home.library.entries() if card.id.startswith("card-")]
    assert COUNT // 4 <= len(there) < COUNT
    for card in there:
        assert card.error is None
        assert card.avatar is not None
        assert (await home.library.card(card.id)).extensions
    home.close()
    again = terminal.run("import", str(files))
    assert (again.code, again.err) == (0, "")
    assert again.out.count("there already") >= len(there)
    home = Home.made(terminal.home.parent)
    names = [card.name for card in await home.library.entries() if card.id.startswith("card-")]
    assert sorted(names) == sorted(f"Card {number}" for number in range(COUNT))
    assert len(home.scenes.recent(limit=1000)) == COUNT
    assert {path.name for path in home.folders.library.iterdir()} == {f"card-{n}" for n in range(COUNT)} | {
        "index.json"
    }
    home.close()
