from __future__ import annotations

from pathlib import Path

from rpchat.fetch.events import Checking, Fetched, Fetching, Looking, Pace, Waiting, told


def test_each_event_is_one_line() -> None:
    pace = Pace()
    assert told(Looking("somebody/Some\x1b[31m"), pace) == "asking for somebody/Some[31m"
    assert told(Checking("a.gguf", 5, 10), pace) == "a.gguf · checking what is there · 50%"
    assert told(Waiting("the connection broke", 2), pace) == "the connection broke · trying again in 2 s"
    assert told(Fetched(Path("/m/a.gguf")), pace) == "a.gguf is there"
    assert told(Fetched(Path("/m/a.gguf"), already=True), pace) == "a.gguf is there already"
    assert told(Fetching("a.gguf", 0, 4_500_000_000), pace) == "a.gguf · 0.0 of 4.5 GB"


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    for second in range(31):
        pace.note(second * 1_000_000 if second <= 20 else 20_000_000 + (second - 20) * 10_000_000, now=float(second))
    assert round(pace.bytes_per_second / 1e6) == 10
    line = told(Fetching("a.gguf", 120_000_000, 720_000_000), pace)
    assert line == "a.gguf · 0.12 of 0.72 GB · 10.0 MB/s · 1 min left"


def test_a_pace_begins_anew_when_less_is_there_than_before() -> None:
    pace = Pace()
    pace.note(5_000_000, now=0.0)
    pace.note(9_000_000, now=1.0)
    assert pace.bytes_per_second > 0
    pace.note(0, now=2.0)
    assert pace.bytes_per_second == 0
