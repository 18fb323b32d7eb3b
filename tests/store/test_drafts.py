from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.errors import StoreError
from rpchat.store.drafts import Drafts


def test_a_draft_is_kept_found_and_dropped(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "drafts")
    assert drafts.find("cards-桜") is None
    drafts.keep("cards-桜", {"texts": {"name": "桜"}})
    drafts.keep("cards-桜", {"texts": {"name": "楓"}})
    assert Drafts(tmp_path / "drafts").find("cards-桜") == {"texts": {"name": "楓"}}
    drafts.drop("cards-桜")
    drafts.drop("cards-桜")
    assert drafts.find("cards-桜") is None


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 5_000])
def test_a_damaged_draft_is_none_and_stays(tmp_path: Path, data: bytes) -> None:
    drafts = Drafts(tmp_path)
    (tmp_path / "cards-x.json").write_bytes(data)
    assert drafts.find("cards-x") is None
    assert (tmp_path / "cards-x.json").read_bytes() == data


def test_a_second_rpchat_writes_no_drafts(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "drafts", read_only=True)
    drafts.keep("cards-x", {})
    drafts.drop("cards-x")
    assert not (tmp_path / "drafts").exists()


def test_where_no_folder_can_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "drafts").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError):
        Drafts(tmp_path / "drafts").keep("cards-x", {})
