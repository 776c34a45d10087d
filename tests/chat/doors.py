"""One chat at every door that translates OpenAI's form: the gateway and the SDK, straight and over a directory, each
whole and streamed. All give one form: the choices by index, or the error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from chat_wire import answering, blocks, chat_settings, post, put_together
from gateways import SandboxServer, gateway_server
from liftgate import Liftgate
from liftgate.errors import LiftgateError

DOORS = ("gateway", "gateway stream", "sdk", "sdk stream", "durable", "durable stream")
STREAMS = tuple(name for name in DOORS if name.endswith("stream"))
Choices = dict[int, dict[str, Any]]
Ask = Callable[..., Choices]


class Refused(Exception):
    """The error that a door gave: its status (of a stream that had begun: None) and OpenAI's error object."""

    def __init__(self, status: int | None, error: dict[str, Any], chunks: list[dict[str, Any]] | None = None) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error
        self.chunks = chunks or []


@contextmanager
def door(name: str, sandbox: SandboxServer, directory: Path, models: tuple[str, ...]) -> Iterator[Ask]:
    """Asks with the fields of a request."""
    stream = name.endswith("stream")
    with ExitStack() as stack:
        if name.startswith("gateway"):
            url = stack.enter_context(gateway_server(chat_settings(sandbox, directory, models=models)))
            yield lambda **request: _gateway(url, request, stream=stream)
            return
        kept: dict[str, Any] = {"data_dir": directory} if name.startswith("durable") else {}
        client = stack.enter_context(Liftgate(api_key="key-a", api_base=sandbox.url, num_retries=0, **kept))
        yield lambda **request: _sdk(client, request, stream=stream)


def _gateway(url: str, request: dict[str, Any], *, stream: bool) -> Choices:
    if not stream:
        status, _, body = post(url, request)
        if status != 200:
            raise Refused(status, body["error"])
        return {choice["index"]: choice for choice in body["choices"]}
    with answering(url, {**request, "stream": True}) as response:
        if response.status != 200:
            raise Refused(response.status, json.loads(response.read())["error"])
        found = [block.removeprefix("data: ").strip() for block in blocks(response) if block.startswith("data: ")]
    if found[-1] == "[DONE]":
        return put_together([json.loads(block) for block in found[:-1]])
    chunks = [json.loads(block) for block in found]
    raise Refused(None, chunks[-1]["error"], chunks[:-1])


def _sdk(client: Liftgate, request: dict[str, Any], *, stream: bool) -> Choices:
    # The SDK's own `extra_body` is Gemini's request; the fields are arguments like any other.
    request = {**request, **request.get("extra_body", {}), "model": f"gemini/{request['model']}"}
    request.pop("extra_body", None)
    chunks: list[dict[str, Any]] = []
    begun = False
    try:
        answer = client.completion(**request, stream=stream)
        if not stream:
            return {choice["index"]: choice for choice in _plain(answer)["choices"]}
        begun = True
        chunks.extend(_plain(chunk) for chunk in answer)
        return put_together(chunks)
    except LiftgateError as error:
        public: Any = error
        raise Refused(None if begun else error.http_status, public.body, chunks) from error


def _plain(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value.model_dump_json())
    return found
