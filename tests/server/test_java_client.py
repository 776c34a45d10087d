"""Java's own HttpClient, as LangChain4j and Spring use it: it offers h2c with every first request of a connection."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from running import MODEL, Running

PROGRAM = Path(__file__).with_name("FilesClient.java")


@pytest.fixture(scope="module")
def java() -> str:
    """`scripts/test` installs it; where CI is set its absence is a failure."""
    found = shutil.which("java")
    if found is None and not os.environ.get("CI"):
        pytest.skip("no java here (Debian: default-jdk-headless)")
    assert found is not None
    return found


def test_javas_standard_client_gets_every_answer(java: str, gateway: Running) -> None:
    done = subprocess.run(
        [java, str(PROGRAM), gateway.base, MODEL], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = {}
    for line in done.stdout.splitlines():
        name, status, body = line.split("\t", 2)
        answers[name] = (status, body)
    assert {name: status for name, (status, _) in answers.items()} == {
        **dict.fromkeys(("models", "chat", "chat in chunks", "stream", "file", "file in chunks", "gemini"), "200"),
        "kept": "200,200,200",
    }
    assert json.loads(answers["models"][1])["data"][0]["id"] == MODEL
    for name in ("chat", "chat in chunks"):
        assert json.loads(answers[name][1])["choices"][0]["finish_reason"] == "stop"
    assert answers["stream"][1].endswith("|data: [DONE]")
    for name in ("file", "file in chunks"):
        file = json.loads(answers[name][1])
        assert (file["filename"], file["bytes"]) == ("java.txt", 200_000)
        assert gateway.call("GET", f"/v1/files/{file['id']}/content").body == b"from Java " * 20_000
    assert json.loads(answers["gemini"][1])["candidates"]
