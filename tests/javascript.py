"""JavaScript clients from their registry, for the tests that run them: installed once, kept between runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from authorities import outside

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "javascript"
PACKAGES = (
    *("openai@7.59.0", "@google/genai@2.32.0", "@anthropic-ai/sdk@1.14.0"),
    *("@ai-sdk/openai@3.0.141", "@ai-sdk/openai-compatible@2.0.92", "@ai-sdk/google@3.0.141", "ai@6.0.326"),
    *("@langchain/openai@1.5.8", "@langchain/google-genai@2.3.2", "@langchain/core@1.4.0", "zod@4.6.7"),
    *("axios@1.21.1", "form-data@4.0.6", "undici@7.30.2"),
    *("axe-core@4.14.1", "esbuild@0.28.2"),
)
"""Clients, what programs of `tests/clients` import beside them, and the tools of the page's tests. They are installed
together: one by one npm takes three times the work, for what they have in common."""
INSTALL_SECONDS = 300


def axe() -> str:
    """The script that looks for obstacles in a page."""
    return (packages() / "node_modules/axe-core/axe.min.js").read_text()


def esbuild() -> Path:
    """The program that bundles clients for a browser."""
    return packages() / "node_modules/.bin/esbuild"


def packages() -> Path:
    """A directory from which each of `PACKAGES` can be required. Skips the test where node, npm or the registry is
    missing, and fails it there in CI.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing("node and npm are not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted, installed = "\n".join(PACKAGES), FOLDER / "installed"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == wanted:
            return FOLDER
        options = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        made = subprocess.run(
            [str(npm), "install", *options, "--prefix", str(FOLDER), *PACKAGES],
            env=outside(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if made.returncode == 0:
            installed.write_text(wanted)
    if made.returncode:
        missing(f"npm could not install the packages: {made.stderr[-300:]}")
    return FOLDER


def missing(what: str) -> NoReturn:
    """Skips the test, and fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
