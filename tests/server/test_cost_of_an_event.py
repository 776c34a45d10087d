"""What an event of a stream costs, counted in bytecodes of the event loop's thread: between a stream of few events and
one of many, each of which Gemini sends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateways import SandboxServer, settings_for
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import JobSettings
from serving import serve
from test_cost_of_a_response import ASKED, Counted
from test_large_answers import SAID, reply, upstream

FEW, MANY = 10, 110


def _events(count: int) -> list[dict[str, Any]]:
    return [*(reply({"text": f"word {at} "}, finish=None) for at in range(count)), reply({"text": "end"})]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    loops: list[asyncio.AbstractEventLoop] = []
    with pytest.MonkeyPatch.context() as patch, upstream() as url:
        for count in (FEW, MANY):
            patch.setitem(SAID, f"events {count}", _events(count))
        settings = settings_for(SandboxServer(url), tmp_path_factory.mktemp("data"), jobs=JobSettings())
        app = build_app(Gateway(settings))

        async def noted(scope: Any, receive: Any, send: Any) -> None:
            loops.append(asyncio.get_running_loop())
            await app(scope, receive, send)

        with serve(noted) as base:
            yield Counted(base, loops[0])


@pytest.mark.parametrize(("path", "most"), [("/v1/chat/completions", 90), ("/v1/responses", 90), ("/v1/messages", 90)])
def test_an_event_that_came_with_others_costs_little(counted: Counted, path: str, most: float) -> None:
    found = []
    for count in (FEW, MANY):
        asked = {
            **ASKED,
            "stream": True,
            "max_tokens": 100,
            "messages": [{"role": "user", "content": f"events {count}"}],
        }
        if path.endswith("responses"):
            asked = {**ASKED, "stream": True, "store": False, "input": f"events {count}"}
        found.append(counted.bytecodes(path, asked))
    each = (found[1] - found[0]) / (MANY - FEW)
    print(f"{path}: {each:.0f} bytecodes an event")
    assert each < most
