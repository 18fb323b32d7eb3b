"""What the KV cache holds, put into a file and taken back from it: a cache of a cache.

Whatever is wrong with a file, or does not fit, is no error: the prompt is read again. A state is only ever taken back
into what it was made with: the same model file, library, context and adapters.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import llama_cpp

from rpchat.engine.worker.cache import Cache
from rpchat.engine.worker.decode import CancelledError, Decoder
from rpchat.engine.worker.held import Held, common
from rpchat.engine.worker.limits import has_room_for
from rpchat.engine.worker.model import Order
from rpchat.engine.worker.state_file import Head, file_bytes, open_state, read_heads, read_payload, write_states


def state_key(order: Order) -> bytes | None:
    """Return what a state must agree with; None if a file of the order is not there, which loading it will tell.

    To be called before the files are loaded: one that is changed later is not what was loaded.
    """
    settings = order.settings
    try:
        model = _file(order.path)
        lora = [(_file(Path(one.path).expanduser()), one.scale) for one in settings.lora]
    except OSError:
        return None
    parts = {
        "library": llama_cpp.__version__,
        "model": model,
        "lora": lora,
        "context": (settings.cells, settings.type_k, settings.type_v, settings.swa_full),
        "attention": settings.flash_attn,
        # What was shifted was read with what is gone: where nothing is to be shifted, it is of no use.
        "shift": settings.shift,
    }
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def save_state(decoder: Decoder, path: Path, *, key: bytes, limit: int, most: int) -> bool:
    """Put the sequence that was read or written last into the file at `path`, and those of other prompts, the latest
    ones, as long as they are at most `most` together; return whether it is there now.

    Not if there is none, it takes more than `limit` bytes or than there is memory, or the file cannot be written.
    Raises CancelledError; then `path` is as it was.
    """
    cache = decoder.cache
    if not cache.ids or not cache.turned:
        return False
    held = cache.everything
    kept = list[int]()
    for index in worth_keeping(held, active=cache.active, most=most):
        limit -= file_bytes(len(held[index].ids), cache.state_bytes(index))
        if limit < 0:
            break
        kept.append(index)
    if not kept:
        return False
    # The latest comes last: what is taken back last is the latest again.
    states = (_state_of(decoder, index, held[index], key=key) for index in reversed(kept))
    try:
        write_states(path, states, check=lambda: _check(decoder))
    except OSError as error:
        print(f"the state of the KV cache cannot be kept: {error}", file=sys.stderr, flush=True)
        return False
    return True


def worth_keeping(held: Sequence[Held], *, active: int, most: int) -> list[int]:
    """Return at most `most` sequences, the active one first and then the latest: each of a prompt of its own, which
    shares less than half with the others."""
    kept = [active]
    for sequence in sorted(range(len(held)), key=lambda index: -held[index].used):
        ids = held[sequence].ids
        if len(kept) < most and ids and all(2 * common(ids, held[other].ids) < len(ids) for other in kept):
            kept.append(sequence)
    return kept


def restore_state(decoder: Decoder, path: Path, *, key: bytes) -> int:
    """Take the states at `path` into sequences; return how many tokens the latest holds then, 0 if it is of no use.

    What the cache holds already is not loaded again. Raises CancelledError.
    """
    count = 0
    try:
        with closing(open_state(path)) as file:
            for head in read_heads(file, most_tokens=decoder.n_ctx):
                fits = head.key == key and _is_possible(decoder, head)
                count = len(head.ids) if fits and _restored(decoder, file, head) else 0
    except OSError as error:
        print(f"the state of the KV cache cannot be read: {error}", file=sys.stderr, flush=True)
        return 0
    return count


def _state_of(decoder: Decoder, index: int, one: Held, *, key: bytes) -> tuple[Head, bytearray]:
    """Return the state of one of all the cache has. Raises OSError, CancelledError."""
    _check(decoder)
    payload = decoder.cache.state(index)
    if payload is None:
        raise OSError("there is no memory for it")
    head = Head(key=key, ids=tuple(one.ids), asked=min(one.asked, len(one.ids)), payload_bytes=len(payload))
    return head, payload


def _restored(decoder: Decoder, file: BinaryIO, head: Head) -> bool:
    if decoder.cache.goes_on_from(head.ids):
        return True
    has_room = has_room_for(head.payload_bytes)
    payload = read_payload(file, head, check=lambda: _check(decoder)) if has_room else None
    if payload is None:
        return False
    if _taken_in(decoder, head, payload):
        return True
    # Beside other sequences there may be no room: a sliding window has fewer cells than the whole.
    decoder.cache.clear()
    return _taken_in(decoder, head, payload)


def _taken_in(decoder: Decoder, head: Head, payload: bytearray) -> bool:
    cache: Cache = decoder.cache
    sequence = cache.vacate(len(head.ids))
    return cache.take_in(sequence, head.ids, payload, asked=head.asked)


def _is_possible(decoder: Decoder, head: Head) -> bool:
    """Whether a head speaks of something, and in this vocabulary."""
    size = decoder.vocabulary.size
    return bool(head.ids) and all(0 <= token < size for token in head.ids)


def _check(decoder: Decoder) -> None:
    if decoder.flag.raised:
        raise CancelledError


def _file(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns
