"""Whoever asks a script what it does is told, and nothing is made; what it does not know it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)
PASSING = {"bench", "demo", "test"}
"""What these do not know goes to the program that they run, which refuses it."""


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    python = [sys.executable] if script.read_text("utf-8").startswith("#!/usr/bin/env python3") else []
    command = [*python, str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_does(script: Path) -> None:
    before = sorted(ROOT.iterdir())
    told = run(script, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert len(told.stdout.split()) > 10
    assert sorted(ROOT.iterdir()) == before


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.name not in PASSING], ids=lambda path: path.name)
def test_a_script_refuses_what_it_does_not_know(script: Path) -> None:
    refused = run(script, "--nonsense")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--nonsense" in refused.stderr
