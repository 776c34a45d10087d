"""Runs the gateway in this process on a listening socket, with uvicorn's server.

A signal that ends it (`stop_signals`) stops accepting, gives what runs `drain_seconds` to end, and closes the gateway.
Several processes may listen on one port, each with a socket of its own (`cli.serve.workers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from liftgate.gateway import LAST_SECONDS, Gateway
from liftgate.server.accepting import Accepting
from liftgate.server.app import App, build_app
from liftgate.server.heap import heap_of_this_process, share_one_heap
from liftgate.server.http_protocol import limited_protocol
from liftgate.server.listening import cannot_listen
from liftgate.server.metering import client_by
from liftgate.server.stop_signals import ignore_further, stop_signals
from liftgate.server.unseen import Front, note_answered
from liftgate.settings.sections import Settings

log = logging.getLogger("liftgate.server")

BACKLOG = 2048
LOOK_TICKS = 20
"""Ticks of the server, ten a second, between two looks at the heap."""


def run(settings: Settings, listener: socket.socket, *, started: Callable[[], None]) -> None:
    """Serves until a signal ends it; `started` is called when requests are taken. Raises ConfigError."""
    # Its own messages say nothing that an answer or our log does not say.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    share_one_heap()
    with contextlib.closing(listener), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, listener, started))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is: Windows has none, and takes asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, listener: socket.socket, started: Callable[[], None]) -> None:
    async with Gateway(settings) as gateway:
        app = build_app(gateway)
        _freeze_collector()
        await _Server(_config(app, gateway), app, gateway, started).serve([listener])


def _freeze_collector() -> None:
    """What was made at the start lives to the end: looking through all of it again and again cost a sixth of a chat."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _config(app: App, gateway: Gateway) -> uvicorn.Config:
    server = gateway.settings.server
    front = Front(server.cors_origins, partial(note_answered, meters=gateway.meters, client=client_by(server)))
    return uvicorn.Config(
        app,
        http=limited_protocol(
            max_head=gateway.settings.limits.max_header_bytes, head_timeout=server.read_timeout, front=front
        ),
        ws="none",
        # The gateway is opened before and closed after, where an error of its opening can be shown.
        lifespan="off",
        log_config=None,
        access_log=False,
        # `origin` reads them, and must know whom the connection itself is from.
        proxy_headers=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=round(server.keep_alive),
    )


class _Server(uvicorn.Server):
    """uvicorn's, but for its beginning and its end: it tells when it listens, a signal ends the serving and not the
    process, and requests that the drain leaves over are answered.

    A second SIGINT ends the drain.
    """

    def __init__(self, config: uvicorn.Config, app: App, gateway: Gateway, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._gateway = gateway
        self._tell_started = started
        self._accepting: list[Accepting] = []
        self._heap = heap_of_this_process()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        server = self._gateway.settings.server
        await super().startup([])
        try:
            for listener in sockets or []:
                self._accepting.append(accepting := Accepting(listener, self._protocol, BACKLOG))
                await accepting.begin()
        except OSError as error:
            raise cannot_listen(server.host, server.port, error) from None
        self._tell_started()

    def _protocol(self) -> asyncio.Protocol:
        make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        for accepting in self._accepting:
            await accepting.look()
        if self._heap is not None and counter % LOOK_TICKS == 0:
            self._heap.look()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._gateway.drain()
        if not self.should_exit and (running := len(self.server_state.tasks)):
            again = "; Ctrl-C again stops now" if sig == signal.SIGINT else ""
            log.info("finishing %d request%s%s", running, "" if running == 1 else "s", again)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for accepting in self._accepting:
            accepting.close()
        for listener in sockets or []:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await self._while(lambda: state.connections or state.tasks, self._gateway.settings.server.drain_seconds)
        if state.tasks:
            log.warning("%d requests were not finished in time and are answered with 503", len(state.tasks))
            self._app.leave()
            for task in list(state.tasks):
                task.cancel()
            self.force_exit = False
            await self._while(lambda: state.connections or state.tasks, LAST_SECONDS)

    async def _while(self, busy: Callable[[], object], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while busy() and loop.time() < end and not self.force_exit:  # noqa: ASYNC110 - connections announce nothing
            await asyncio.sleep(0.05)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again when it is done, which would end the process with the gateway still open.
        loop = asyncio.get_running_loop()
        numbers = stop_signals()
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
            ignore_further()
