"""The one border where an error stops being an exception and becomes a line the reader sees."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from rpchat.errors import RpchatError
from rpchat.story.text import clean

_LOG = logging.getLogger(__name__)


async def shown(work: Awaitable[None], show: Callable[[str], None]) -> None:
    """Await `work`; what it raises is given to `show` as one line. Being cancelled is no error and passes through.

    A mistake of the program itself is shown too, with its details in the log: a scene that is open must stay open.
    """
    try:
        await work
    except RpchatError as error:
        show(clean(str(error)))
    except Exception as error:  # noqa: BLE001
        _LOG.exception("a worker of the screen failed")
        show(clean(f"that went wrong inside rpchat ({type(error).__name__}: {error}). What was written is kept"))
