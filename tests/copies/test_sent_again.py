"""Stored bytes that were lost or damaged, and a chat that brings the same bytes along: they are in hand, so it works.

At each door that takes media in base64, streamed and whole, in a directory and at S3.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from damaged_store import HARMS, DamagedStore, Where, damaged_store
from gateways import MODEL
from liftgate.settings import LimitSettings
from scene import audio

KIB = 1024
LIMITS = LimitSettings(inline_limit=64 * KIB)
ANN = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}


@pytest.fixture(scope="module", params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DamagedStore]:
    where: Where = request.param
    with (
        pytest.MonkeyPatch.context() as environment,
        damaged_store(where, tmp_path_factory.mktemp("store"), environment, limits=LIMITS) as made,
    ):
        yield made


def asked(door: str, data: bytes, *, stream: bool) -> tuple[str, dict[str, Any]]:
    """The path and the body of a question that brings `data`."""
    encoded = base64.b64encode(data).decode()
    url = f"data:audio/mpeg;base64,{encoded}"
    if door == "chat":
        part: dict[str, Any] = {"type": "file", "file": {"file_data": url, "filename": "speech.mp3"}}
        body: dict[str, Any] = {"messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, part]}]}
        path = "/v1/chat/completions"
    elif door == "responses":
        part = {"type": "input_file", "file_data": url, "filename": "speech.mp3"}
        body = {"input": [{"role": "user", "content": [{"type": "input_text", "text": "?"}, part]}]}
        path = "/v1/responses"
    else:
        part = {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": encoded},
        }
        body = {"max_tokens": 99, "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, part]}]}
        path = "/v1/messages"
    return path, {"model": MODEL, "stream": stream, **body}


def said(store: DamagedStore, door: str, data: bytes, *, stream: bool) -> str:
    path, body = asked(door, data, stream=stream)
    parts = urlsplit(store.of.url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as connection:
        connection.request("POST", path, json.dumps(body).encode(), ANN)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text


@pytest.mark.parametrize("harm", ["removed", "one byte changed", "truncated"])
@pytest.mark.parametrize("door", ["chat", "responses", "messages"])
def test_a_chat_that_brings_its_bytes_again_has_them(store: DamagedStore, door: str, harm: str) -> None:
    stream = harm == "truncated"
    data = audio(300 * KIB, seed=7) + f"{door}, {harm}".encode()
    digest = hashlib.sha256(data).hexdigest()
    before = set(store.objects())
    assert digest in said(store, door, data, stream=stream)
    [key, *_] = [key for key in store.objects() if key not in before]
    HARMS[harm](store, key)
    store.of.sandbox.control("files", method="DELETE")
    assert digest in said(store, door, data, stream=stream)
    # What came stays: the next one needs nothing to be mended.
    started = store.of.operations("upload.start")
    assert digest in said(store, door, data, stream=stream)
    assert store.of.operations("upload.start") == started


def test_what_is_named_and_lost_is_still_an_error(store: DamagedStore) -> None:
    data = audio(100 * KIB, seed=8)
    before = set(store.objects())
    file_id = store.of.create(data)
    [key] = [key for key in store.objects() if key not in before]
    store.remove(key)
    with pytest.raises(openai.InternalServerError, match="missing or damaged"):
        store.of.ask(file_id, data)
