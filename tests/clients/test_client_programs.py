"""Real clients over the wire, each as a program of its own. `scripts/real-clients` runs all of them at their newest,
those whose installation is large too; what these send is in `test_client_forms`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from javascript import packages
from serve import serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def urls() -> Iterator[list[str]]:
    """The gateway's, and the sandbox's."""
    with serving() as (served, sandbox):
        yield [served, sandbox.url]


def told(command: list[str]) -> None:
    """Each case of the program went well."""
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    results = json.loads(done.stdout.splitlines()[-1])
    wrong = {case: result for case, result in results.items() if result != "ok"}
    assert wrong == {} and len(results) > 2, done.stderr[-4000:]


@pytest.mark.parametrize(
    ("environment", "program"),
    [
        ("", "responses/openai_python.py"),
        (".venv-openai2", "responses/openai_python.py"),
        (".venv-openai1", "chat/openai_python.py"),
        (".venv-clients", "responses/langchain_python.py"),
        pytest.param(".venv-clients", "responses/pydantic_ai_python.py", marks=pytest.mark.full),
        pytest.param(".venv-clients", "chat/agents_python.py", marks=pytest.mark.full),
        (".venv-clients", "chat/autogen_python.py"),
        (".venv-clients", "chat/files_python.py"),
        (".venv-clients", "chat/haystack_python.py"),
        (".venv-openai2", "chat/instructor_python.py"),
        (".venv-clients", "chat/llm_python.py"),
        (".venv-clients", "chat/pydantic_ai_google_python.py"),
        pytest.param(".venv-clients", "chat/smolagents_python.py", marks=pytest.mark.full),
    ],
)
def test_a_python_client_works(urls: list[str], environment: str, program: str) -> None:
    """The environments must be there in CI; `./scripts/test` makes them."""
    python = ROOT / environment / "bin" / "python" if environment else Path(sys.executable)
    if not python.exists() and not os.environ.get("CI"):
        pytest.skip(f"./scripts/test makes {environment}")
    told([str(python), str(HERE / program), *urls])


@pytest.mark.parametrize("program", ["openai_node", "ai_sdk", "files_node", "langchain_node"])
def test_a_javascript_client_works(urls: list[str], program: str, tmp_path: Path) -> None:
    """A module finds what it imports beside itself."""
    (tmp_path / "node_modules").symlink_to(packages() / "node_modules")
    for path in (HERE / "cases.mjs", HERE / "responses_errors.json", HERE / f"chat/{program}.mjs"):
        shutil.copy(path, tmp_path)
    told(["node", str(tmp_path / f"{program}.mjs"), *urls])
