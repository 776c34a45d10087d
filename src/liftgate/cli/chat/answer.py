"""What `liftgate chat` does at the gateway: finds a model, uploads what is a path, and shows the answer."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import click

from liftgate.cli.failures import Failure
from liftgate.cli.files.sending import send_files
from liftgate.cli.readable import plain
from liftgate.json_types import JsonObject
from liftgate.records import NewFile
from liftgate.sdk.remote.gateway_client import Address, GatewayClient
from liftgate.sdk.remote.gateway_errors import in_stream
from liftgate.sse import EventDecoder

SILENCE_SECONDS = 900.0
"""An unstreamed answer may wait for a file on its way to Gemini; a stream is never silent for so long."""

_ENDINGS = {"length": "the model's limit of length", "content_filter": "the content filter"}


@dataclass(frozen=True, slots=True)
class Asked:
    """`body`: the request's JSON."""

    model: str
    body: bytes
    streamed: bool
    as_json: bool


USUAL = "gemini-flash-latest"
"""The model for a question about anything, where the gateway has it."""
_NO_CHAT = re.compile(r"embedding|tts|image|banana|audio|live|veo|imagen|lyria|robotics|computer-use|aqa|transcribe")
"""Of Google's names those that answer no question about a file with words."""


async def first_model(gateway: GatewayClient) -> str:
    """The usual one, else the first that is listed and can be asked. Raises UsageError where there is none."""
    listed = [str(model["id"]) for model in (await gateway.ask("GET", "/models"))["data"]]
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
    paths = [name for name in given if Path(name).is_file()]
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
        # What went wrong has been told.
        raise click.exceptions.Exit(failures[0].exit_code)
    ids = {path: str(file["id"]) for path, file in zip(distinct, found, strict=True)}
    return [ids.get(name, name) for name in given]


async def show_answer(gateway: GatewayClient, asked: Asked) -> None:
    headers = {"Content-Type": "application/json"}
    with ExitStack() as shown:
        waited = _waiting(shown, asked)
        async with gateway.open(
            "POST", "/chat/completions", headers=headers, body=asked.body, silence=SILENCE_SECONDS
        ) as answer:
            if asked.streamed:
                await _stream(answer, waited)
                return
            document = gateway.decoded(await answer.read())
        waited()
    if asked.as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    choice = document["choices"][0]
    click.echo(_shown(str(choice["message"].get("content") or choice["message"].get("refusal") or "")))
    _tell_ending(choice.get("finish_reason"))


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


async def _stream(answer: aiohttp.ClientResponse, waited: Callable[[], None]) -> None:
    decoder = EventDecoder()
    ending = None
    last = "\n"
    try:
        async for piece in answer.content.iter_any():
            for event in decoder.feed(piece):
                if event == b"[DONE]":
                    continue
                text, reason = _read(event)
                ending = reason or ending
                if text:
                    waited()
                    sys.stdout.write(_shown(text))
                    sys.stdout.flush()
                    last = text[-1]
        if ending is None:
            raise Failure("the answer broke off.")
    finally:
        waited()
        if last != "\n":
            click.echo()
    _tell_ending(ending)


def _read(event: bytes) -> tuple[str, str | None]:
    """The text of a chunk and its finish reason. Raises for an error in the stream."""
    try:
        chunk = json.loads(event)
        if error := in_stream(chunk):
            raise error
        choices = chunk["choices"]
        if not choices:
            return "", None
        delta = choices[0]["delta"]
        return str(delta.get("content") or delta.get("refusal") or ""), choices[0].get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Failure("the stream holds what is no chat completion.") from None


def _shown(text: str) -> str:
    """A model's text must not command the terminal."""
    return plain(text, lines=True) if sys.stdout.isatty() else text


def _tell_ending(reason: str | None) -> None:
    if reason in _ENDINGS:
        click.echo(f"liftgate: the answer was ended by {_ENDINGS[reason]}.", err=True)
