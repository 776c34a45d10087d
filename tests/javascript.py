"""Google's JavaScript client from its registry, for the tests that run it: installed once, kept between runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = "@google/genai@2.32.0"
PACKAGES = Path(__file__).resolve().parents[1] / ".cache" / "js"
INSTALL_SECONDS = 120


def google_genai() -> Path:
    """A directory from which the client can be required. Skips the test where node, npm or the registry is missing,
    and fails it there in CI."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _missing("node and npm are not installed")
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with (PACKAGES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manifest = PACKAGES / "node_modules" / "@google" / "genai" / "package.json"
        if manifest.exists() and json.loads(manifest.read_text())["version"] == PACKAGE.rpartition("@")[2]:
            return PACKAGES
        options = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        made = subprocess.run(
            [str(npm), "install", *options, "--prefix", str(PACKAGES), PACKAGE],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    if made.returncode:
        _missing(f"npm could not install {PACKAGE}: {made.stderr[-300:]}")
    return PACKAGES


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
