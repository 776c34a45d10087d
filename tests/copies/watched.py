"""An ASGI app with a window: which tasks run in its event loop. For tests that ask what is left over."""

from __future__ import annotations

import asyncio
import json

from liftgate.server.app import App
from liftgate.server.asgi import Receive, Scope, Send

TASKS = "/-/tasks"


class Watched:
    """`app`, and at `TASKS` the names of all tasks but the one that answers."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != TASKS:
            await self._app(scope, receive, send)
            return
        me = asyncio.current_task()
        body = json.dumps(sorted(task.get_name() for task in asyncio.all_tasks() if task is not me)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
