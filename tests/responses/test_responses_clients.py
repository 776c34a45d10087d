"""Real clients over the wire: the official one of both majors, LangChain and pydantic-ai. `scripts/response-clients`
runs the others, and all of them at their newest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways import SandboxServer, deployments, gateway_server, settings_for

HERE = Path(__file__).parent / "clients"
ROOT = HERE.parents[2]
MODEL = "gemini-3-flash-preview"


@pytest.fixture(scope="module")
def url(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = settings_for(
        sandbox, tmp_path_factory.mktemp("clients"), deployments=deployments(sandbox.url, model=MODEL)
    )
    with gateway_server(settings) as served:
        yield served


@pytest.mark.parametrize(
    ("environment", "program"),
    [
        ("", "openai_python.py"),
        (".venv-openai2", "openai_python.py"),
        (".venv-clients", "langchain_python.py"),
        pytest.param(".venv-clients", "pydantic_ai_python.py", marks=pytest.mark.full),
    ],
)
def test_a_client_works(url: str, environment: str, program: str) -> None:
    """Each case of the program. The environments must be there in CI; `./scripts/test` makes them."""
    python = ROOT / environment / "bin" / "python" if environment else Path(sys.executable)
    if not python.exists() and not os.environ.get("CI"):
        pytest.skip(f"./scripts/test makes {environment}")
    command = [str(python), str(HERE / program), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout)
    wrong = {case: result for case, result in told.items() if result != "ok"}
    assert wrong == {} and len(told) > 8, done.stderr[-4000:]
