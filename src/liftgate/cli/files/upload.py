"""`liftgate files upload`: several files at once, with progress, their ids on standard output in the order given."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from liftgate.cli.failures import Failure, Interrupted, run
from liftgate.cli.options import WholeNumber, Word, address, gateway_options, json_option
from liftgate.cli.readable import plain, size
from liftgate.dialects.openai_files import PURPOSES
from liftgate.json_types import JsonObject
from liftgate.records import NewFile


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", "models", metavar="NAME", multiple=True, help="Carry it to this model at once. Repeatable.")
@click.option("--wait", is_flag=True, help="Return when it is there, or Gemini has refused it.")
@click.option("--purpose", type=Word(PURPOSES), default="user_data", show_default=True, help="OpenAI's purpose.")
@click.option(
    "--expires-after", type=WholeNumber(3600, 2_592_000), metavar="SECONDS", help="Remove it after this time."
)
@click.option("--jobs", type=WholeNumber(1, 16), metavar="N", default=2, show_default=True, help="Files at once.")
@json_option
@gateway_options
def upload(paths: tuple[Path, ...], as_json: bool, base_url: str, api_key: str, **asked: Any) -> None:
    """Upload files of any size.

    A file above 16 MiB goes in parts. When it is interrupted, the same command goes on where it stopped, for an hour
    after the last part and if the file is still the same.

    Standard output gets one line for each file, its id first; with --json, its File object.
    """
    from liftgate.cli.files.sending import send_files
    from liftgate.sdk.remote.upload_state import can_remember, state_dir

    models = tuple(dict.fromkeys(asked["models"]))
    new = NewFile(purpose=asked["purpose"], models=models, life_seconds=asked["expires_after"])
    where = address(base_url, api_key)
    failures: list[Failure] = []

    def done(outcome: JsonObject | Failure) -> None:
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            click.echo(json.dumps(outcome, ensure_ascii=False) if as_json else line_of(outcome))

    try:
        run(
            lambda: send_files(
                where, tuple(dict.fromkeys(paths)), new, jobs=asked["jobs"], wait=asked["wait"], done=done
            )
        )
    except Interrupted:
        if can_remember(remembered := state_dir(os.environ)):
            raise Interrupted("interrupted; the same command goes on with what is unfinished") from None
        raise Interrupted(f"interrupted; {remembered} cannot be written, so the same command begins anew") from None
    if failures:
        raise click.exceptions.Exit(max(failure.exit_code for failure in failures))


def line_of(found: JsonObject) -> str:
    """A File object in a line that begins with its id."""
    return "  ".join((found["id"], plain(str(found["filename"])), size(found["bytes"]), str(found["status"])))
