"""A flag that llama.cpp looks at without a word of Python."""

from __future__ import annotations

import ctypes
import sys
import threading

import llama_cpp


class CancelFlag:
    """Says whether the request under way is cancelled; requests have rising numbers.

    llama.cpp asks its abort callback some five hundred times a token. The callback is the C library's `strlen`, its
    data a buffer that holds the empty string until the flag is raised: no interpreter is in the way of computing.
    """

    def __init__(self) -> None:
        library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
        self._buffer = ctypes.create_string_buffer(2)
        self._callback = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        self._lock = threading.Lock()
        self._current = 0
        self._left: set[tuple[int, int]] = set()
        self._cancelled = 0

    def watch(self, context: llama_cpp.llama_context_p) -> None:
        """Let computing in `context` be aborted by this flag, which must outlive it."""
        llama_cpp.llama_set_abort_callback(context, self._callback, ctypes.addressof(self._buffer))

    def begin(self, number: int) -> None:
        """Begin request `number`. The flag is down, unless that request was cancelled before it began."""
        with self._lock:
            self._current = number
            self._left = {pair for pair in self._left if pair[0] >= number}
            self._set()

    def cancel(self, number: int) -> None:
        """Cancel request `number`. One that is over already is none of the flag's business. From any thread."""
        with self._lock:
            self._cancelled = max(self._cancelled, number)
            self._set()

    def leave(self, number: int, version: int) -> None:
        """Note that of request `number` one version is wanted no more. From any thread."""
        with self._lock:
            self._left.add((number, version))

    def has_left(self, version: int) -> bool:
        """Whether of the request under way this version is wanted no more."""
        return (self._current, version) in self._left

    @property
    def raised(self) -> bool:
        """Whether the request under way is cancelled."""
        return self._buffer.value != b""

    def _set(self) -> None:
        self._buffer.value = b"x" if self._cancelled >= self._current else b""
