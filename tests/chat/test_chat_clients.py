"""The official clients' own helpers, in both major versions, over two gateway processes on one catalogue."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from chat_wire import MODELS, SIGNING
from gateways import SandboxServer, sandbox_server
from liftgate.sandbox.answers.signatures import signature_of
from processes import GatewayProcess, gateway_processes

HERE = Path(__file__).parent
OPENAI_2 = HERE.parents[1] / ".venv-openai2" / "bin" / "python"
NAMES = ("look", "listen", "touch")
STEPS = 10


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server


@pytest.fixture(scope="module")
def gateways(shared_sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[GatewayProcess]]:
    directory = tmp_path_factory.mktemp("gateways")
    config = directory / "config.yaml"
    models = [
        {
            "model_name": model,
            "litellm_params": {"model": f"gemini/{model}", "api_key": "key-a", "api_base": shared_sandbox.url},
        }
        for model in MODELS
    ]
    config.write_text(
        yaml.safe_dump({"model_list": models, "liftgate_settings": {"keys": [{"name": "ann", "key": "sk-ann"}]}})
    )
    with gateway_processes(config, directory, 2) as running:
        yield running


def _queue_steps(sandbox: SandboxServer) -> None:
    """Ten answers of three parallel calls, of which the first is signed, as gemini-3 models do."""
    for step in range(STEPS):
        parts: list[dict[str, Any]] = []
        for place, name in enumerate(NAMES):
            call = {"id": f"native-{step}-{place}", "name": name, "args": {"step": step, "place": f"п{place}"}}
            part: dict[str, Any] = {"functionCall": call}
            if place == 0:
                signature = signature_of(name, {"step": step, "place": "п0"})
                part["thoughtSignature"] = base64.b64encode(signature).decode()
            parts.append(part)
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        sandbox.control("scripts", {"model": SIGNING, "response": {"candidates": [candidate]}})


def _check_signatures(sandbox: SandboxServer) -> None:
    """The last request of the loop carried all ten steps, each signed by what Gemini gave, none by the skip value."""
    bodies = [each["body"] for each in sandbox.control("bodies")["bodies"] if each["model"] == SIGNING]
    contents = bodies[-1]["contents"]
    turns = [content["parts"] for content in contents if content["role"] == "model"]
    assert len(turns) == STEPS
    for step, parts in enumerate(turns):
        expected = base64.b64encode(signature_of("look", {"step": step, "place": "п0"})).decode()
        assert [part.get("thoughtSignature") for part in parts] == [expected, None, None]
        assert [part["functionCall"]["name"] for part in parts] == list(NAMES)
    answers = [part for content in contents for part in content["parts"] if "functionResponse" in part]
    calls = [part["functionCall"] for parts in turns for part in parts]
    assert [(each["functionResponse"]["id"], each["functionResponse"]["name"]) for each in answers] == [
        (call["id"], call["name"]) for call in calls
    ]


@pytest.mark.parametrize(
    ("python", "version"),
    [
        pytest.param(Path(sys.executable), "3.", id="openai 3"),
        pytest.param(
            OPENAI_2,
            "2.",
            id="openai 2",
            marks=pytest.mark.skipif(not OPENAI_2.exists(), reason="./scripts/test makes .venv-openai2"),
        ),
    ],
)
def test_the_clients_helpers_work(
    python: Path, version: str, gateways: list[GatewayProcess], shared_sandbox: SandboxServer, tmp_path: Path
) -> None:
    shared_sandbox.control("scripts", method="DELETE")
    # The stream helper's own chat with this model comes first and is to be computed, not scripted.
    command: list[str | Path] = [python, HERE / "client_helpers.py", gateways[0].url, gateways[1].url, tmp_path]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready for the loop\n", process.communicate(timeout=60)[1]
        _queue_steps(shared_sandbox)
        out, err = process.communicate("go\n", timeout=120)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)
    assert told["version"].startswith(version)
    assert all(call_id.startswith("call_") and len(call_id) < 40 for call_id in told["ids"])
    _check_signatures(shared_sandbox)
    _check_media(tmp_path)


def _check_media(directory: Path) -> None:
    with wave.open(str(directory / "whole.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24000, 1, 2)
        samples = sound.readframes(sound.getnframes())
    assert len(samples) > 1000
    assert (directory / "streamed.pcm").read_bytes() == samples
    with Image.open(directory / "picture.png") as picture:
        picture.load()
        assert picture.format == "PNG" and picture.width > 0
