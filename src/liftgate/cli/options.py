"""The options that several commands share: where the gateway is, and where the data are."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from liftgate.errors import InvalidRequest

if TYPE_CHECKING:
    from liftgate.sdk.remote.gateway_client import Address

    Choice = click.Choice[str]
    ParamType = click.ParamType[str]
else:
    # At run time older releases of click have no parameters of types.
    Choice, ParamType = click.Choice, click.ParamType

DEFAULT_URL = "http://127.0.0.1:4000"

VARIABLES = {
    "base_url": ["LIFTGATE_BASE_URL", "OPENAI_BASE_URL"],
    "api_key": ["LIFTGATE_API_KEY", "OPENAI_API_KEY"],
}
"""What stands for an option that is not given; the first that is set and not empty."""

Command = Callable[..., None]


class Word(Choice):
    """A choice of the API's own words, as they are written there: either spelling is for the names of options only."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        return str(choice)


class WholeNumber(click.IntRange):
    """Errors call it by this name."""

    name = "whole number"


class Number(click.FloatRange):
    name = "number"


class Day(ParamType):
    """A day of the calendar, as `YYYY-MM-DD`."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2026-11-28.", param, ctx)


def gateway_options(command: Command) -> Command:
    """`--base-url` and `--api-key`; the command takes `base_url` and `api_key` and calls `address`."""
    options = (
        click.option(
            "--base-url",
            envvar=VARIABLES["base_url"],
            default=DEFAULT_URL,
            metavar="URL",
            help=f"The gateway, with or without /v1.  [LIFTGATE_BASE_URL, OPENAI_BASE_URL; default: {DEFAULT_URL}]",
        ),
        click.option(
            "--api-key",
            envvar=VARIABLES["api_key"],
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
    from liftgate.sdk.remote.gateway_client import read_address

    try:
        return read_address(
            base_url,
            api_key,
            url_name=_named("base_url"),
            key_name=_named("api_key"),
            key_hint="give --api-key, or set LIFTGATE_API_KEY",
        )
    except InvalidRequest as wrong:
        raise click.UsageError(wrong.message) from None


def _named(parameter: str) -> str:
    """As whoever gave it knows it: the option, or the variable that stands for it."""
    context = click.get_current_context(silent=True)
    if context is not None and context.get_parameter_source(parameter) is ParameterSource.ENVIRONMENT:
        return next(name for name in VARIABLES[parameter] if os.environ.get(name))
    return f"--{parameter.replace('_', '-')}"


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
