"""What a response costs beside a chat that says the same, counted in bytecodes of the event loop's thread: a clock of a
busy machine would say little.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from gateways import MODEL, sandbox_server, settings_for
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import JobSettings
from responses_rig import call
from serving import serve

REQUESTS, ROUNDS = 4, 6
ASKED = {"model": MODEL, "temperature": 0.2}
CHAT = {**ASKED, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]}
RESPONSE = {**ASKED, "instructions": "Be brief.", "input": "Hello"}


class Counted:
    """A gateway, and what its event loop does."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._url = url
        self._loop = loop

    def bytecodes(self, path: str, body: dict[str, Any]) -> float:
        """Of one request; the least of some rounds, in which no job of the gateway's own ran."""
        rounds = []
        for _ in range(ROUNDS):
            self._ask(path, body)
            with self._counting() as count:
                for _ in range(REQUESTS):
                    self._ask(path, body)
            rounds.append(count[0] / REQUESTS)
        return min(rounds)

    def _ask(self, path: str, body: dict[str, Any]) -> None:
        assert call(self._url, "POST", path, body).status == 200

    @contextmanager
    def _counting(self) -> Iterator[list[int]]:
        count = [0]

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            if event == "opcode":
                count[0] += 1
            return trace

        self._trace(trace)
        try:
            yield count
        finally:
            self._trace(None)

    def _trace(self, trace: Callable[[FrameType, str, object], Any] | None) -> None:
        done = threading.Event()

        def run() -> None:
            sys.settrace(trace)
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(30)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """Nothing but requests happens there."""
    loops: list[asyncio.AbstractEventLoop] = []
    with sandbox_server() as sandbox:
        app = build_app(Gateway(settings_for(sandbox, tmp_path_factory.mktemp("data"), jobs=JobSettings())))

        async def noted(scope: Any, receive: Any, send: Any) -> None:
            loops.append(asyncio.get_running_loop())
            await app(scope, receive, send)

        with serve(noted) as url:
            yield Counted(url, loops[0])


def test_a_response_costs_little_more_than_a_chat(counted: Counted) -> None:
    chat = counted.bytecodes("/v1/chat/completions", CHAT)
    unstored = counted.bytecodes("/v1/responses", {**RESPONSE, "store": False})
    stored = counted.bytecodes("/v1/responses", RESPONSE)
    assert unstored < 1.1 * chat
    assert stored < 1.25 * chat
