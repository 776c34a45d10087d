"""One sandbox and one gateway for a module's tests; faults and scripts end with the test that ordered them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat_wire import chat_settings
from gateways import SandboxServer, gateway_server, sandbox_server
from liftgate.sandbox.app import SandboxSettings


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[SandboxServer]:
    with sandbox_server(SandboxSettings(video_processing=0.05)) as server:
        yield server


@pytest.fixture
def sandbox(shared_sandbox: SandboxServer) -> Iterator[SandboxServer]:
    yield shared_sandbox
    shared_sandbox.control("faults", method="DELETE")
    shared_sandbox.control("scripts", method="DELETE")


@pytest.fixture(scope="module")
def url(shared_sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway_server(chat_settings(shared_sandbox, tmp_path_factory.mktemp("gateway"))) as url:
        yield url
