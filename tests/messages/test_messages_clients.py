"""Anthropic's own clients of four generations, over the wire."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from javascript import anthropic_sdk
from messages_rig import MODELS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 120
BUSY = {"status": 429, "body": {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}}
OVERLOADED = {"status": 503, "body": {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}}
LATE = {"status": 504, "body": {"error": {"code": 504, "status": "DEADLINE_EXCEEDED", "message": "late"}}}


def _older(name: str, version: str) -> Any:
    python = ROOT / f".venv-{name}" / "bin" / "python"
    missing = pytest.mark.skipif(not python.exists(), reason=f"./scripts/test makes .venv-{name}")
    return pytest.param(python, version, id=name, marks=missing)


PYTHONS = [
    pytest.param(Path(sys.executable), "2.", id="anthropic2"),
    _older("anthropic1", "1."),
    _older("anthropic0", "0."),
]


def told(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def theirs(gateway: str) -> str:
    """A File of OpenAI's client."""
    with client_for(gateway) as client:
        return client.files.create(file=("hi.txt", b"hello"), purpose="user_data").id


@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_the_python_client_works(python: Path, version: str, gateway: str, sandbox: SandboxServer) -> None:
    for script in (BUSY, OVERLOADED, LATE):
        sandbox.control("scripts", script)
    found = told([str(python), str(HERE / "client_messages.py"), gateway, theirs(gateway)])
    assert found.pop("version").startswith(version)
    two, thought = ["tool_use"] * 2, ["thinking", "tool_use", "tool_use"]
    assert found == {
        "errors": {
            "field": ["BadRequestError", "invalid_request_error", True],
            "model": ["NotFoundError", "not_found_error", True],
            "file": ["NotFoundError", "not_found_error", True],
            "key": ["AuthenticationError", "authentication_error", True],
            "busy": ["RateLimitError", "rate_limit_error", True],
            "overloaded": ["OverloadedError", "overloaded_error", True],
            "late": ["GatewayTimeoutError" if version == "2." else "InternalServerError", "timeout_error", True],
        },
        "plain": ["message", "assistant", MODELS[0], "end_turn"],
        "stream": [True, "end_turn", True],
        "raw": ["message_start", "message_delta", "message_stop"],
        "beta": "end_turn",
        "steps": [["tool_use"] * 3, ["thinking", "tool_use"] * 3],
        "loop": [two * 3] * 2,
        "thinking loop": [thought * 3] * 2,
        "thought": ["thinking", "text"],
        "runner": ["sky", "sea"],
        "parsed": ["n"],
        "files": {
            "names": ["png", "a.pdf", "größe.wav"],
            "types": ["image/png", "application/pdf", "audio/wav"],
            "seen": ["image/png", "application/pdf", "audio/wav", "text/plain"],
            "inline": ["image/png"],
            "pages": [True, True],
            "metadata": True,
            "bytes": True,
            "deleted": "file_deleted",
        },
        "counted": True,
        "models": [*MODELS, "claude-haiku-4-5"],
        "model": MODELS[1],
    }


def test_the_javascript_client_works(gateway: str, sandbox: SandboxServer) -> None:
    for script in (BUSY, OVERLOADED, LATE):
        sandbox.control("scripts", script)
    found = told(["node", str(HERE / "client.cjs"), str(anthropic_sdk()), gateway, theirs(gateway)])
    two, thought = ["tool_use"] * 2, ["thinking", "tool_use", "tool_use"]
    assert found == {
        "errors": {
            "field": ["BadRequestError", "invalid_request_error", True],
            "model": ["NotFoundError", "not_found_error", True],
            "file": ["NotFoundError", "not_found_error", True],
            "key": ["AuthenticationError", "authentication_error", True],
            "busy": ["RateLimitError", "rate_limit_error", True],
            "overloaded": ["OverloadedError", "overloaded_error", True],
            "late": ["GatewayTimeoutError", "timeout_error", True],
        },
        "plain": ["message", "end_turn", "req_", True],
        "stream": [True, "end_turn", True],
        "raw": ["message_start", "message_delta", "message_stop"],
        "beta": "end_turn",
        "loop": [two * 3] * 2,
        "thinking": [thought * 3] * 2,
        "thought": ["thinking", "text"],
        "runner": ["end_turn", "sky", "sea"],
        "parsed": ["n"],
        "files": {
            "names": ["a.pdf", "a.png", "größe.wav"],
            "types": ["image/png", "audio/wav"],
            "seen": ["image/png", "application/pdf", "audio/wav", "text/plain"],
            "inline": ["image/png"],
            "pages": True,
            "metadata": True,
            "bytes": True,
            "deleted": "file_deleted",
        },
        "counted": True,
        "models": [*MODELS, "claude-haiku-4-5"],
        "model": MODELS[1],
    }
