"""What a request that fails leaves behind dies with it, by its references alone: no exception, answer or attempt keeps
a request alive until a collector comes by."""

from __future__ import annotations

import gc
import json
import socket
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hostile_gemini import MODELS, hostile_gemini
from liftgate.answer.choice import Answer
from liftgate.errors import LiftgateError
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.server.http_protocol import limited_protocol
from liftgate.server.request import Request
from liftgate.settings import load_settings
from raw_http import call, connect, exchange, head
from serving import serve

TIMES = 4
MODEL = "gemini-2.0-flash"
MESSAGES = [{"role": "user", "content": "Hi"}]
JSON = {"Content-Type": "application/json"}

CONFIG = """
model_list:
  - {model_name: "*", litellm_params: {model: "gemini/*", api_key: k1}}
  - {model_name: twice, litellm_params: {model: gemini/status-429, api_key: k1}}
  - {model_name: status-503, litellm_params: {model: gemini/status-503, api_key: k2}}
litellm_settings: {num_retries: 0, fallbacks: [{twice: [status-503]}]}
router_settings: {cooldown_time: 0, allowed_fails: 1000}
liftgate_settings: {max_file_bytes: 1MiB, max_body_bytes: 1MiB, fetch_timeout: 2, read_timeout: 2}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("failures")
    with hostile_gemini() as upstream:
        config = folder / "config.yaml"
        config.write_text(CONFIG)
        environ = {"GEMINI_API_BASE": upstream, "HOME": "/"}
        settings, _ = load_settings(config, {"data_dir": str(folder / "data")}, environ)
        protocol = limited_protocol(max_head=65536, head_timeout=2.0)
        with serve(build_app(Gateway(settings)), http=protocol, date_header=True) as url:
            time.sleep(1)  # the first round of the jobs has failures of its own
            yield url


def chat(**fields: Any) -> Callable[[str], object]:
    body = json.dumps({"model": MODEL, "messages": MESSAGES, **fields}).encode()
    return lambda base: call(base, "POST", "/v1/chat/completions", body, JSON)


def post(target: str, body: bytes, headers: dict[str, str] | None = None) -> Callable[[str], object]:
    return lambda base: call(base, "POST", target, body, headers or JSON)


def form(fields: dict[str, str], content: bytes = b"a", end: bytes = b"--b--\r\n") -> bytes:
    rows = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    return rows.encode() + part + content + b"\r\n" + end


def media(kind: str, **fields: Any) -> Callable[[str], object]:
    return chat(messages=[{"role": "user", "content": [{"type": kind, kind: fields}]}])


def leaving(body: bytes, *, send: int, answered: int = 0) -> Callable[[str], object]:
    """A client that goes away after so many bytes of its body, and of the answer."""

    def ask(base: str) -> None:
        with connect(base) as client:
            client.sendall(
                head("POST", "/v1/chat/completions", {**JSON, "Content-Length": str(len(body))}) + body[:send]
            )
            if answered:
                client.recv(answered)
            client.shutdown(socket.SHUT_RDWR)

    return ask


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
START = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
BODY = json.dumps({"model": MODEL, "messages": MESSAGES}).encode()

KINDS: dict[str, Callable[[str], object]] = {
    "an unknown parameter": chat(nope=1),
    "an unknown message role": chat(messages=[{"role": "nope", "content": "x"}]),
    "no messages": chat(messages=None),
    "no model": chat(model=None),
    "a foreign file": media("file", file_id="file-" + "a" * 24),
    "no base64": media("image_url", url="data:image/png;base64,%%%"),
    "a URL inside": media("image_url", url="http://127.0.0.1:1/a.png"),
    "a URL that is none": media("image_url", url="http://["),
    "two URLs inside": chat(
        messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/"}}] * 2}]
    ),
    "a URL inside, streamed": chat(
        stream=True,
        messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/"}}]}],
    ),
    "no JSON": post("/v1/chat/completions", b"{"),
    "JSON that is no object": post("/v1/chat/completions", b"[]"),
    "a body over the limit": post("/v1/chat/completions", b"x" * 1_100_000),
    "a body over the limit, in chunks": lambda base: exchange(
        base,
        [
            head("POST", "/v1/chat/completions", {**JSON, "Transfer-Encoding": "chunked"}),
            *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 20,
        ],
    ),
    "no route": post("/v1/nope", b"{}"),
    "a wrong method": lambda base: call(base, "DELETE", "/v1/chat/completions"),
    "no such file": lambda base: call(base, "GET", "/v1/files/file-" + "a" * 24),
    "no such model": lambda base: call(base, "GET", "/v1/models/nope/nope/nope"),
    "a wrong query": lambda base: call(base, "GET", "/v1/files?nope=1"),
    "a form without a purpose": post("/v1/files", form({}), FORM),
    "a form that is cut": post("/v1/files", form({"purpose": "user_data"}, end=b""), FORM),
    "a form with an unknown field": post("/v1/files", form({"nope": "1"}), FORM),
    "a file over the limit": post("/v1/files", form({"purpose": "user_data"}, b"x" * 1_100_000), FORM),
    "an empty file": post("/v1/files", form({"purpose": "user_data"}, b""), FORM),
    "a part of no upload": post("/v1/uploads/upload_nope/parts", form({}), FORM),
    "an upload that is none": post("/v1/uploads", b'{"bytes": "x"}'),
    "a native start with garbage": post("/upload/v1beta/files", b"'" + b"\\'" * 100, START),
    "no native session": post("/upload/v1beta/files?upload_id=nope", b"x", {"X-Goog-Upload-Command": "upload"}),
    "a native body with a foreign file": post(
        f"/v1beta/models/{MODEL}:generateContent",
        b'{"contents":[{"parts":[{"fileData":{"fileUri":"files/nope"}}]}]}',
    ),
    "a native body that is no JSON": post(f"/v1beta/models/{MODEL}:generateContent", b'{"model"'),
    "a client that leaves within its body": leaving(BODY, send=10),
    "a client that leaves before its answer": leaving(BODY, send=len(BODY)),
    "a client that leaves within a stream": leaving(
        json.dumps({"model": "short-body", "messages": MESSAGES, "stream": True}).encode(), send=1000, answered=10
    ),
}
KINDS["two failing deployments"] = chat(model="twice")
for _model in MODELS:
    KINDS[f"chat, {_model}"] = chat(model=_model)
    KINDS[f"stream, {_model}"] = chat(model=_model, stream=True)
    KINDS[f"count, {_model}"] = post(
        "/v1/chat/completions/input_tokens", json.dumps({"model": _model, "messages": MESSAGES}).encode()
    )
    KINDS[f"native, {_model}"] = post(f"/v1beta/models/{_model}:generateContent", b"{}")
    KINDS[f"native stream, {_model}"] = post(f"/v1beta/models/{_model}:streamGenerateContent?alt=sse", b"{}")
for _model in ("status-429", "garbage", "short-body", "error-event"):
    for _stream in (False, True):
        _asked = {"model": _model, "stream": _stream}
        KINDS[f"response, {_asked}"] = post("/v1/responses", json.dumps({**_asked, "input": "Hi"}).encode())
        KINDS[f"message, {_asked}"] = post(
            "/v1/messages", json.dumps({**_asked, "max_tokens": 9, "messages": MESSAGES}).encode()
        )


def left_behind() -> dict[str, int]:
    """What only failures make, and requests. Traced objects only: so also what a cycle keeps."""
    kinds = (Request, Answer, LiftgateError, types.TracebackType)
    counted = {kind.__name__: 0 for kind in kinds}
    for each in gc.get_objects():
        for kind in kinds:
            if isinstance(each, kind):
                counted[kind.__name__] += 1
    return counted


def places() -> list[str]:
    """Where the tracebacks that are left lead through."""
    left = [each for each in gc.get_objects() if isinstance(each, types.TracebackType)]
    return [f"{each.tb_frame.f_code.co_qualname}:{each.tb_lineno}" for each in left]


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_that_failed_is_gone_with_its_answer(base: str, kind: str) -> None:
    """In one of three rounds: a failure of the gateway's own work in the background may fall into another."""
    ask = KINDS[kind]
    ask(base)  # what is made once
    gc.collect()
    gc.freeze()  # what is there now is not looked at again
    gc.disable()
    try:
        left = [round_of(ask, base)]
        while left[-1] and len(left) < 3:
            left.append(round_of(ask, base))
    finally:
        gc.enable()  # and what is frozen stays so: thawed, all that was ever imported is looked at by the next of these
    assert left[-1] == "", left


def round_of(ask: Callable[[str], object], base: str) -> str:
    """What requests left that are over for some seconds; empty where they left nothing."""
    before = left_behind()
    for _ in range(TIMES):
        ask(base)
    deadline = time.monotonic() + 5
    while (after := left_behind()) and any(after[name] > before[name] + 2 for name in before):
        if time.monotonic() > deadline:
            return f"{TIMES} requests left {after}, before: {before}: {places()}"
        time.sleep(0.1)
    return ""


def test_the_kinds_are_many() -> None:
    assert len(KINDS) > 100


def test_the_count_sees_what_a_cycle_keeps() -> None:
    def fail() -> None:
        error = LiftgateError("kept by the frame that it refers to")
        raise error

    gc.collect()
    gc.disable()
    try:
        before = left_behind()["traceback"]
        for _ in range(TIMES):
            with pytest.raises(LiftgateError):
                fail()
        assert left_behind()["traceback"] >= before + TIMES
    finally:
        gc.enable()
