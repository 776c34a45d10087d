"""The ASGI types, as far as this application uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

ANSWERED = "liftgate.answered"
"""Of a scope: what the front answered in the application's place (`unseen.Answered`)."""
