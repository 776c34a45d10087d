"""JavaScript clients from their registry, for the tests that run them: installed once, kept between runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from authorities import outside

CACHE = Path(__file__).resolve().parents[1] / ".cache"
INSTALL_SECONDS = 120


def google_genai() -> Path:
    """Google's client; a directory from which it can be required."""
    return _installed("@google/genai", "2.32.0", CACHE / "js")


def anthropic_sdk() -> Path:
    """Anthropic's client; a directory from which it can be required."""
    return _installed("@anthropic-ai/sdk", "1.14.0", CACHE / "js-anthropic")


def openai_sdk() -> Path:
    """OpenAI's client; a directory from which it can be required."""
    return _installed("openai", "7.59.0", CACHE / "js-openai")


def node_clients() -> Path:
    """What the programs of `tests/clients` import: clients of chat, and of HTTP alone."""
    providers = ("@ai-sdk/openai@3.0.141", "@ai-sdk/openai-compatible@2.0.92", "@ai-sdk/google@3.0.141")
    more = ("ai@6.0.326", *providers, "zod@4.6.7", "axios@1.21.1", "form-data@4.0.6", "undici@7.30.2")
    return _installed("openai", "7.59.0", CACHE / "js-clients", *more)


def langchain() -> Path:
    """LangChain's classes for OpenAI and for Gemini."""
    more = ("@langchain/google-genai@2.3.2", "@langchain/core@1.4.0", "zod@4.6.7")
    return _installed("@langchain/openai", "1.5.8", CACHE / "js-langchain", *more)


def axe() -> str:
    """The script that looks for obstacles in a page."""
    return (_installed("axe-core", "4.14.1", CACHE / "js-axe") / "node_modules/axe-core/axe.min.js").read_text()


def esbuild() -> Path:
    """The program that bundles clients for a browser."""
    return _installed("esbuild", "0.28.2", CACHE / "js-esbuild") / "node_modules/.bin/esbuild"


def _installed(name: str, version: str, packages: Path, *more: str) -> Path:
    """`more`: packages beside it, each `name@version`. Skips the test where node, npm or the registry is missing, and
    fails it there in CI.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing("node and npm are not installed")
    packages.mkdir(parents=True, exist_ok=True)
    with (packages / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manifest = packages / "node_modules" / name / "package.json"
        if manifest.exists() and json.loads(manifest.read_text())["version"] == version:
            return packages
        options = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        made = subprocess.run(
            [str(npm), "install", *options, "--prefix", str(packages), f"{name}@{version}", *more],
            env=outside(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    if made.returncode:
        missing(f"npm could not install {name}: {made.stderr[-300:]}")
    return packages


def missing(what: str) -> NoReturn:
    """Skips the test, and fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
