"""Another API is one module and one table of routes: it answers a chat with a file, streamed and whole, and errors."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import liftgate
import trial_dialect
from gateways import MODEL, SandboxServer, client_for, sandbox_server, settings_for
from liftgate.gateway import Gateway
from liftgate.sandbox.settings import SandboxSettings
from liftgate.server.app import build_app
from liftgate.server.routes import TABLES
from liftgate.settings.sections import JobSettings
from liftgate.sse import EventDecoder
from raw_http import Answer, call
from serving import serve

KEY = {"Authorization": "Bearer sk-ann"}
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server(SandboxSettings(video_processing=1.0)) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    jobs = JobSettings(stream_commit_seconds=0.1, stream_ping_seconds=0.1)
    settings = settings_for(sandbox, tmp_path_factory.mktemp("data"), jobs=jobs)
    with serve(build_app(Gateway(settings), (trial_dialect.TABLE, *TABLES))) as url:
        yield url


def _ask(gateway: str, key: dict[str, str] = KEY, **body: object) -> Answer:
    return call(gateway, "POST", "/toy", json.dumps({"model": MODEL, "ask": "What is this?", **body}).encode(), key)


def test_a_chat_with_a_file_is_answered_whole(gateway: str) -> None:
    with client_for(gateway) as client:
        file = client.files.create(file=("a.txt", b"hello from a file"), purpose="user_data")
    answer = _ask(gateway, file=file.id)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/toy+json")
    assert "text/plain" in answer.json()["toy"] and answer.json()["tokens"] > 0


def test_a_chat_with_a_file_is_streamed_with_its_pings_and_its_end(gateway: str) -> None:
    """Gemini works on the file for a second: the stream begins with the toy's own pings."""
    with client_for(gateway) as client:
        file = client.files.create(file=("clip.mp4", MP4), purpose="user_data")
    answer = _ask(gateway, file=file.id, stream=True)
    assert answer.status == 200 and answer.body.endswith(b"event: over\n\n")
    events = [json.loads(data) for data in EventDecoder().feed(answer.body)]
    assert events[0] == {}
    told = [event for event in events if event]
    assert "video/mp4" in "".join(event.get("say", "") for event in told)
    assert told[-1]["end"] == "STOP" and told[-1]["tokens"] > 0


def test_errors_are_the_toys_before_a_stream_and_inside_one(gateway: str, sandbox: SandboxServer) -> None:
    for stream in (False, True):
        answer = _ask(gateway, file="file-" + "0" * 24, stream=stream)
        assert (answer.status, answer.json()) == (404, {"oh": "FileNotFound", "where": "file"})
    assert _ask(gateway, {"Authorization": "Bearer wrong"}).json()["oh"] == "AuthenticationFailed"
    assert call(gateway, "GET", "/toy", headers=KEY).json()["oh"] == "MethodNotAllowed"
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}]}}]}
    sandbox.control("scripts", {"chunks": [chunk, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]})
    answer = _ask(gateway, stream=True)
    events = [json.loads(data) for data in EventDecoder().feed(answer.body)]
    assert (answer.status, events) == (200, [{"say": "one "}, {"oh": "UpstreamRateLimited", "where": None}])


def test_other_apis_are_as_they_were(gateway: str) -> None:
    with client_for(gateway) as client:
        said = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
    assert said.choices[0].message.content
    assert call(gateway, "POST", "/nothing", b"{}", KEY).json()["error"]["type"] == "invalid_request_error"


def test_the_toy_is_one_module_of_sixty_lines_and_nothing_knows_it() -> None:
    module = Path(trial_dialect.__file__)
    code = [
        line for line in module.read_text().splitlines() if line.strip() and not line.startswith(("from", "import"))
    ]
    assert len(code) <= 60
    source = Path(liftgate.__file__).parent
    assert not [path for path in source.rglob("*.py") if "toy" in path.read_text().lower()]


def test_no_dialect_is_compared_by_its_name() -> None:
    """What differs between APIs is asked of the dialect, or stands in the table of routes."""
    source = Path(liftgate.__file__).parent
    found = []
    for path in [*source.glob("server/**/*.py"), *source.glob("engine/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                for each in (node.left, *node.comparators):
                    if isinstance(each, ast.Constant) and each.value in ("openai", "gemini", "chat"):
                        found.append(f"{path.name}:{node.lineno}")
    assert found == []
