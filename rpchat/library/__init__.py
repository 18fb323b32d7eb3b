"""The user's collection: what other programs' files hold is put onto the shelves here, and handed out again.

What must always hold: a file is taken in whole or not at all; nothing that is there is overwritten; what is deleted
lies in the trash; nothing is fetched.
"""

from __future__ import annotations

from rpchat.library.library import Library
from rpchat.library.values import (
    Importing,
    ImportStep,
    LibraryCard,
    LibraryPersona,
    Order,
    Refused,
    TakenIn,
    TrashEntry,
)

__all__ = [
    "ImportStep",
    "Importing",
    "Library",
    "LibraryCard",
    "LibraryPersona",
    "Order",
    "Refused",
    "TakenIn",
    "TrashEntry",
]
