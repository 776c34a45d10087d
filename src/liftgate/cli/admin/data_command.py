"""What the commands of `admin` do alike: find the data, open them, ask before they act, and say where they looked."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from liftgate.cli.failures import Failure, run
from liftgate.cli.readable import plain

if TYPE_CHECKING:
    from liftgate.cli.admin.data import Data
    from liftgate.settings import Settings

T = TypeVar("T")
Places = Mapping[str, str]
"""`catalogue` and `store`: where they are, without a secret."""


def find(config: Path | None, flags: dict[str, str | None]) -> Settings:
    from liftgate.cli.admin.data import find_settings

    return find_settings(config, flags)


def with_data(
    settings: Settings, work: Callable[[Data], Awaitable[T]], *, together: bool = True
) -> tuple[T, dict[str, str]]:
    """What `work` gives, and where it looked. `together`: raises ConfigError unless catalogue and store are each
    other's."""
    from liftgate.cli.admin.data import open_data
    from liftgate.cli.serve.log_lines import audit_to_stderr

    audit_to_stderr(settings)

    async def opened() -> tuple[T, dict[str, str]]:
        async with open_data(settings, together=together) as data:
            return await work(data), data.places

    return run(opened)


def show_places(places: Places, *, err: bool = False) -> None:
    click.echo(f"Catalogue {plain(places['catalogue'])}, store {plain(places['store'])}.", err=err)


def document(answer: Mapping[str, object], places: Places) -> str:
    """The one JSON document of a command."""
    return json.dumps({**answer, **places}, ensure_ascii=False)


def confirm(question: str) -> None:
    """Raises Failure unless a person says yes."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "This command asks before it goes on, and there is no terminal to ask on. Add --yes to confirm."
        )
    if not click.confirm(question, err=True):
        raise Failure("nothing was done.")
