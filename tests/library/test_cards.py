"""Cards in the library: taken in, listed, saved, deleted, brought back, written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.errors import FileError, StoreError
from rpchat.exchange.card_reading import read_card
from rpchat.exchange.yaml_cards import write_own
from rpchat.library import Importing
from rpchat.story.card import Card
from tests.exchange.makers import PICTURE, V1_CARD, as_json, charx, png, text_chunk, v2_card, v3_card
from tests.library.helpers import Home

BOOK = {"entries": [{"keys": ["sea"], "content": "The sea is cold.", "zzz": 7}], "name": "Sea"}


async def ids(home: Home) -> list[str]:
    return [card.id for card in await home.library.entries() if not card.shipped]


async def test_a_card_is_taken_in_with_all_that_belongs_to_it(home: Home) -> None:
    data = png(text_chunk("ccv3", v3_card(character_book=BOOK, extensions={"world": "Sea"}, tags=["storm"])))
    (taken,) = await home.taken(home.file("mio.png", data))
    assert (taken.name, taken.kind, taken.id, taken.where) == ("Mio", "card", "mio", "cards/mio.yaml")
    card = await home.library.card("mio")
    assert card == read_card(data, name="x").card
    written = (home.folders.cards / "mio.yaml").read_text(encoding="utf-8")
    assert "lighthouse" in written
    assert "Sea" not in written
    assert home.content()["library/mio/original.png"] == data
    (entry,) = await home.library.entries(search="mio storm")
    assert entry.avatar is not None
    assert entry.avatar.read_bytes() == PICTURE
    assert (entry.name, entry.tags, entry.added) == ("Mio", ("storm",), 1000.0)


async def test_the_steps_count_the_files_of_a_folder(home: Home) -> None:
    home.file("in/b.json", as_json(V1_CARD))
    home.file("in/a/a.json", b"{}")
    home.file("in/.hidden.json", b"{}")
    home.file("in/notes.pdf", b"%PDF")
    steps = await home.steps(home.desk / "in", home.desk / "in" / "b.json", home.desk / "gone.png")
    counted = [(step.done, step.total, step.name) for step in steps if isinstance(step, Importing)]
    assert counted == [(0, 3, "b.json"), (1, 3, "a.json"), (2, 3, "gone.png")]
    assert len(steps) == 6


async def test_cards_of_one_name_stand_beside_each_other(home: Home) -> None:
    one, other = as_json(v2_card(description="one")), as_json(v2_card(description="other"))
    await home.taken(home.file("one.json", one), home.file("other.json", other))
    assert await ids(home) == ["mio", "mio-2"]
    assert (await home.library.card("mio")).description == "one"
    assert (await home.library.card("mio-2")).description == "other"


async def test_a_card_named_like_a_shipped_one_leaves_that_alone(home: Home) -> None:
    await home.taken(home.file("x.json", as_json(v2_card(name="Mira"))))
    assert "mira-2" in await ids(home)
    assert [card.shipped for card in await home.library.entries() if card.id == "mira"] == [True]


@pytest.mark.parametrize("lost_index", [False, True])
async def test_the_same_file_is_not_taken_in_twice(home: Home, lost_index: bool) -> None:
    data = png(text_chunk("chara", v2_card()))
    await home.taken(home.file("a.png", data))
    if lost_index:
        home.folders.library_index.unlink()
        home = Home.made(home.desk.parent)
    before = home.content()
    (again,) = await home.taken(home.file("b.png", data))
    assert (again.id, again.known) == ("mio", True)
    after = home.content()
    assert after.pop("library/index.json")
    before.pop("library/index.json", None)
    assert after == before
    await home.library.trash("mio")
    (anew,) = await home.taken(home.desk / "b.png")
    assert (anew.id, anew.known) == ("mio", False)


async def test_a_file_of_ours_keeps_its_comments(home: Home) -> None:
    data = b"# by hand\nname: Ann   # she\nextensions: {mine: 1}\n"
    await home.taken(home.file("ann.yaml", data))
    assert home.content()["cards/ann.yaml"] == data
    card = await home.library.card("ann")
    assert card.extensions == {"mine": 1}
    await home.library.save_card("ann", Card(name="Ann", summary="new", extensions={"mine": 2, "more": 3}))
    written = home.content()["cards/ann.yaml"].decode()
    assert written.startswith("# by hand\nname: Ann   # she\n")
    assert "more" not in written
    assert (await home.library.card("ann")).extensions == {"mine": 2, "more": 3}


async def test_saving_keeps_what_other_programs_put_in(home: Home) -> None:
    await home.taken(home.file("a.json", as_json(v2_card(character_book=BOOK, zzz=1))))
    card = await home.library.card("mio")
    assert await home.library.save_card("mio", card) == "mio"
    assert await home.library.card("mio") == card
    without = Card(name="Mio", extensions={})
    await home.library.save_card("mio", without)
    assert await home.library.card("mio") == without


async def test_a_new_card_and_a_shipped_one_that_is_changed(home: Home) -> None:
    assert await home.library.save_card("", Card(name="Mira", description="another")) == "mira-2"
    mira = await home.library.card("mira")
    assert await home.library.save_card("mira", mira) == "mira"
    assert {card.id: card.shipped for card in await home.library.entries()}["mira"] is False
    await home.library.trash("mira")
    assert {card.id: card.shipped for card in await home.library.entries()}["mira"] is True


async def test_the_trash_gives_everything_back(home: Home) -> None:
    await home.taken(home.file("a.png", png(text_chunk("chara", v2_card(character_book=BOOK)))))
    await home.library.set_favourite("mio", True)
    await home.library.set_tags("mio", ["sea", "sea", " cold\n"])
    before, card = home.content(), await home.library.card("mio")
    entry = await home.library.trash("mio")
    assert (entry.kind, entry.id, entry.name) == ("card", "mio", "Mio")
    assert await home.library.trashed() == [entry]
    assert await ids(home) == []
    with pytest.raises(FileError, match="no card named mio"):
        await home.library.card("mio")
    assert await home.library.restore(entry) == "mio"
    assert await home.library.trashed() == []
    assert await home.library.card("mio") == card
    assert home.content().keys() == before.keys()
    listed = next(iter(await home.library.entries(order="favourites")))
    assert (listed.id, listed.favourite, listed.own_tags) == ("mio", True, ("sea", "cold"))
    with pytest.raises(StoreError):
        await home.library.restore(entry)


async def test_what_comes_back_takes_nobodys_place(home: Home) -> None:
    await home.taken(home.file("a.json", as_json(v2_card(description="first"))))
    entry = await home.library.trash("mio")
    await home.taken(home.file("b.json", as_json(v2_card(description="second"))))
    assert await home.library.restore(entry) == "mio-2"
    assert (await home.library.card("mio-2")).description == "first"
    assert (await home.library.card("mio")).description == "second"


async def test_what_came_with_the_program_is_not_deleted(home: Home) -> None:
    with pytest.raises(FileError, match="came with the program"):
        await home.library.trash("mira")
    with pytest.raises(FileError, match="no card named nobody"):
        await home.library.trash("nobody")
    with pytest.raises(FileError, match="no card named nobody"):
        await home.library.set_favourite("nobody", True)


async def test_cards_are_searched_filtered_and_sorted(home: Home) -> None:
    for name, tags in (("Bea", ["Sea"]), ("Ａnn", ["land"]), ("Cay", [])):
        await home.taken(home.file(f"{name}.json", as_json(v2_card(name=name, tags=tags))))
    await home.library.set_tags("cay", ["SEA"])
    await home.library.set_favourite("cay", True)
    own = {"bea", "ann", "cay"}

    async def order(**how: str) -> list[str]:
        return [card.id for card in await home.library.entries(**how) if card.id in own]  # type: ignore[arg-type]

    assert await order() == ["ann", "bea", "cay"]
    assert await order(order="added") == ["cay", "ann", "bea"]
    assert await order(order="favourites") == ["cay", "ann", "bea"]
    assert await order(tag="sea") == ["bea", "cay"]
    assert await order(search="ann LAND") == ["ann"]
    assert await order(search="ann sea") == []


async def test_a_broken_file_is_listed_with_its_line(home: Home) -> None:
    (home.folders.cards / "odd.yaml").write_text("name: [", encoding="utf-8")
    (entry,) = [card for card in await home.library.entries() if card.id == "odd"]
    assert entry.error is not None
    assert "odd.yaml" in str(entry.error)
    await home.library.trash("odd")
    assert await ids(home) == []


async def test_marks_that_cannot_be_read_are_laid_aside(home: Home) -> None:
    await home.taken(home.file("a.json", as_json(V1_CARD)))
    home.folders.library_index.write_text("{broken", encoding="utf-8")
    again = Home.made(home.desk.parent)
    await again.library.set_favourite("mio", True)
    assert (home.folders.library / "index.broken.json").read_text(encoding="utf-8") == "{broken"
    assert next(card.id for card in await again.library.entries(order="favourites")) == "mio"


async def test_where_another_program_writes_nothing_is_changed(home: Home) -> None:
    path = home.file("a.json", as_json(V1_CARD))
    reader = Home.made(home.desk.parent, read_only=True)
    before = home.content()
    for change in (
        lambda: reader.library.save_card("", Card(name="A")),
        lambda: reader.library.set_favourite("mira", True),
        lambda: reader.library.trash("mira"),
        lambda: reader.steps(path),
    ):
        with pytest.raises(StoreError, match="another rpchat"):
            await change()
    assert home.content() == before
    reader.close()


@pytest.mark.parametrize("name", ["out.png", "out.charx", "out.json", "out.yaml"])
async def test_a_card_goes_out_and_comes_back_the_same(home: Home, name: str) -> None:
    data = charx(
        v3_card(
            character_book=BOOK,
            zzz=1,
            assets=[{"type": "icon", "uri": "embeded://a.png", "name": "main", "ext": "png"}],
        ),
        {"a.png": PICTURE, "b.bin": b"b"},
    )
    await home.taken(home.file("a.charx", data))
    to = home.desk / name
    report = await home.library.export("mio", to)
    back = read_card(to.read_bytes(), name=name)
    assert back.card == await home.library.card("mio")
    assert bool(back.avatar) == (name in ("out.png", "out.charx"))
    if name == "out.charx":
        assert back.assets == {"a.png": PICTURE, "b.bin": b"b"}
    assert any("left out" in line for line in report) == (name in ("out.json", "out.yaml"))
    with pytest.raises(FileError, match="there already"):
        await home.library.export("mio", to)
    await home.library.export("mio", to, target="json-v2", overwrite=True)
    assert b"chara_card_v2" in to.read_bytes()


async def test_what_cannot_be_written_is_said(home: Home) -> None:
    with pytest.raises(FileError, match="what kind of file"):
        await home.library.export("mira", home.desk / "out")
    with pytest.raises(FileError, match="folder"):
        await home.library.export("mira", home.desk, target="png")
    with pytest.raises(StoreError, match="does not exist"):
        await home.library.export("mira", home.desk / "no" / "out.png")
    with pytest.raises(FileError, match="no card named"):
        await home.library.export("nobody", home.desk / "out.png")
    assert list(home.desk.iterdir()) == []


async def test_what_an_interruption_left_is_not_seen_and_does_no_harm(home: Home) -> None:
    (home.folders.library / ".begun-x").mkdir(parents=True)
    (home.folders.library / ".begun-x" / "original.png").write_bytes(b"half")
    (home.folders.library / "mio").mkdir()
    (home.folders.library / "mio" / "original.json").write_bytes(b"whole")
    assert await ids(home) == []
    (taken,) = await home.taken(home.file("a.json", as_json(V1_CARD)))
    assert taken.id == "mio"
    assert not (home.folders.library / ".begun-x").exists()
    aside = [path.read_bytes() for path in home.folders.trash.rglob("original.json")]
    assert aside == [b"whole"]
    assert await home.library.trashed() == []


async def test_personas(home: Home, tmp_path: Path) -> None:
    from rpchat.story.persona import Persona

    robin = Persona(name="Robin Field", description="a baker")
    assert await home.library.save_persona("", robin) == "robin-field"
    assert await home.library.persona("robin-field") == robin
    changed = Persona(name="Robin Field", description="a miller")
    assert await home.library.save_persona("robin-field", changed) == "robin-field"
    assert "robin-field" in [one.id for one in await home.library.personas()]
    entry = await home.library.trash_persona("robin-field")
    assert "robin-field" not in [one.id for one in await home.library.personas()]
    assert await home.library.restore(entry) == "robin-field"
    assert await home.library.persona("robin-field") == changed
    shipped_one = next(one.id for one in await home.library.personas() if one.shipped)
    with pytest.raises(FileError, match="came with the program"):
        await home.library.trash_persona(shipped_one)
    with pytest.raises(FileError, match="is not there"):
        await home.library.trash_persona("nobody")


OWN = {
    "personas": b"# mine\nname: Ada\nsheet:\n  Age: '20'   # or so\n",
    "scenes": b"# mine\nname: Evening\ncast: [mira, tock]\n",
    "presets": b"# mine\nname: quiet\nadapter: chatml\n",
}


@pytest.mark.parametrize("shelf", OWN)
async def test_a_file_of_ours_stays_as_it_was_written(home: Home, shelf: str) -> None:
    (taken,) = await home.taken(home.file("own.yaml", OWN[shelf]))
    assert taken.where == f"{shelf}/{taken.id}.yaml"
    assert home.content()[taken.where] == OWN[shelf]
    (again,) = await home.taken(home.file("again.yaml", OWN[shelf]))
    assert (again.id, again.known) == (taken.id, True)
    assert len([path for path in home.content() if path.startswith(f"{shelf}/")]) == 1


async def test_a_persona_of_another_name_is_another(home: Home) -> None:
    await home.taken(home.file("own.yaml", OWN["personas"]))
    (taken,) = await home.taken(home.file("other.yaml", OWN["personas"].replace(b"Ada", b"Eve")))
    assert (taken.id, taken.known) == ("eve", False)


async def test_a_card_with_the_fields_of_a_persona_comes_back_as_a_card(home: Home) -> None:
    card = Card(name="Ada", language="en", sheet={"Age": "20"})
    data = write_own(card, name="ada.yaml")
    (taken,) = await home.taken(home.file("ada.yaml", data))
    assert taken.kind == "card"
    assert await home.library.card(taken.id) == card
