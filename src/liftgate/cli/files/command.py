"""`liftgate files`: upload, ls, get, cat and rm, at a running gateway. What they write is documented in docs/cli.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from liftgate.cli.failures import Failure, failure_of, run
from liftgate.cli.files.upload import upload
from liftgate.cli.main import NEAR_COMMANDS
from liftgate.cli.options import WholeNumber, Word, address, gateway_options, json_option
from liftgate.dialects.openai_files import PURPOSES
from liftgate.errors import FileNotFound, LiftgateError
from liftgate.json_types import JsonObject

if TYPE_CHECKING:
    from liftgate.sdk.remote.gateway_client import Address


class _Files(click.Group):
    """Says what a command is called here that others call otherwise."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        meant = NEAR_COMMANDS.get(args[0], "")
        if args[0] not in self.commands and meant.startswith("liftgate files "):
            raise click.UsageError(f"There is no command {args[0]!r}: {meant}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Files)
def files() -> None:
    """Upload, list, read and remove files at a running gateway.

    \b
      liftgate files upload lecture.mp4 --model gemini-flash-latest --wait
      liftgate files ls
      liftgate files cat file-… -o lecture.mp4

    Exit codes: 0 done, 1 the gateway refused, 2 wrong usage, 3 the gateway cannot be reached, 130 interrupted.
    """


files.add_command(upload)


@files.command("ls")
@click.option("--purpose", type=Word(PURPOSES), help="Only these.")
@click.option(
    "--limit", type=WholeNumber(1, 10_000), metavar="N", default=100, show_default=True, help="At most so many."
)
@click.option("--after", metavar="ID", help="Start after this file.")
@json_option
@gateway_options
def list_files(purpose: str | None, limit: int, after: str | None, as_json: bool, base_url: str, api_key: str) -> None:
    """List files, newest first.

    With --json, the list object of OpenAI's API.
    """
    query = urlencode(
        {name: value for name, value in {"purpose": purpose, "limit": limit, "after": after}.items() if value}
    )
    page = _ask(address(base_url, api_key), f"/files?{query}", of_each=True)
    if as_json:
        click.echo(json.dumps(page, ensure_ascii=False))
        return
    from liftgate.cli.files.tables import show_files

    show_files(page["data"])
    if page.get("has_more"):
        click.echo(f"There are more: --after {page['data'][-1]['id']}", err=True)


@files.command("get")
@click.argument("file_id", metavar="ID")
@json_option
@gateway_options
def get_file(file_id: str, as_json: bool, base_url: str, api_key: str) -> None:
    """Show what is known of a file.

    With --json, its File object.
    """
    found = _ask(address(base_url, api_key), _path(file_id))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    from liftgate.cli.files.tables import show_file

    show_file(found)


@files.command("cat")
@click.argument("file_id", metavar="ID")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it here.")
@click.option("--range", "span", metavar="FIRST-LAST", help="Only these bytes, counted from 0; also FIRST- or -COUNT.")
@gateway_options
def cat_file(file_id: str, output: Path | None, span: str | None, base_url: str, api_key: str) -> None:
    """Write a file's bytes to standard output, or to a file.

    What arrives whole is compared with its SHA-256. FILE is there only when all of it is.
    """
    from liftgate.cli.files.download import checked_range, download

    wanted = checked_range(span)
    where = address(base_url, api_key)
    _path(file_id)
    run(lambda: download(where, file_id, output, wanted))


@files.command("rm")
@click.argument("file_ids", metavar="ID…", nargs=-1, required=True)
@json_option
@gateway_options
def remove_files(file_ids: tuple[str, ...], as_json: bool, base_url: str, api_key: str) -> None:
    """Remove files, here and at Gemini.

    With --json, a line with the gateway's answer for each.
    """
    from liftgate.sdk.remote.gateway_client import GatewayClient

    where = address(base_url, api_key)
    refused: list[Failure] = []

    async def work() -> None:
        async with GatewayClient(where) as gateway:
            for file_id in dict.fromkeys(file_ids):
                try:
                    gone = await gateway.ask("DELETE", _path(file_id), has=("id",))
                except LiftgateError as error:
                    failure = failure_of(error)
                    failure.show()
                    refused.append(failure)
                    # The others would fail in the same way.
                    if failure.exit_code != 1:
                        return
                else:
                    click.echo(json.dumps(gone) if as_json else f"removed {gone['id']}")

    run(work)
    if refused:
        raise click.exceptions.Exit(max(failure.exit_code for failure in refused))


def _path(file_id: str) -> str:
    from liftgate.sdk.remote.downloading import file_path

    try:
        return file_path(file_id)
    except FileNotFound:
        raise click.UsageError(f"{file_id!r} is not the id of a file.") from None


def _ask(where: Address, path: str, *, of_each: bool = False) -> JsonObject:
    """A File object; `of_each`: a list of them."""
    from liftgate.sdk.remote.gateway_client import FILE, GatewayClient

    async def work() -> JsonObject:
        async with GatewayClient(where) as gateway:
            return await (gateway.ask_list(path, FILE) if of_each else gateway.ask("GET", path, has=FILE))

    return run(work)
