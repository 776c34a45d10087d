"""The sandbox inside another program, in a thread of its own: what `liftgate --sandbox` calls Gemini."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from liftgate.errors import ConfigError
from liftgate.sandbox.app import create_app
from liftgate.sandbox.server import EXAMPLE_KEY, uvicorn_config

__all__ = ["EXAMPLE_KEY", "embedded_sandbox"]

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@contextmanager
def embedded_sandbox() -> Iterator[str]:
    """Its address while it runs, on a free loopback port. Raises ConfigError when it does not start."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn_config(create_app(), log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise ConfigError("--sandbox: the emulator did not start.")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        listener.close()
