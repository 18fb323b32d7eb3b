from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.errors import FileError, StoreError
from rpchat.store.files import write_atomically
from rpchat.store.shelf import Shelf
from rpchat.store.slugs import slug, unique
from rpchat.store.yaml_writer import edited, fresh
from rpchat.story.card import Card
from rpchat.story.text import clean, fold

SAKURA = """\
# 桜, who serves at the manor
name: 桜   # her name
version: 1.10
sheet:
    年齢: 024
    # what she likes
    好み:
        - 茶
        - 花   # any

# how she speaks
first_message: |
    「おはよう」
    (微笑む)

# the last ones
tags: [maid, "x"]
nickname:
"""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(clean)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf[Card]:
    for folder in ("user", "shipped"):
        (tmp_path / folder).mkdir()
    (tmp_path / "shipped" / "sakura.yaml").write_text("# shipped\nname: 桜\n", "utf-8")
    (tmp_path / "shipped" / "iris.yaml").write_text("name: Iris\n")
    return Shelf(Card, tmp_path / "user", tmp_path / "shipped")


class TestFinding:
    @pytest.mark.parametrize("name", ["sakura", "sakura.yaml", "Sakura", "ｓａｋｕｒａ"])
    def test_by_name(self, shelf: Shelf[Card], name: str) -> None:
        assert shelf.find(name) == ("sakura", Card(name="桜"))

    def test_the_users_own_comes_first(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        (tmp_path / "user" / "sakura.yml").write_text("name: mine")
        assert shelf.find("sakura")[1].name == "mine"
        assert [(entry.id, entry.shipped) for entry in shelf.entries()] == [("iris", True), ("sakura", False)]

    def test_by_path(self, shelf: Shelf[Card], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "elsewhere.yaml").write_text("name: far")
        assert shelf.find(str(tmp_path / "elsewhere.yaml")) == ("elsewhere", Card(name="far"))
        monkeypatch.chdir(tmp_path)
        assert shelf.find("elsewhere.yaml")[1].name == "far"
        with pytest.raises(FileError, match=r"nowhere\.yaml does not exist"):
            shelf.find("./nowhere.yaml")

    def test_the_nearest_names_are_told(self, shelf: Shelf[Card]) -> None:
        with pytest.raises(FileError, match=r"no card named sakra\. Did you mean sakura\?"):
            shelf.find("sakra")
        with pytest.raises(FileError, match=r"no card named zzz\. There are iris, sakura"):
            shelf.find("zzz")

    def test_a_broken_file_is_listed_with_its_error(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        (tmp_path / "user" / "broken.yaml").write_text("name: [")
        loaded = {entry.id: entry.load() for entry in shelf.entries()}
        assert loaded["broken"].value is None
        assert "broken.yaml" in str(loaded["broken"].error)
        assert loaded["iris"].value == Card(name="Iris")
        assert loaded["iris"].error is None

    def test_listing_opens_nothing(self, shelf: Shelf[Card], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_open(*_: object, **__: object) -> None:
            raise AssertionError

        monkeypatch.setattr(Path, "open", no_open)
        assert [entry.id for entry in shelf.entries()] == ["iris", "sakura"]

    def test_folders_that_are_not_there_are_empty(self, tmp_path: Path) -> None:
        assert Shelf(Card, tmp_path / "a", tmp_path / "b").entries() == []


class TestSaving:
    def test_nothing_is_written_when_nothing_changed(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        path = tmp_path / "user" / "sakura.yaml"
        path.write_text(SAKURA, "utf-8")
        shelf.save("sakura", shelf.find("sakura")[1])
        assert path.read_text("utf-8") == SAKURA

    def test_the_order_of_a_sheet_is_a_change(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        path = tmp_path / "user" / "sakura.yaml"
        path.write_text("name: a\nsheet:\n  x: 1  # one\n  y: 2  # two\n")
        card = shelf.find("sakura")[1]
        shelf.save("sakura", replace(card, sheet={"y": "2", "x": "1"}))
        assert path.read_text() == "name: a\nsheet:\n  y: 2  # two\n  x: 1  # one\n"

    def test_only_what_changed_is_touched(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        path = tmp_path / "user" / "sakura.yaml"
        path.write_text(SAKURA, "utf-8")
        card = shelf.find("sakura")[1]
        changed = replace(card, first_message="おやすみ\nまた明日\n", tags=("maid", "x", "y"), personality="quiet")
        assert shelf.save("sakura", changed) == path
        assert shelf.find("sakura")[1] == changed
        before, after = SAKURA.splitlines(), path.read_text("utf-8").splitlines()
        kept = [
            line.replace(" ", "") for line in before if "「" not in line and "微笑" not in line and "tags:" not in line
        ]
        assert [line.replace(" ", "") for line in after if line.replace(" ", "") in kept] == kept

    def test_a_shipped_card_is_copied_with_its_comments(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        path = shelf.save("sakura", Card(name="桜", summary="mine"))
        assert path == tmp_path / "user" / "sakura.yaml"
        assert path.read_text("utf-8") == "# shipped\nname: 桜\nsummary: mine\n"
        assert (tmp_path / "shipped" / "sakura.yaml").read_text("utf-8") == "# shipped\nname: 桜\n"

    def test_a_new_card_never_overwrites(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        paths = [shelf.save("", Card(name=name)) for name in ("Café", "CAFÉ", unicodedata.normalize("NFD", "café"))]
        assert [path.name for path in paths] == ["café.yaml", "café-2.yaml", "café-3.yaml"]
        assert shelf.save("", Card(name="../../CON")).parent == tmp_path / "user"

    def test_a_broken_file_is_not_overwritten(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        path = tmp_path / "user" / "sakura.yaml"
        path.write_text("name: 桜\nunknown: kept\n", "utf-8")
        with pytest.raises(FileError):
            shelf.save("sakura", Card(name="x"))
        assert path.read_text("utf-8") == "name: 桜\nunknown: kept\n"

    def test_an_alias_is_kept_or_refused(self, shelf: Shelf[Card], tmp_path: Path) -> None:
        path = tmp_path / "user" / "a.yaml"
        path.write_text("name: &n a\nsummary: *n\ntags: &t [x]\nalternate_greetings: *t\n")
        before = path.read_text()
        card = shelf.find("a")[1]
        changed = replace(card, tags=("x", "y"))
        try:
            shelf.save("a", changed)
        except FileError:
            assert path.read_text() == before
        else:
            assert shelf.find("a")[1] == changed

    def test_a_folder_that_cannot_be_written_is_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"^a\.yaml cannot be written: "):
            write_atomically(tmp_path / "none" / "a.yaml", b"x")

    def test_writing_leaves_no_second_file_and_follows_links(self, tmp_path: Path) -> None:
        (tmp_path / "real.yaml").write_text("old")
        (tmp_path / "real.yaml").chmod(0o600)
        (tmp_path / "link.yaml").symlink_to("real.yaml")
        write_atomically(tmp_path / "link.yaml", b"new")
        assert (tmp_path / "link.yaml").is_symlink()
        assert (tmp_path / "real.yaml").read_text() == "new"
        assert (tmp_path / "real.yaml").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]

    @given(st.dictionaries(TEXTS.filter(bool), TEXTS | st.lists(TEXTS, max_size=3), max_size=4), TEXTS)
    def test_any_sheet_survives(self, sheet: dict[str, object], text: str) -> None:
        from rpchat.store.parsing import parse
        from rpchat.store.reading import load_yaml

        values = {"name": "a", "description": text, **({"sheet": sheet} if sheet else {})}
        data = fresh(values, name="x")
        assert load_yaml(data, name="x") == values
        card = parse(Card, load_yaml(data, name="x"), name="x")
        assert card.description == text
        assert list(card.sheet) == list(sheet)

    @given(TEXTS, TEXTS)
    def test_any_text_can_take_the_place_of_another(self, old: str, new: str) -> None:
        before = {"name": "a", "description": old, "tags": ["x"]}
        after = {"name": "a", "description": new, "tags": ["x"]}
        from rpchat.store.reading import load_yaml

        changed = edited(fresh(before, name="x") + b"# last\n", after, name="x")
        assert load_yaml(changed, name="x") == after
        assert b"# last" in changed


class TestSlugs:
    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            ("Sakura Miyamoto", "sakura-miyamoto"),
            ("桜", "桜"),
            ("../../etc/passwd", "etc-passwd"),
            ("CON", "con-card"),
            ("com1", "com1-card"),
            ("...", "unnamed"),
            ("", "unnamed"),
            ("a\0b\nc", "a-b-c"),
            ("ガラス", "ガラス"),
        ],
    )
    def test_slug(self, name: str, wanted: str) -> None:
        assert slug(name) == wanted

    @given(st.text(st.characters(exclude_categories=()), max_size=300))
    def test_a_slug_is_a_safe_name_and_its_own_slug(self, name: str) -> None:
        made = slug(name)
        assert made
        assert made == slug(made)
        assert len(made.encode()) <= 130
        assert not set(made) & set('/\\:*?"<>|. \0\n')

    @given(st.lists(st.sampled_from(["a", "A", "é", "e\u0301", "É", "a-2"]), max_size=8))
    def test_unique_names_differ_on_every_file_system(self, names: list[str]) -> None:
        taken: set[str] = set()
        for name in names:
            taken.add(unique(name, taken))
        assert len({fold(name) for name in taken}) == len(names)
