"""An answer that Gemini gave up for a reason that lies in no content is asked for once more, before any is out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from liftgate.errors import UpstreamAnswerBroken

log = logging.getLogger("liftgate.gemini")

T = TypeVar("T")


async def unbroken(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` returns, at the second try where the first was broken."""
    try:
        return await ask()
    except UpstreamAnswerBroken as error:
        log.warning("%s It is asked for once more.", error.message)
    return await ask()
