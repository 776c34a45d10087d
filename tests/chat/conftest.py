"""One sandbox and one gateway for a module's tests; faults and scripts end with the test that ordered them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_wire import chat_settings
from doors import DOORS, Ask, door
from gateways import SandboxServer, gateway_server, sandbox_server
from in_turn import thin_out
from liftgate.sandbox.app import SandboxSettings
from liftgate.sandbox.settings import DEFAULT_MODELS

HERE = Path(__file__).parent
MORE_MODELS = ("gemini-3.8-flash", "gemini-3.5-flash-lite", "gemma-3-27b-it")


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[SandboxServer]:
    with sandbox_server(SandboxSettings(video_processing=0.05, models=(*DEFAULT_MODELS, *MORE_MODELS))) as server:
        yield server


@pytest.fixture(scope="module", params=DOORS)
def ask(
    request: pytest.FixtureRequest, shared_sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """One chat at each door, whole and streamed."""
    with door(
        request.param, shared_sandbox, tmp_path_factory.mktemp("door"), (*DEFAULT_MODELS, *MORE_MODELS)
    ) as asking:
        yield asking


@pytest.fixture
def sandbox(shared_sandbox: SandboxServer) -> Iterator[SandboxServer]:
    yield shared_sandbox
    shared_sandbox.control("faults", method="DELETE")
    shared_sandbox.control("scripts", method="DELETE")


@pytest.fixture(scope="module")
def url(shared_sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway_server(chat_settings(shared_sandbox, tmp_path_factory.mktemp("gateway"))) as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each case at two doors, a whole answer and a stream; at all six in the full run."""
    thin_out(items, HERE, "ask", 3)
