"""What `liftgate chat` does at the gateway: finds a model, uploads what is a path, and shows the answer."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import click

from liftgate.cli.failures import Failure
from liftgate.cli.files.sending import send_files
from liftgate.cli.readable import plain
from liftgate.json_types import JsonObject, loaded
from liftgate.records import NewFile
from liftgate.sdk.remote.gateway_client import Address, GatewayClient
from liftgate.sdk.remote.gateway_errors import in_stream
from liftgate.sse import EventDecoder

T = TypeVar("T")

SILENCE_SECONDS = 900.0
"""An unstreamed answer may wait for a file on its way to Gemini; a stream is never silent for so long."""

_ENDINGS = {
    "length": "the model's limit of length",
    "max_output_tokens": "the model's limit of length",
    "content_filter": "the content filter",
}
CHAT, RESPONSES = "/chat/completions", "/responses"


@dataclass(frozen=True, slots=True)
class Asked:
    """`path`: of the API that is asked, CHAT or RESPONSES. `body`: the request's JSON."""

    model: str
    path: str
    body: bytes
    streamed: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """`text`: all of it. `response_id`: under which the gateway keeps it. `unseen`: what it has beside text."""

    text: str
    response_id: str | None = None
    ending: str | None = None
    unseen: frozenset[str] = frozenset()


USUAL = "gemini-flash-latest"
"""The model for a question about anything, where the gateway has it."""
_NO_CHAT = re.compile(r"embedding|tts|image|banana|audio|live|veo|imagen|lyria|robotics|computer-use|aqa|transcribe")
"""Of Google's names those that answer no question about a file with words."""


async def first_model(gateway: GatewayClient) -> str:
    """The usual one, else the first that is listed and can be asked. Raises UsageError where there is none."""
    listed = [str(model["id"]) for model in (await gateway.ask_list("/models", ("id",)))["data"]]
    answering = [name for name in listed if not _NO_CHAT.search(name)] or listed
    usual = [name for name in answering if name.rsplit("/", 1)[-1] == USUAL]
    if not listed:
        raise click.UsageError(f"--model: the gateway lists no model, so it must be named, such as --model {USUAL}.")
    name = (usual or answering)[0]
    if len(listed) > 1 and sys.stderr.isatty():
        click.secho(f"asking {plain(name)} (--model chooses another)", err=True, dim=True)
    return name


async def uploaded(where: Address, given: Sequence[str], model: str) -> list[str]:
    """The ids of the files, in their order: of paths, once they are uploaded. Raises Exit when one failed."""
    paths = [name for name in given if os.path.isfile(name)]
    found: list[JsonObject] = []
    failures: list[Failure] = []

    def done(outcome: JsonObject | Failure) -> None:
        if isinstance(outcome, Failure):
            failures.append(outcome)
            return
        found.append(outcome)
        click.echo(f"{plain(str(outcome['filename']))} is {outcome['id']}", err=True)

    distinct = list(dict.fromkeys(paths))
    if distinct:
        await send_files(
            where, [Path(path) for path in distinct], NewFile(models=(model,)), jobs=2, wait=False, done=done
        )
    if failures:
        # What went wrong has been shown.
        raise click.exceptions.Exit(failures[0].exit_code)
    ids = {path: str(file["id"]) for path, file in zip(distinct, found, strict=True)}
    return [ids.get(name, name) for name in given]


async def show_answer(gateway: GatewayClient, asked: Asked) -> Answered:
    headers = {"Content-Type": "application/json"}
    with ExitStack() as shown:
        waited = _waiting(shown, asked)
        async with gateway.open(
            "POST", asked.path, headers=headers, body=asked.body, silence=SILENCE_SECONDS
        ) as answer:
            if asked.streamed:
                return await _stream(answer, asked, waited)
            document = gateway.decoded(await answer.read())
        waited()
    whole = _read(document, _whole_chat if asked.path == CHAT else _whole_response)
    if asked.as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
        return whole
    if whole.text or not whole.unseen:
        click.echo(_shown(whole.text))
    _tell_ending(whole.ending)
    _tell_unseen(whole.unseen)
    return whole


def _whole_chat(document: JsonObject) -> Answered:
    choice = document["choices"][0]
    text = str(choice["message"].get("content") or choice["message"].get("refusal") or "")
    return Answered(text, None, choice.get("finish_reason"), _unseen(choice["message"]))


def _unseen(message: JsonObject) -> frozenset[str]:
    """Of a chat's message, or a part of one."""
    return frozenset(name for key, name in (("audio", "sound"), ("images", "images")) if message.get(key))


def _unseen_in(event: JsonObject) -> frozenset[str]:
    """Of an event of a stream; an answer of Responses has it at its end."""
    found: frozenset[str] = frozenset()
    return found.union(*(_unseen(choice["delta"]) for choice in event.get("choices", ())))


def _whole_response(document: JsonObject) -> Answered:
    parts = [part for item in document["output"] if item["type"] == "message" for part in item["content"]]
    text = "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)
    reason = (document.get("incomplete_details") or {}).get("reason")
    has_images = any(item["type"] == "image_generation_call" for item in document["output"])
    return Answered(text, document["id"], reason, frozenset({"images"} if has_images else ()))


def _waiting(shown: ExitStack, asked: Asked) -> Callable[[], None]:
    """Shows that an answer is waited for, in a terminal; the function that ends it."""
    if not (sys.stderr.isatty() and sys.stdout.isatty()):
        return lambda: None
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return lambda: None
    status = shown.enter_context(console.status(Text(f"{plain(asked.model)} is asked", "dim")))
    return status.stop


async def _stream(answer: aiohttp.ClientResponse, asked: Asked, waited: Callable[[], None]) -> Answered:
    decoder = EventDecoder()
    read_event = _chat_event if asked.path == CHAT else _response_event
    texts: list[str] = []
    unseen: frozenset[str] = frozenset()
    last: Answered | None = None
    try:
        async for piece in answer.content.iter_any():
            for event in decoder.feed(piece):
                if event == b"[DONE]":
                    continue
                found = _unbroken(event)
                text, end = _read(found, read_event)
                unseen |= _read(found, _unseen_in)
                last = end or last
                if text:
                    waited()
                    sys.stdout.write(_shown(text))
                    sys.stdout.flush()
                    texts.append(text)
        if last is None:
            raise Failure("the answer broke off.")
    finally:
        waited()
        if texts and not texts[-1].endswith("\n"):
            click.echo()
    _tell_ending(last.ending)
    _tell_unseen(unseen | last.unseen)
    return replace(last, text="".join(texts))


def _unbroken(event: bytes) -> object:
    """What an event of a stream holds. Raises the error that stands in an answer's place."""
    try:
        found = loaded(event)
    except ValueError:
        return None
    if isinstance(found, dict) and (error := in_stream(found)):
        raise error
    return found


def _read(found: Any, read: Callable[[JsonObject], T]) -> T:
    """What of a gateway's JSON is shown. Raises Failure where it is none of an answer."""
    try:
        return read(found)
    except (LookupError, TypeError, AttributeError):
        raise Failure("what came is no answer; is it a Liftgate gateway?") from None


def _chat_event(chunk: JsonObject) -> tuple[str, Answered | None]:
    """The text of an event, and the end where it is one."""
    choices = chunk["choices"]
    if not choices:
        return "", None
    delta, reason = choices[0]["delta"], choices[0].get("finish_reason")
    return str(delta.get("content") or delta.get("refusal") or ""), Answered("", None, reason) if reason else None


def _response_event(event: JsonObject) -> tuple[str, Answered | None]:
    kind = event["type"]
    if kind in ("response.output_text.delta", "response.refusal.delta"):
        return str(event["delta"]), None
    if kind in ("response.completed", "response.incomplete"):
        return "", _whole_response(event["response"])
    return "", None


def _shown(text: str) -> str:
    """A model's text must not command the terminal."""
    return plain(text, lines=True) if sys.stdout.isatty() else text


def _tell_ending(reason: str | None) -> None:
    if reason in _ENDINGS:
        click.echo(f"liftgate: the answer was ended by {_ENDINGS[reason]}.", err=True)


def _tell_unseen(unseen: frozenset[str]) -> None:
    if unseen:
        what = " and ".join(sorted(unseen))
        click.echo(
            f"liftgate: the answer has {what} too, which this command does not show; --json writes it.", err=True
        )
