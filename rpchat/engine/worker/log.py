"""What llama.cpp has to say: warnings and errors go to the log, and the last error is kept as a reason."""

from __future__ import annotations

import os

import llama_cpp

from rpchat.engine.shortage import tells_shortage

_WARNING, _ERROR, _CONTINUED = 3, 4, 5
_STDERR = 2


class LibraryLog:
    """Receives the library's messages for as long as it lives, which must be as long as the process."""

    def __init__(self) -> None:
        self.first_error = ""
        self.tells_shortage = False
        """Whether one of the errors says that memory ran out."""
        self._level = 0
        self._callback = llama_cpp.llama_log_callback(self._receive)
        llama_cpp.llama_log_set(self._callback, None)

    def _receive(self, level: int, message: bytes, _data: object) -> None:
        if level != _CONTINUED:
            self._level = level
        if self._level not in (_WARNING, _ERROR):
            return
        os.write(_STDERR, message)
        if self._level != _ERROR:
            return
        words = message.decode("utf-8", "replace")
        self.tells_shortage = self.tells_shortage or tells_shortage(words)
        self.first_error = self.first_error or words.partition(": ")[2].strip()
