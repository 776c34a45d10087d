"""One Chromium and one gateway for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browser import chromium
from gateways import SandboxServer, deployments, gateway_server, sandbox_server, settings_for
from liftgate.settings import CountingSettings


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def url(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = settings_for(
        sandbox,
        tmp_path_factory.mktemp("data"),
        deployments=deployments(sandbox.url, ("key-a", "key-b")),
        counting=CountingSettings(spend=True, usage_write_seconds=0.1),
    )
    with gateway_server(settings) as url:
        yield url
