"""`liftgate demo`, as the README has it: the whole job in front of anybody's eyes."""

import os
import re
import subprocess
from pathlib import Path

import forked
from gateways import sandbox_server

ROOT = Path(__file__).parents[2]


def _demo(environ: dict[str, str], *, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    ours = ("GEMINI_", "GOOGLE_", "LIFTGATE_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return forked.run_text(["demo"], cwd=cwd, env=clean | environ)


def test_the_demo_shows_both_answers_and_the_second_upload(tmp_path: Path) -> None:
    run = _demo({"HOME": str(tmp_path)}, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count("audio/wav, 245908 bytes") == 2
    assert "files at Gemini: none" in run.stdout
    assert re.search(r"uploads of the recording, by Liftgate +1 +1 more", run.stdout)
    assert "245908 bytes, the same: True" in run.stdout
    assert "\x1b[" not in run.stdout
    assert max(map(len, run.stdout.splitlines())) < 250
    assert list(tmp_path.iterdir()) == []


def test_with_a_key_google_is_asked_and_the_clock_is_left_alone() -> None:
    with sandbox_server() as google:
        run = _demo({"GEMINI_API_KEY": "my-key", "GEMINI_API_BASE": google.url})
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout.count("audio/wav, 245908 bytes") == 1
        assert "my-key" not in run.stdout
        assert google.stats()["operations"]["upload.finalize"] == 1


def test_a_rejected_key_ends_with_a_clear_error() -> None:
    with sandbox_server() as google:
        run = _demo({"GEMINI_API_KEY": "invalid-key", "GEMINI_API_BASE": google.url})
    assert run.returncode == 1
    assert "Ask about it" in run.stderr and "Google rejects the API key" in run.stderr
    assert "Traceback" not in run.stderr
