"""What counting a chat costs, in bytecodes: they are the same on a slow machine, and beside others."""

from __future__ import annotations

import json
import logging
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import liftgate
from gateways import MODEL, SandboxServer, gateway_server, sandbox_server, settings_for
from liftgate.engine.access_log import JsonLineHandler
from liftgate.log_context import working_for
from liftgate.settings import CountingSettings
from raw_http import call

OURS = str(Path(liftgate.__file__).parent)
CHATS = 10
MASTER = {"Authorization": "Bearer sk-master", "Content-Type": "application/json"}
BUDGET = {"max_budget": 1000, "budget_duration": "1mo"}
ALL_ON = CountingSettings(spend=True, metrics=True)


class _Steps:
    """Bytecodes that run for a request of the gateway, in the threads that begin while it is entered; what runs beside
    requests takes its own time, and is left out."""

    def __init__(self) -> None:
        self.count = 0
        self.counts = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        threading.settrace(self._enter)
        try:
            yield
        finally:
            threading.settrace(None)

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if not self.counts or not frame.f_code.co_filename.startswith(OURS) or not working_for.get().startswith("req_"):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "opcode":
            self.count += 1
        return self._step


@contextmanager
def json_lines() -> Iterator[list[str]]:
    """The access log as the command line has it, into a list."""
    log, lines = logging.getLogger("liftgate.access"), list[str]()
    handler, level = JsonLineHandler(lines.append, str), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        handler.flush()
        log.removeHandler(handler)
        log.setLevel(level)


def steps_of_a_chat(
    sandbox: SandboxServer, data_dir: Path, *, streamed: bool, counted: bool = False, key: object = None
) -> float:
    """`key`: what is asked for the chats' key; None: theirs is the config's."""
    settings, steps = settings_for(sandbox, data_dir), _Steps()
    if counted:
        server = replace(settings.server, access_log=True, json_logs=True)
        settings = replace(settings, counting=ALL_ON, server=server)
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 40}
    body = json.dumps({**asked, "stream": streamed}).encode()
    with steps.watched(), json_lines() as lines, gateway_server(settings) as url:
        headers = MASTER
        if key is not None:
            made = json.loads(call(url, "POST", "/key/generate", json.dumps(key).encode(), MASTER).body)
            headers = {**MASTER, "Authorization": f"Bearer {made['key']}"}
        steps.counts = True
        counts = [0]
        for _ in range(5 + CHATS):
            assert call(url, "POST", "/v1/chat/completions", body, headers).status == 200
            counts.append(steps.count)
        steps.counts = False
    written = [line for each in lines for line in each.splitlines() if '"operation":"chat"' in line]
    assert len(written) == (5 + CHATS if counted else 0)
    # The first ones find what the others know. What a chat does behind its answer may count as the next one's.
    return statistics.median(after - before for before, after in pairwise(counts[5:]))


@pytest.mark.parametrize(("streamed", "steps", "most"), [(False, 4500, 1.8), (True, 7000, 1.6)])
def test_counting_a_chat_is_a_bounded_part_of_it(streamed: bool, steps: int, most: float, tmp_path: Path) -> None:
    """A key with a budget, spend, metrics and the JSON log. docs/performance/README.md has where the steps go. There is
    room for what a slow machine adds: a chat that comes late finds less of its budget in memory."""
    with sandbox_server() as sandbox:
        bare = steps_of_a_chat(sandbox, tmp_path / "bare", streamed=streamed)
        counted = steps_of_a_chat(sandbox, tmp_path / "counted", streamed=streamed, counted=True, key=BUDGET)
    print(f"bytecodes of a chat: {bare:.0f} bare, {counted:.0f} counted, {counted / bare:.2f} x")
    assert 2000 < bare < steps  # they are counted at all, and are no more than they were
    assert counted < most * bare


def test_a_key_without_limits_is_looked_up_and_nothing_is_counted(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        bare = steps_of_a_chat(sandbox, tmp_path / "bare", streamed=False)
        with_key = steps_of_a_chat(sandbox, tmp_path / "key", streamed=False, key={})
    print(f"bytecodes of a chat: {bare:.0f} with a key of the config, {with_key:.0f} with one of the catalogue")
    assert with_key < 1.15 * bare
