"""What was odd about a file, as lines for the user: the first ones, and how many there are more."""

from __future__ import annotations

_SHOWN = 20


class Notes:
    """Collects notes. However many there are, few are kept."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._more = 0

    def add(self, line: str) -> None:
        """Note one thing."""
        if len(self._lines) < _SHOWN:
            self._lines.append(line)
        else:
            self._more += 1

    @property
    def lines(self) -> tuple[str, ...]:
        """The notes, a line each."""
        return (*self._lines, *([f"… and {self._more:,} more such things"] if self._more else []))
