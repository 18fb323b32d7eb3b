"""What a sequence of the KV cache holds, put into a file and taken back from it: a cache of a cache.

Whatever is wrong with a file, or does not fit, is no error: the prompt is read again. A state is only ever taken back
into what it was made with: the same model file, library, context and adapters.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import llama_cpp
import psutil

from rpchat.engine.worker.cache import Cache
from rpchat.engine.worker.decode import CancelledError, Decoder
from rpchat.engine.worker.model import Order
from rpchat.engine.worker.state_file import Head, file_bytes, open_state, read_head, read_payload, write_state


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
    }
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def save_state(decoder: Decoder, path: Path, *, key: bytes, limit: int) -> bool:
    """Put the sequence that was read or written last into the file at `path`; return whether it is there now.

    Not if there is none, it takes more than `limit` bytes or than there is memory, or the file cannot be written.
    Raises CancelledError; then `path` is as it was.
    """
    cache = decoder.cache
    if not cache.ids or not cache.turned:
        return False
    size = int(llama_cpp.llama_state_seq_get_size(decoder.context, cache.active))
    if file_bytes(len(cache.ids), size) > limit or not _is_room_for(size):
        return False
    payload = bytearray(size)
    _check(decoder)
    array = (ctypes.c_uint8 * size).from_buffer(payload)
    if llama_cpp.llama_state_seq_get_data(decoder.context, array, size, cache.active) != size:
        return False
    head = Head(key=key, ids=tuple(cache.ids), asked=min(cache.asked, len(cache.ids)), payload_bytes=size)
    try:
        write_state(path, head, payload, check=lambda: _check(decoder))
    except OSError as error:
        print(f"the state of the KV cache cannot be kept: {error}", file=sys.stderr, flush=True)
        return False
    return True


def restore_state(decoder: Decoder, path: Path, *, key: bytes) -> int:
    """Take the state at `path` into a sequence; return how many tokens it holds then, 0 if the file is of no use.

    What the cache holds already is not loaded again. Raises CancelledError.
    """
    try:
        with closing(open_state(path)) as file:
            head = read_head(file, most_tokens=decoder.n_ctx)
            if head is None or head.key != key or not _is_possible(decoder, head):
                return 0
            if decoder.cache.goes_on_from(head.ids):
                return len(head.ids)
            return len(head.ids) if _is_room_for(head.payload_bytes) and _restored(decoder, file, head) else 0
    except OSError as error:
        print(f"the state of the KV cache cannot be read: {error}", file=sys.stderr, flush=True)
        return 0


def _restored(decoder: Decoder, file: BinaryIO, head: Head) -> bool:
    payload = read_payload(file, head, check=lambda: _check(decoder))
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
    array = (ctypes.c_uint8 * len(payload)).from_buffer(payload)
    llama_cpp.llama_state_seq_set_data(decoder.context, array, len(payload), sequence)
    return cache.take_in(sequence, head.ids, asked=head.asked)


def _is_possible(decoder: Decoder, head: Head) -> bool:
    """Whether a head speaks of something, and in this vocabulary."""
    size = decoder.vocabulary.size
    return bool(head.ids) and all(0 <= token < size for token in head.ids)


def _is_room_for(size: int) -> bool:
    """Whether a copy of the state can be held without pushing others out of memory."""
    return 2 * size < psutil.virtual_memory().available


def _check(decoder: Decoder) -> None:
    if decoder.flag.raised:
        raise CancelledError


def _file(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns
