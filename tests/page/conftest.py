"""One Chromium and one gateway for the tests of a module: its shell; with `full`, also as people have it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright

from browser import SHELL, WHOLE, driver, launched
from gateways import SandboxServer, deployments, sandbox_server
from liftgate.settings import CountingSettings


class Driver(NamedTuple):
    """A program of its own, which takes longer to start than a browser: one for all tests of a process."""

    playwright: Playwright
    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="session")
def its_driver() -> Iterator[Driver]:
    with driver() as playwright:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield Driver(playwright, loop)
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="module")
def playwright(its_driver: Driver) -> Iterator[Playwright]:
    """Playwright has its loop count as running in this thread. Between modules that use it, others may run theirs."""
    asyncio._set_running_loop(its_driver.loop)
    yield its_driver.playwright
    asyncio._set_running_loop(None)


@pytest.fixture(scope="module", params=[SHELL, pytest.param(WHOLE, marks=pytest.mark.full)], ids=lambda names: names[0])
def browser(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright, *request.param) as browser:
        yield browser


@pytest.fixture
def whole_browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as people have it, for what its shell lacks."""
    with launched(playwright, *WHOLE) as browser:
        yield browser


@pytest.fixture(scope="module")
def sandbox(browser: Browser) -> Iterator[SandboxServer]:
    """Another for each browser, as the gateway is: what one leaves there, the other does not find."""
    with sandbox_server() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def changes(sandbox: SandboxServer) -> dict[str, Any]:
    return {
        "deployments": deployments(sandbox.url, ("key-a", "key-b")),
        "counting": CountingSettings(spend=True, usage_write_seconds=0.1),
    }
