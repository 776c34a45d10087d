"""Fixtures of the SDK's tests: a sandbox on a socket, and an environment that leads the SDK there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from liftgate.sandbox.app import create_app
from liftgate.sandbox.settings import SandboxSettings
from sdk_sandbox import RECORDING, Sandbox
from serving import serve


@pytest.fixture(scope="session")
def sdk_server() -> Iterator[Sandbox]:
    """Keys `key-a` and `key-b` are of two projects."""
    settings = SandboxSettings(video_processing=0.1, projects={"key-a": "one", "key-b": "two"})
    with serve(create_app(settings)) as url:
        yield Sandbox(url)


@pytest.fixture
def sandbox(sdk_server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """As new; the environment names it and `key-a`."""
    sdk_server.control("reset", {})
    monkeypatch.setenv("GEMINI_API_BASE", sdk_server.url)
    monkeypatch.setenv("GEMINI_API_KEY", "key-a")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    return sdk_server


@pytest.fixture(scope="session")
def wav() -> bytes:
    return RECORDING.read_bytes()
