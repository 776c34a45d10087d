"""Where an engine's work is carried out, for whoever holds a result that still has work to do (a stream, a file's
bytes).

`Portal` is one: another thread's loop. `Here` is the other: the caller's own loop, for `AsyncLiftgate`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol, TypeVar

from liftgate.errors import LiftgateError
from liftgate.sdk.engine import Engine
from liftgate.sdk.public_errors import public_error

T = TypeVar("T")


@contextmanager
def public_errors(model: object = None) -> Iterator[None]:
    """What fails inside leaves as one of the public exceptions, without the frames of the engine above it."""
    try:
        yield
    except LiftgateError as error:
        raise public_error(error, model) from None


class Bridge(Protocol):
    """`run` blocks, `reach` is awaited on the caller's loop, `leave` starts without waiting, and only
    where the engine is at work: it is for what is collected late. All end on the engine's
    loop.
    """

    def run(self, call: Callable[[Engine], Coroutine[Any, Any, T]]) -> T: ...
    async def reach(self, call: Callable[[Engine], Coroutine[Any, Any, T]]) -> T: ...
    def leave(self, call: Callable[[Engine], Coroutine[Any, Any, None]]) -> None: ...


class Here:
    """The engine lives on the loop of whoever calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, call: Callable[[Engine], Coroutine[Any, Any, T]]) -> NoReturn:
        raise RuntimeError("This result belongs to an AsyncLiftgate: use its async methods.")

    async def reach(self, call: Callable[[Engine], Coroutine[Any, Any, T]]) -> T:
        return await call(self._engine)

    def leave(self, call: Callable[[Engine], Coroutine[Any, Any, None]]) -> None:
        """Nothing: without its loop running there is nowhere to do it, and the engine's end does it too."""
