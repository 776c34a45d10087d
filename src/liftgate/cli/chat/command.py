"""`liftgate chat`: one question, with files, answered in the terminal as it comes."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from liftgate.cli.command_line import typed
from liftgate.cli.failures import run
from liftgate.cli.options import address, gateway_options, json_option
from liftgate.errors import shortened
from liftgate.json_types import JsonObject
from liftgate.names import names_a_file

if TYPE_CHECKING:
    from liftgate.sdk.remote.gateway_client import Address

_ADDRESS = re.compile(r"(?i:https?)://[^/?#]")
"""What the gateway fetches, or Gemini reads by itself, as films at YouTube."""


@click.command()
@click.argument("question")
@click.option("-f", "--file", "given", metavar="PATH|ID|URL", multiple=True, help="A file to ask about. Repeatable.")
@click.option(
    "-m",
    "--model",
    metavar="NAME",
    help="The model to ask.  [default: gemini-flash-latest, or the first that the gateway lists]",
)
@click.option("--system", metavar="TEXT", help="The instruction that stands before the question.")
@click.option("-c", "--continue", "goes_on", is_flag=True, help="Go on from the last answer of this gateway.")
@click.option("--no-stream", is_flag=True, help="Show the answer when it is complete.")
@json_option
@gateway_options
def chat(question: str, given: tuple[str, ...], as_json: bool, base_url: str, api_key: str, **asked: Any) -> None:
    """Ask a question, about files if there are any.

    \b
      liftgate chat "What is said in this recording?" --file interview.wav
      liftgate chat "And by whom?" --file file-…
      liftgate chat "What is it about?" --file https://www.youtube.com/watch?v=…
      liftgate chat --continue "What did she answer?"
      git diff | liftgate chat - --system "Review this change."

    A path is uploaded first, and its id shown, so that the next question need not upload it again. `-` reads the
    question from standard input. With --json, the whole answer as the object that OpenAI's API has for it.
    --continue sends the conversation so far along, files included, to the same model; the gateway keeps such a
    conversation for 30 days.
    """
    question = _standard_input() if question == "-" else typed(question)
    if not question.strip():
        raise click.UsageError("The question is empty.")
    for name in given:
        if names_a_file(name) or _ADDRESS.match(name):
            continue
        try:
            found = Path(name).is_file()
        except OSError as error:
            raise click.UsageError(f"--file: {shortened(name)!r} cannot be read ({error.strerror}).") from None
        if not found:
            raise click.UsageError(f"--file: {name!r} is neither a file, nor the id of one, nor an address.")
    where = address(base_url, api_key)
    streamed = not asked["no_stream"] and not as_json
    whole = Question(question, given, asked["model"], typed(asked["system"] or ""), streamed, as_json, asked["goes_on"])
    run(lambda: _chat(where, whole))


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError("Standard input is not UTF-8 text.") from None


@dataclass(frozen=True, slots=True)
class Question:
    """`given`: paths, ids and addresses of files. `system`: empty where there is none. `goes_on`: from the last one."""

    text: str
    given: tuple[str, ...]
    model: str | None
    system: str
    streamed: bool
    as_json: bool
    goes_on: bool


async def _chat(where: Address, question: Question) -> None:
    from liftgate.cli.chat.answer import CHAT, RESPONSES, Asked, first_model, show_answer, uploaded
    from liftgate.cli.chat.last import Last, LastAnswers
    from liftgate.sdk.remote.gateway_client import GatewayClient
    from liftgate.sdk.remote.upload_state import can_remember, state_dir

    answers = LastAnswers(state_dir(os.environ), where)
    before = answers.load() if question.goes_on else None
    if question.goes_on and before is None:
        remembered = state_dir(os.environ)
        why = (
            "nothing was asked of this gateway before, with this key, or the last answer was too long to be kept"
            if can_remember(remembered)
            else f"{remembered} cannot be written, so no answer is remembered; XDG_STATE_HOME may name another place"
        )
        raise click.UsageError(f"--continue: {why}.")
    async with GatewayClient(where) as gateway:
        model = question.model or (before.model if before else await first_model(gateway))
        file_ids = await uploaded(where, question.given, model)
        asked_items = _items(question, file_ids)
        body: JsonObject
        if before is None:
            body = {"model": model, "messages": _messages(question, file_ids)}
        elif before.response_id:
            body = {"model": model, "input": asked_items, "previous_response_id": before.response_id}
        else:
            body = {"model": model, "input": [*before.items, *asked_items]}
        if question.streamed:
            body["stream"] = True
        path, encoded = CHAT if before is None else RESPONSES, json.dumps(body).encode()
        asked = Asked(model, path, encoded, streamed=question.streamed, as_json=question.as_json)
        shown = await show_answer(gateway, asked)
        answer = {"type": "message", "role": "assistant", "content": shown.text}
        items = () if shown.response_id else (*asked_items, answer)
        answers.save(Last(model, shown.response_id, items))


def _messages(question: Question, file_ids: list[str]) -> list[JsonObject]:
    """For a chat."""
    messages: list[JsonObject] = [{"role": "system", "content": question.system}] if question.system else []
    parts: list[JsonObject] = [{"type": "file", "file": {"file_id": file_id}} for file_id in file_ids]
    content: object = [{"type": "text", "text": question.text}, *parts] if parts else question.text
    return [*messages, {"role": "user", "content": content}]


def _items(question: Question, file_ids: list[str]) -> list[JsonObject]:
    """The same for Responses. The instruction is an item, so that it holds for what follows as well."""
    items: list[JsonObject] = []
    if question.system:
        items.append({"type": "message", "role": "developer", "content": question.system})
    parts = [{"type": "input_file", "file_id": file_id} for file_id in file_ids]
    content = [{"type": "input_text", "text": question.text}, *parts]
    return [*items, {"type": "message", "role": "user", "content": content}]
