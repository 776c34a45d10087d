"""The options that several commands share: where the gateway is, and where the data are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from liftgate.cli.remote import Address

DEFAULT_URL = "http://127.0.0.1:4000"

Command = Callable[..., None]


class Word(click.Choice[str]):
    """A choice of the API's own words, as they are written there: either spelling is for the names of options only."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        return str(choice)


def gateway_options(command: Command) -> Command:
    """`--base-url` and `--api-key`; the command takes `base_url` and `api_key` and calls `address`."""
    options = (
        click.option(
            "--base-url",
            envvar=["LIFTGATE_BASE_URL", "OPENAI_BASE_URL"],
            default=DEFAULT_URL,
            metavar="URL",
            help=f"The gateway, with or without /v1.  [LIFTGATE_BASE_URL, OPENAI_BASE_URL; default: {DEFAULT_URL}]",
        ),
        click.option(
            "--api-key",
            envvar=["LIFTGATE_API_KEY", "OPENAI_API_KEY"],
            default="",
            metavar="KEY",
            help="The key for it.  [LIFTGATE_API_KEY, OPENAI_API_KEY]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def address(base_url: str, api_key: str) -> Address:
    """Raises UsageError for what is no address."""
    from urllib.parse import urlsplit

    from liftgate.cli.remote import Address

    url = base_url.strip().rstrip("/")
    url = url.removesuffix("/v1").rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise click.UsageError(f"--base-url: expected an address such as {DEFAULT_URL}, got {base_url!r}.")
    if re.search(r"/v1(?:beta)?(?:/|$)", parts.path):
        root = url[: url.index("/v1", len(parts.scheme) + 3)]
        raise click.UsageError(f"--base-url: expected an address that ends with /v1 at most, such as {root}.")
    if not api_key.isprintable() or not api_key.isascii():
        raise click.UsageError("--api-key: the key holds characters that no header can carry.")
    return Address(url, api_key.strip())


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Write JSON for scripts.")(command)


def data_options(command: Command) -> Command:
    """Where the data are; the command takes `config` and the flags by their settings' names."""
    options: tuple[Callable[[Any], Any], ...] = (
        click.option(
            "-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="The config that the gateway has."
        ),
        click.option("--data-dir", metavar="DIR", help="The data directory, as for the gateway."),
        click.option("--database-url", metavar="TEXT", help="The catalogue, as for the gateway."),
        click.option("--blob-store", metavar="TEXT", help="Where the bytes are kept, as for the gateway."),
    )
    for option in reversed(options):
        command = option(command)
    return command
