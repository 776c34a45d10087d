"""JavaScript clients from their registry, for the tests that run them: installed once, kept between runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[1] / ".cache"
INSTALL_SECONDS = 120


def google_genai() -> Path:
    """Google's client; a directory from which it can be required."""
    return _installed("@google/genai", "2.32.0", CACHE / "js")


def anthropic_sdk() -> Path:
    """Anthropic's client; a directory from which it can be required."""
    return _installed("@anthropic-ai/sdk", "1.14.0", CACHE / "js-anthropic")


def _installed(name: str, version: str, packages: Path) -> Path:
    """Skips the test where node, npm or the registry is missing, and fails it there in CI."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _missing("node and npm are not installed")
    packages.mkdir(parents=True, exist_ok=True)
    with (packages / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manifest = packages / "node_modules" / name / "package.json"
        if manifest.exists() and json.loads(manifest.read_text())["version"] == version:
            return packages
        options = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        made = subprocess.run(
            [str(npm), "install", *options, "--prefix", str(packages), f"{name}@{version}"],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    if made.returncode:
        _missing(f"npm could not install {name}: {made.stderr[-300:]}")
    return packages


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
