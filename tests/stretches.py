"""How much an app does without letting its event loop go on, in calls, which no machine makes more or fewer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

App = Callable[[Any, Any, Any], Any]


class Stretches:
    """An app around `app`. `longest`: the most calls between two rounds of its loop since it was last set to 0."""

    def __init__(self, app: App) -> None:
        self.longest = 0
        self._app = app
        self._calls = 0
        self._begun = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not self._begun:
            self._begun = True
            sys.setprofile(self._count)
            self._round(asyncio.get_running_loop())
        await self._app(scope, receive, send)

    def _count(self, frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            self._calls += 1

    def _round(self, loop: asyncio.AbstractEventLoop) -> None:
        self.longest = max(self.longest, self._calls)
        self._calls = 0
        loop.call_soon(self._round, loop)
