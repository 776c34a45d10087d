"""The gateway's examples: the installed program, the documented config, the official client.

The older program asks for a model by the name that Google switched off, as people's code does; it runs unchanged.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import forked
from gateways import SandboxServer, sandbox_server

ROOT = Path(__file__).parents[2]
OPENAI_2 = ROOT / ".venv-openai2" / "bin" / "python"
START_SECONDS = 60.0


@contextmanager
def _gateway(sandbox: SandboxServer, data_dir: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["--config", "examples/config.yaml", "--port", str(port)]
    environ = os.environ | {
        "GEMINI_API_BASE": sandbox.url,
        "GEMINI_API_KEY": "key",
        "LIFTGATE_DATA_DIR": str(data_dir),
    }
    with (data_dir / "log").open("wb") as log:
        process = forked.started(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/health/readiness", process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "the gateway ended"
            assert time.monotonic() < deadline, "the gateway did not start"
            time.sleep(0.05)


@pytest.mark.parametrize(
    "python",
    [
        pytest.param(Path(sys.executable), id="openai 3"),
        pytest.param(
            OPENAI_2,
            id="openai 2",
            marks=pytest.mark.skipif(not OPENAI_2.exists(), reason="./scripts/test makes .venv-openai2"),
        ),
    ],
)
@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("examples/gateway.py", "video/mp4, 27657 bytes"),
        ("tests/docs/older_programs/gateway.py", "audio/wav, 245908 bytes"),
    ],
)
def test_the_example_runs_as_it_is_written(python: Path, program: str, said: str, tmp_path: Path) -> None:
    example = (ROOT / program).read_text()
    assert example.count(":4000") == 1
    with sandbox_server() as sandbox, _gateway(sandbox, tmp_path) as port:
        run = subprocess.run(
            [python, "-c", example.replace(":4000", f":{port}")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (run.returncode, run.stderr) == (0, "")
        assert said in run.stdout
        assert ("file: FileObject(id='file-" in run.stdout) == ("older" in program)
        assert sandbox.stats()["operations"]["upload.finalize"] == 1
