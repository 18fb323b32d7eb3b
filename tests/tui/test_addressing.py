from __future__ import annotations

import pytest

from rpchat.errors import RpchatError
from rpchat.story.card import Card
from rpchat.story.scene import Member
from rpchat.tui.addressing import addressed, completed, member_called, named_line

BRAM, CHEN = Member("bram", Card(name="Bram Voss")), Member("chen", Card(name="Chen"))
HANA, OUKA = Member("hana", Card(name="花")), Member("ouka", Card(name="花子"))
CAST = (BRAM, CHEN, HANA, OUKA)


@pytest.mark.parametrize(
    ("text", "member", "said"),
    [
        ("@Chen and who wound it?", CHEN, "and who wound it?"),
        ("@chen: and who?", CHEN, "and who?"),
        ("@Bram Voss, sit", BRAM, "sit"),
        ("@Voss", BRAM, ""),
        ("@花おはよう", HANA, "おはよう"),
        ("@花子おはよう", OUKA, "おはよう"),
        ("@花、おはよう", HANA, "おはよう"),
        ("@ＣＨＥＮ　そう", CHEN, "そう"),
        ("@Chenさん", CHEN, "さん"),
    ],
)
def test_an_address_names_the_longest_name(text: str, member: Member, said: str) -> None:
    address = addressed(text, CAST)
    assert address is not None
    assert (address.member, address.text) == (member, said)


@pytest.mark.parametrize("text", ["Chen, hello", "@@Chen hello", "", "hello @Chen"])
def test_what_is_no_address(text: str) -> None:
    assert addressed(text, CAST) is None


@pytest.mark.parametrize("text", ["@Chens hello", "@Chenille", "@", "@ hello"])
def test_an_address_of_nobody_is_refused(text: str) -> None:
    with pytest.raises(RpchatError, match="nobody here is called"):
        addressed(text, CAST)


def test_a_name_that_is_nearly_one_is_named_right() -> None:
    with pytest.raises(RpchatError, match="the nearest is Chen"):
        addressed("@Chne hello", CAST)


@pytest.mark.parametrize(("name", "member"), [("Chen", CHEN), ("@chen", CHEN), ("3", HANA), ("voss", BRAM)])
def test_a_member_is_called_by_name_or_number(name: str, member: Member) -> None:
    assert member_called(name, CAST) is member


@pytest.mark.parametrize("name", ["0", "5", "Mira", ""])
def test_nobody_is_called_by_another(name: str) -> None:
    with pytest.raises(RpchatError, match="nobody here is called"):
        member_called(name, CAST)


@pytest.mark.parametrize("line", ["Bram Voss It stopped.", 'name="Bram Voss" It stopped.', "@Bram It stopped."])
def test_a_line_for_a_member_follows_the_name(line: str) -> None:
    found = named_line(line, CAST)
    assert (found.member, found.text) == (BRAM, "It stopped.")


def test_a_line_for_a_member_is_not_empty() -> None:
    with pytest.raises(RpchatError, match="nothing for Chen to say"):
        named_line("Chen", CAST)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("@", "@Bram Voss "), ("@c", "@Chen "), ("@Bram Voss ", "@Chen "), ("@花子 ", "@Bram Voss "), ("@花", "@花 "),
        ("@x", None), ("@Chen hello", None), ("c", None),
    ],
)  # fmt: skip
def test_a_name_is_completed_and_then_the_next(text: str, there: str | None) -> None:
    assert completed(text, CAST) == there
