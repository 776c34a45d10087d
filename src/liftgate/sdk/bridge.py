"""Where an engine's work is carried out, for whoever holds a result that still has work to do (a stream, a file's
bytes).

`Portal` is one: another thread's loop. `Here` is the other: the caller's own loop, for `AsyncLiftgate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol, TypeVar

from liftgate.errors import LiftgateError
from liftgate.sdk.engine import Engine
from liftgate.sdk.public_errors import public_error
from liftgate.tasks import Work

T = TypeVar("T")


class public_errors:
    """What fails inside leaves as one of the public exceptions, without the frames of the engine above it.

    A class, since a generator would leave frames of the standard library; `__tracebackhide__` has notebooks leave out
    this one too.
    """

    __slots__ = ("_model",)

    def __init__(self, model: object = None) -> None:
        self._model = model

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        __tracebackhide__ = True
        if isinstance(error, LiftgateError):
            raise public_error(error, self._model) from None


class Bridge(Protocol):
    """The engine does the work on its own loop. `run` blocks until it is done, `reach` is awaited on the loop of the
    caller; both make an engine where there is none. `leave` does not wait and, without an engine, does nothing: it is
    for what a result still holds when it is collected. `at_work`: whether there is an engine."""

    @property
    def at_work(self) -> bool: ...

    def run(self, call: Callable[[Engine], Work[T]]) -> T: ...
    async def reach(self, call: Callable[[Engine], Work[T]]) -> T: ...
    def leave(self, call: Callable[[Engine], Work[None]]) -> None: ...


class Here:
    """The engine lives on the loop of whoever calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    at_work = True

    def run(self, call: Callable[[Engine], Work[T]]) -> NoReturn:
        raise RuntimeError("This result belongs to an AsyncLiftgate: use its async methods.")

    async def reach(self, call: Callable[[Engine], Work[T]]) -> T:
        return await call(self._engine)

    def leave(self, call: Callable[[Engine], Work[None]]) -> None:
        """Nothing: without its loop running there is nowhere to do it, and the engine's end does it too."""
