"""The real worker, told which tokens to draw: run as a process by `test_streams_engine.py`.

Everything else is what it always is: the prompt is read, every drawn token is decoded, its bytes come from the
vocabulary, and end-of-generation and stop ids end the reply. Behind the last id written down it is drawn again and
again, so that a reply can be cancelled.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

from rpchat.engine.worker import __main__ as worker


def main(script: Path) -> None:
    """Run the worker; at the beginning of each reply `script` is a JSON list of the ids it is to consist of."""
    from rpchat.engine.worker import decode

    class Forced(decode.Chain):
        """A chain of real samplers whose choice is overruled."""

        _script: Iterator[int] | None = None

        def draw(self, context: object, *, output: int = -1) -> int:
            if self._script is None:
                ids = json.loads(script.read_text("utf-8"))
                self._script = chain(ids, repeat(ids[-1]))
            return next(self._script)

    decode.Chain = Forced  # type: ignore[misc]
    worker.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
