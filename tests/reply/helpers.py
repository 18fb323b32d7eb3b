"""A reply read in pieces, with everything the screen would have seen on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpchat.prompt.segment import Stops
from rpchat.reply.manners import Manners
from rpchat.reply.reader import End, Reply, ReplyReader

STOPS = Stops(any=("悠人「", "<|im_end|>"), line=("悠人:", "悠人：", "Steve:", "### Input"))
USER, SPEAKER, OTHER = "悠人", "桜", "Steve"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it: the reply, the screen after each piece, and whether the reader had had enough by then."""

    reply: Reply
    shown: list[str]
    done: list[bool]


def reader_of(*, prefill: str = "", manners: Manners | None = None) -> ReplyReader:
    """Return a reader with this folder's stops."""
    return ReplyReader(
        stops=STOPS, user=USER, speaker=SPEAKER, others=(OTHER,), prefill=prefill, manners=manners or Manners()
    )


def read(pieces: Sequence[bytes], end: End = "eos", *, prefill: str = "", manners: Manners | None = None) -> Run:
    """Read all pieces, also those behind an end."""
    reader = reader_of(prefill=prefill, manners=manners)
    shown, done = [reader.text], [reader.done]
    for piece in pieces:
        told = reader.feed(piece)
        assert reader.text == shown[-1] + told
        shown.append(reader.text)
        done.append(reader.done)
    return Run(reader.finish(end), shown, done)


def said(text: str, end: End = "eos", *, prefill: str = "", manners: Manners | None = None) -> Reply:
    """Return the reply that comes of `text`, the same byte for byte as in one piece."""
    data = text.encode()
    whole = read([data], end, prefill=prefill, manners=manners).reply
    assert read(bytewise(data), end, prefill=prefill, manners=manners).reply == whole
    return whole


def bytewise(data: bytes) -> list[bytes]:
    """Return the single bytes."""
    return [data[at : at + 1] for at in range(len(data))]


def cut_at(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return `data` cut at these indices, as far as they are in it."""
    edges = [0, *sorted({min(place, len(data)) for place in places}), len(data)]
    return [data[edges[at] : edges[at + 1]] for at in range(len(edges) - 1)]
