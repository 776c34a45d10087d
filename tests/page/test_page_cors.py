"""A page of another origin uses the gateway with bundled clients, in a real browser: where `cors_origins` names it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from foreign_pages import Pages
from gateways import MODEL, SandboxServer, gateway_server, settings_for
from javascript import esbuild, packages
from liftgate.settings import ServerSettings
from serving import serve

BUNDLE_SECONDS = 60


@pytest.fixture(scope="module")
def bundle() -> str:
    source = Path(__file__).with_name("clients.mjs")
    made = subprocess.run(
        [str(esbuild()), str(source), "--bundle", "--format=esm", "--platform=browser"],
        capture_output=True,
        text=True,
        timeout=BUNDLE_SECONDS,
        check=False,
        env={**os.environ, "NODE_PATH": str(packages() / "node_modules")},
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture
def page(browser: Browser, bundle: str) -> Iterator[Page]:
    """Of an origin of its own, with both clients on it."""
    pages = Pages(
        {"/": '<!doctype html><title>app</title><script type="module" src="/app.js"></script>', "/app.js": bundle}
    )
    context = browser.new_context()
    with serve(pages, lifespan="off") as origin:
        page = context.new_page()
        page.goto(origin.replace("127.0.0.1", "localhost"))
        yield page
        context.close()


def origin_of(page: Page) -> str:
    return page.url.rstrip("/")


def test_both_clients_work_from_an_origin_that_is_named(page: Page, sandbox: SandboxServer, tmp_path: Path) -> None:
    server = ServerSettings(cors_origins=(origin_of(page),))
    with gateway_server(settings_for(sandbox, tmp_path, server=server)) as url:
        openai = page.evaluate("([url, model]) => useOpenAI(url, 'sk-ann', model)", [url, MODEL])
        google = page.evaluate("([url, model]) => useGoogle(url, 'sk-ann', model)", [url, MODEL])
        wrong = page.evaluate("([url, model]) => useOpenAI(url, 'sk-no', model).catch((e) => e.status)", [url, MODEL])
    assert "11 bytes" in openai["answer"] and openai["chunks"] > 2
    assert (openai["bytes"], openai["names"], openai["gone"]) == ("from a page", ["page.txt"], True)
    assert openai["missing"] == [404, "req_"]
    assert google["size"] == str(9 << 20) and f"{9 << 20} bytes" in google["answer"]
    assert wrong == 401


@pytest.mark.parametrize("origins", [(), ("https://other.example",)])
def test_the_browser_refuses_an_origin_that_is_not_named(
    page: Page, sandbox: SandboxServer, tmp_path: Path, origins: tuple[str, ...]
) -> None:
    with gateway_server(settings_for(sandbox, tmp_path, server=ServerSettings(cors_origins=origins))) as url:
        for use in ("useOpenAI", "useGoogle"):
            told = page.evaluate(
                f"([url, model]) => {use}(url, 'sk-ann', model).then(() => 'in', (error) => error.message)",
                [url, MODEL],
            )
            assert told != "in" and ("Connection error" in told or "Failed to fetch" in told), told
