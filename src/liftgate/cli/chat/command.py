"""`liftgate chat`: one question, with files, answered in the terminal as it comes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from liftgate.cli.command_line import typed
from liftgate.cli.failures import run
from liftgate.cli.options import address, gateway_options, json_option
from liftgate.names import names_a_file

if TYPE_CHECKING:
    from liftgate.sdk.remote.gateway_client import Address


@click.command()
@click.argument("question")
@click.option("-f", "--file", "given", metavar="PATH|ID", multiple=True, help="A file to ask about. Repeatable.")
@click.option(
    "-m",
    "--model",
    metavar="NAME",
    help="The model to ask.  [default: gemini-flash-latest, or the first that the gateway lists]",
)
@click.option("--system", metavar="TEXT", help="What the model is told beforehand.")
@click.option("--no-stream", is_flag=True, help="Show the answer when it is complete.")
@json_option
@gateway_options
def chat(question: str, given: tuple[str, ...], as_json: bool, base_url: str, api_key: str, **asked: Any) -> None:
    """Ask a question, about files if there are any.

    \b
      liftgate chat "What is said in this recording?" --file interview.wav
      liftgate chat "And by whom?" --file file-…
      git diff | liftgate chat - --system "Review this change."

    A path is uploaded first, and its id shown, so that the next question need not upload it again. `-` reads the
    question from standard input. With --json, the whole answer as the object that OpenAI's API has for it.
    """
    question = _standard_input() if question == "-" else typed(question)
    if not question.strip():
        raise click.UsageError("The question is empty.")
    for name in given:
        if not Path(name).is_file() and not names_a_file(name):
            raise click.UsageError(f"--file: {name!r} is neither a file nor the id of one.")
    where = address(base_url, api_key)
    streamed = not asked["no_stream"] and not as_json
    run(
        lambda: _chat(
            where, question, given, asked["model"], typed(asked["system"] or ""), streamed=streamed, as_json=as_json
        )
    )


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError("Standard input is not UTF-8 text.") from None


async def _chat(
    where: Address,
    question: str,
    given: tuple[str, ...],
    model: str | None,
    system: str | None,
    *,
    streamed: bool,
    as_json: bool,
) -> None:
    from liftgate.cli.chat.answer import Asked, first_model, show_answer, uploaded
    from liftgate.sdk.remote.gateway_client import GatewayClient

    async with GatewayClient(where) as gateway:
        model = model or await first_model(gateway)
        file_ids = await uploaded(where, given, model)
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        parts: list[dict[str, Any]] = [{"type": "file", "file": {"file_id": file_id}} for file_id in file_ids]
        content: object = [{"type": "text", "text": question}, *parts] if parts else question
        messages.append({"role": "user", "content": content})
        body = json.dumps({"model": model, "messages": messages, **({"stream": True} if streamed else {})}).encode()
        await show_answer(gateway, Asked(model, body, streamed=streamed, as_json=as_json))
