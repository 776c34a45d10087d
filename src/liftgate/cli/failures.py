"""How a command ends when it does not end well: a sentence on standard error, and an exit code for scripts.

1: the gateway refused, or something is wrong with the data. 2: wrong usage (click's own). 3: the gateway cannot be
reached. 130: interrupted. No traceback is shown for any of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import IO, TypeVar

import click

from liftgate.cli.readable import plain
from liftgate.errors import LiftgateError
from liftgate.sdk.remote.gateway_errors import GatewayUnreachable

REFUSED, MISUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130

T = TypeVar("T")


class Failure(click.ClickException):
    """`message`: one sentence. The exit code is 1 unless a subclass says otherwise."""

    exit_code = REFUSED

    def show(self, file: IO[str] | None = None) -> None:
        click.echo(f"liftgate: {self.message}", file=file, err=file is None)


class Misused(Failure):
    """What was named on the command line is not there, or is of the wrong kind."""

    exit_code = MISUSED


class Unreachable(Failure):
    """No answer, or a broken one."""

    exit_code = UNREACHABLE


def failure_of(error: LiftgateError) -> Failure:
    """What a gateway answered, or that it did not, as the end of a command."""
    kind = Unreachable if isinstance(error, GatewayUnreachable) else Failure
    return kind(plain(error.message))


class Interrupted(Failure):
    exit_code = INTERRUPTED


def run(work: Callable[[], Coroutine[object, object, T]], *, interrupted: Callable[[], str] | None = None) -> T:
    """Runs it to its end. Ctrl-C cancels it, lets it clean up and raises Interrupted with the sentence given."""
    try:
        return asyncio.run(_ungrouped(work()))
    except LiftgateError as error:
        raise failure_of(error) from None
    except KeyboardInterrupt:
        raise Interrupted(interrupted() if interrupted is not None else "interrupted") from None


async def _ungrouped(work: Coroutine[object, object, T]) -> T:
    """What fails beside other tasks fails as it would alone: nobody who ends a command looks into groups, such as of
    what a closed pipe or a full disk behind standard output raises."""
    try:
        return await work
    except BaseExceptionGroup as several:
        first: BaseException = several
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
