"""Runs any ASGI app on a free loopback port in a thread, as every test that judges by the wire needs it.

`with serve(app) as base_url:` waits by polling until it answers, fails with the server's log, and closes the app
orderly. An exception that the app let through fails the test too.
"""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

START_DEADLINE = 20.0
STOP_DEADLINE = 15.0


class _Log(logging.Handler):
    """Keeps the records of one server's thread."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.thread: int | None = None
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.records.append(record)

    def text(self) -> str:
        formatter = logging.Formatter("%(levelname)s %(message)s")
        return "\n".join(formatter.format(record) for record in self.records)


class _Server(uvicorn.Server):
    """uvicorn's, which ends when it is told, and not at the next of its looks, ten a second; hundreds of tests wait."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        await super().startup(sockets)

    def stop(self) -> None:
        self.should_exit = True
        with suppress(AttributeError, RuntimeError):  # it did not start, or has ended
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        # The date of its answers is all that it looks after: once a second, and not ten times.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        grace = self.config.timeout_graceful_shutdown or 0
        end = self._loop.time() + grace
        state = self.server_state
        await asyncio.sleep(0)
        while (state.connections or state.tasks) and self._loop.time() < end:  # noqa: ASYNC110 - they tell nobody
            await asyncio.sleep(0.005)
        if state.tasks:
            logging.getLogger("uvicorn.error").error("Cancel %s running task(s)", len(state.tasks))
            for task in state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


@contextmanager
def serve(app: Any, *, allow_errors: bool = False, **config: Any) -> Iterator[str]:
    """Serve `app`, yield its base URL without a trailing slash; `config` goes to uvicorn.Config.

    The lifespan runs; `lifespan="off"` is for an app that has none. Raises RuntimeError with the log if the server does
    not start or (unless `allow_errors`) if the app raised while it was served.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings: dict[str, Any] = {
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": False,
        "timeout_graceful_shutdown": 1,
        "backlog": 1024,
    }
    server = _Server(uvicorn.Config(app, **(settings | config)))
    log = _Log()
    logger = logging.getLogger("uvicorn.error")
    level = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.INFO)

    def run() -> None:
        log.thread = threading.get_ident()
        server.run(sockets=[listener])

    thread = threading.Thread(target=run, name=f"server-{port}", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread, log)
        yield f"http://127.0.0.1:{port}"
        served = len(log.records)
    finally:
        server.stop()
        thread.join(STOP_DEADLINE)
        logger.removeHandler(log)
        logger.setLevel(level)
        listener.close()
    if thread.is_alive():
        raise RuntimeError(f"the server did not stop within {STOP_DEADLINE} s\n{log.text()}")
    errors = [record for record in log.records[:served] if record.levelno >= logging.ERROR]
    if errors and not allow_errors:
        raise RuntimeError(f"the app raised while it was served\n{log.text()}")


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread, log: _Log) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start\n{log.text()}")
        time.sleep(0.005)
