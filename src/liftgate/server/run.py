"""Runs the gateway in this process on a listening socket, with uvicorn as it is shipped; and makes such sockets.

SIGTERM and SIGINT stop accepting, give what runs `drain_seconds` to end, and close the gateway. Several processes may
listen on one port, each with a socket of its own (`cli.workers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from liftgate.errors import ConfigError
from liftgate.gateway import Gateway
from liftgate.server.app import App, build_app
from liftgate.server.http_protocol import limited_protocol
from liftgate.settings.sections import LimitSettings, ServerSettings, Settings

BACKLOG = 2048
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_HEAP = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, 4 * 1024 * 1024), (_M_TRIM_THRESHOLD, 8 * 1024 * 1024))


def listening_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bound, not yet listening. `shared`: other sockets may have the same port (SO_REUSEPORT). Raises ConfigError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"--host {host}: {error.strerror or error}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise ConfigError("--num-workers: this system cannot share a port between processes.")
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise ConfigError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from None
    except ConfigError:
        listener.close()
        raise
    return listener


def run(settings: Settings, listener: socket.socket, *, started: Callable[[], None]) -> None:
    """Serves until a signal ends it; `started` is called when requests are taken. Raises ConfigError."""
    # Its own messages say nothing that an answer or our log does not say.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    _share_one_heap()
    with contextlib.closing(listener), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, listener, started))


def _share_one_heap() -> None:
    """Has glibc serve all threads from one heap, of which up to 8 MiB that were freed stay with us (mallopt(3)).

    By itself it gives each thread a heap of its own, which keeps what the thread's largest pieces of a file took; and
    it gives the memory of each piece back to the system, to ask for it again for the next one, which costs a tenth of
    the time that an upload takes. Another C library goes on as it does.
    """
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for option, value in _HEAP:
        tune(option, value)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is: Windows has none, and takes asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, listener: socket.socket, started: Callable[[], None]) -> None:
    async with Gateway(settings) as gateway:
        config = _config(build_app(gateway), settings.server, settings.limits)
        _spare_collector()
        await _Server(config, started, stopping=gateway.drain).serve(sockets=[listener])


def _spare_collector() -> None:
    """What was made at the start lives to the end: looking through all of it again and again cost a sixth of a chat."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _config(app: App, server: ServerSettings, limits: LimitSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=limited_protocol(max_head=limits.max_header_bytes, head_timeout=server.read_timeout),
        ws="none",
        # The gateway is opened before and closed after, where an error of its opening can be told.
        lifespan="off",
        log_config=None,
        access_log=False,
        # `origin` reads them, and must know whom the connection itself is from.
        proxy_headers=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=round(server.keep_alive),
        timeout_graceful_shutdown=round(server.drain_seconds),
    )


class _Server(uvicorn.Server):
    """uvicorn's, but for two things: it tells when it listens and when it is to stop, and a signal ends the serving,
    not the process."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started
        self._tell_stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._tell_stopping()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again when it is done, which would end the process with the gateway still open.
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
