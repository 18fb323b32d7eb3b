from __future__ import annotations

from typing import get_args

from rpchat.reply.doctor import CAUSES, attempt
from rpchat.reply.reader import Cause


def test_every_cause_has_words() -> None:
    known = {word for part in get_args(Cause) for word in (get_args(part) or (part,))}
    assert set(CAUSES) == known - {"cancelled", "empty"}


def test_each_try_changes_one_thing_more() -> None:
    tries = [attempt(number) for number in (1, 2, 3, 4)]
    assert [(plan.forbid_end > 0, plan.primed) for plan in tries] == [
        (False, False),
        (False, False),
        (True, False),
        (True, True),
    ]
    assert not any(plan.thoughts_closed for plan in tries)
    changes = [plan.change for plan in tries]
    assert changes[0] == ""
    assert len(set(changes)) == 4


def test_a_model_that_only_thinks_is_made_to_speak() -> None:
    assert attempt(2, causes=["reasoning"]).thoughts_closed
    later = [attempt(number, causes=["eos", "reasoning", "eos", "stop"][: number - 1]) for number in (1, 2, 3, 4)]
    assert [plan.thoughts_closed for plan in later] == [False, False, True, True]
    assert [plan.change for plan in later] == [
        "",
        "another seed",
        "no thoughts this time",
        "the speaker's opening written first",
    ]
    assert (later[2].forbid_end, later[3].primed) == (8, True)


def test_thinking_twice_changes_something_twice() -> None:
    changes = [attempt(number, causes=["reasoning"] * (number - 1)).change for number in (1, 2, 3, 4)]
    assert len(set(changes)) == 4
