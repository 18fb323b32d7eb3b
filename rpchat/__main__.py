"""`python -m rpchat` is `rpchat`."""

from __future__ import annotations

import sys

from rpchat.cli import main

if __name__ == "__main__":
    sys.exit(main())
