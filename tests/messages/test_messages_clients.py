"""Anthropic's own clients of four generations, over the wire."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from javascript import packages
from liftgate.sandbox.answers.signatures import signature_of
from messages_rig import MODEL, MODELS, SIGNED, reply
from messages_rig import UNFILLED as SCRIPTED

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 120
BUSY = {"status": 429, "body": {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}}
OVERLOADED = {"status": 503, "body": {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}}
DENIED = {"status": 403, "body": {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "not you"}}}
BROKEN = {"status": 500, "body": {"error": {"code": 500, "status": "INTERNAL", "message": "broken"}}}
LATE = {"status": 504, "body": {"error": {"code": 504, "status": "DEADLINE_EXCEEDED", "message": "late"}}}

TURNS, AT = 3, ("sky", "sea")


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


def prepare(sandbox: SandboxServer) -> None:
    """What the clients' errors come from, and three turns of two calls each, for either way of a tool runner."""
    for script in (DENIED, BUSY, BROKEN, OVERLOADED, LATE):
        sandbox.control("scripts", {**script, "model": MODEL})
    for _ in range(2):
        for turn in range(TURNS):
            calls = [
                {"functionCall": {"id": f"c{turn}{at}", "name": "look", "args": {"at": f"{at} {turn}"}}} for at in AT
            ]
            signature = signature_of("look", {"at": f"{AT[0]} {turn}"})
            first = {**calls[0], "thoughtSignature": base64.b64encode(signature).decode()}
            sandbox.control("scripts", {"response": reply(first, *calls[1:]), "model": SCRIPTED})
        sandbox.control("scripts", {"response": reply({"text": "Seen."}), "model": SCRIPTED})


def expected(late: str, large: str) -> dict[str, Any]:
    two, thought = ["tool_use"] * 2, ["thinking", "tool_use", "tool_use"]
    return {
        "errors": {
            "field": ["BadRequestError", "invalid_request_error", True],
            "model": ["NotFoundError", "not_found_error", True],
            "file": ["NotFoundError", "not_found_error", True],
            "key": ["AuthenticationError", "authentication_error", True],
            "large": [large, "request_too_large", True],
            "denied": ["PermissionDeniedError", "permission_error", True],
            "busy": ["RateLimitError", "rate_limit_error", True],
            "broken": ["InternalServerError", "api_error", True],
            "overloaded": ["OverloadedError", "overloaded_error", True],
            "late": [late, "timeout_error", True],
        },
        "plain": ["message", "assistant", MODEL, "end_turn"],
        "stream": [True, "end_turn", True],
        "raw": ["message_start", "message_delta", "message_stop"],
        "beta": "end_turn",
        "steps": [["tool_use"] * 3, ["thinking", "tool_use"] * 3],
        "loop": [two * 3] * 2,
        "thinking loop": [thought * 3] * 2,
        "thought": ["thinking", "text"],
        "runner": [["end_turn", *(f"{at} {turn}" for turn in range(TURNS) for at in AT)]] * 2,
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
        "model": SIGNED,
    }


def check(found: dict[str, Any], version: str, gateway: str, late: str, large: str) -> None:
    """`late` and `large`: what the client calls a 504 and a 413."""
    assert found.pop("version").startswith(version)
    kept = found["files"].pop("kept")
    assert found == expected(late, large)
    content: Any = [{"type": "text", "text": "What is it?"}, {"type": "file", "file": {"file_id": kept}}]
    with client_for(gateway) as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    assert "audio/wav" in str(answer.choices[0].message.content)


@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_the_python_client_works(python: Path, version: str, gateway: str, sandbox: SandboxServer) -> None:
    prepare(sandbox)
    found = told([str(python), str(HERE / "client_messages.py"), gateway, theirs(gateway)])
    newest = ("GatewayTimeoutError", "ContentTooLargeError")
    check(found, version, gateway, *(newest if version == "2." else ("InternalServerError", "RequestTooLargeError")))


def test_the_javascript_client_works(gateway: str, sandbox: SandboxServer) -> None:
    prepare(sandbox)
    found = told(["node", str(HERE / "client.cjs"), str(packages()), gateway, theirs(gateway)])
    check(found, "1.", gateway, "GatewayTimeoutError", "ContentTooLargeError")
