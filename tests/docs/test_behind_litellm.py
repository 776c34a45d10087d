"""docs/behind-litellm.md: its config as LiteLLM's OpenAI client uses it, and (`full`) in LiteLLM's own proxy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from authorities import outside
from gateways import gateway_server, sandbox_server, settings_for

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "behind-litellm.yaml"
RECORDING = ROOT / "examples" / "recording.wav"
PROXY = ROOT / ".cache" / "litellm-proxy"
START_SECONDS = 120.0
THERE = "http://127.0.0.1:4000"
"""Where the example has the gateway."""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    with sandbox_server() as sandbox:
        settings = settings_for(sandbox, tmp_path)
        named = [replace(each, model_name="gemini-flash-latest") for each in settings.deployments]
        with gateway_server(replace(settings, deployments=tuple(named))) as url:
            yield url


def walk_through(client: openai.OpenAI, model: str) -> None:
    """What the page says works: chat, files, a file in chat."""
    assert client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}]).choices
    with RECORDING.open("rb") as recording:
        file = client.files.create(file=recording, purpose="user_data")
    assert client.files.retrieve(file.id).filename == "recording.wav"
    content: list[Any] = [{"type": "text", "text": "What is said?"}, {"type": "file", "file": {"file_id": file.id}}]
    messages: list[Any] = [{"role": "user", "content": content}]
    whole = client.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""
    assert f"{RECORDING.stat().st_size} bytes" in whole
    chunks = client.chat.completions.create(model=model, messages=messages, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole
    assert client.files.content(file.id).read() == RECORDING.read_bytes()
    assert file.id in {each.id for each in client.files.list()}
    assert client.files.delete(file.id).deleted


def test_the_page_shows_the_example_as_it_is() -> None:
    assert f"```yaml\n{EXAMPLE.read_text()}```" in (ROOT / "docs" / "behind-litellm.md").read_text()


def test_each_entry_works_for_the_client_that_litellm_calls_it_with(gateway: str) -> None:
    config = yaml.safe_load(EXAMPLE.read_text())
    (entry,), (files,) = config["model_list"], config["files_settings"]
    params = entry["litellm_params"]
    provider, _, model = params["model"].partition("/")
    assert (provider, files["custom_llm_provider"]) == ("openai", "openai")
    assert params["api_base"] == files["api_base"]
    base = params["api_base"].replace(THERE, gateway)
    walk_through(openai.OpenAI(base_url=base, api_key="sk-ann", max_retries=0), model)


@pytest.mark.full
def test_litellms_proxy_passes_chats_and_files_through(gateway: str, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(EXAMPLE.read_text().replace(THERE, gateway))
    with litellm_proxy(tmp_path / "litellm.yaml") as url:
        walk_through(openai.OpenAI(base_url=url, api_key="sk-litellm", max_retries=0), "gemini-flash-latest")


@contextmanager
def litellm_proxy(config: Path) -> Iterator[str]:
    """LiteLLM's proxy on a free port, in an environment of its own (about 600 MB, installed once)."""
    if not (PROXY / "bin" / "litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", PROXY], check=True)
        subprocess.run(
            [PROXY / "bin" / "pip", "install", "--quiet", "litellm[proxy]==1.108.7"], env=outside(), check=True
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**os.environ, "LIFTGATE_API_KEY": "sk-ann", "LITELLM_MASTER_KEY": "sk-litellm"}
    command = [str(PROXY / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_up(f"http://127.0.0.1:{port}/health/liveliness"):
            assert process.poll() is None and time.monotonic() < deadline, "LiteLLM's proxy did not start"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
