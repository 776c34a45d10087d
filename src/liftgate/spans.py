"""Spans of a call that is traced, made where its work is done and sent by `engine/traces`. Of calls that are not traced
nothing is made: it costs a look at a context variable.

Tasks inherit the span under which they were begun, so a page-in that goes on after its request is a child of it all the
same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex
from time import monotonic
from typing import TypeAlias

import msgspec

SERVER, CLIENT, INTERNAL = 2, 3, 1
"""OTLP's kinds."""
OTHER_ERROR = "_OTHER"
"""OpenTelemetry's word for an error without a class."""

_MARK = re.compile(r" 00-([0-9a-f]{32})-([0-9a-f]{16})-01\Z")


class Trace(msgspec.Struct, frozen=True):
    """`state`: the caller's `tracestate`. `began_at` (unix seconds) and `started` (on the monotonic clock) are one
    moment. `sink` takes spans that have ended."""

    id: str
    state: str
    began_at: float
    started: float
    sink: Callable[[Span], None]

    def at(self, moment: float) -> float:
        """A moment on the monotonic clock, in unix seconds: a clock that jumps turns no span round."""
        return self.began_at + moment - self.started


Attribute: TypeAlias = str | int | float | bool | list[str] | None
"""What a span says of itself; None counts as absent."""


class Span(msgspec.Struct):
    """Times are unix seconds; `kind` is OTLP's; `links` are (trace, span). `error`: its class, "" where it went well.
    `counts_as_failed`: whether its status says so."""

    trace: Trace
    name: str
    parent: str = ""
    kind: int = INTERNAL
    began: float = 0.0
    ended: float = 0.0
    attributes: dict[str, Attribute] = msgspec.field(default_factory=dict)
    links: list[tuple[str, str]] = msgspec.field(default_factory=list)
    error: str = ""
    counts_as_failed: bool = True
    id: str = msgspec.field(default_factory=lambda: token_hex(8))

    def child(self, name: str, began: float, *, kind: int = INTERNAL, **attributes: Attribute) -> Span:
        """One that lies in it; `began`: on the monotonic clock."""
        return Span(self.trace, name, self.id, kind, self.trace.at(began), attributes=attributes)

    def end(self, moment: float, error: str = "") -> None:
        """`moment`: on the monotonic clock."""
        self.ended, self.error = max(self.began, self.trace.at(moment)), error
        self.trace.sink(self)

    @property
    def mark(self) -> str:
        """By which another process finds it (`carrier_of`)."""
        return f" 00-{self.trace.id}-{self.id}-01"


active: ContextVar[Span | None] = ContextVar("active_span", default=None)


@contextmanager
def span(name: str, *, kind: int = INTERNAL, attributes: Mapping[str, Attribute]) -> Iterator[Span | None]:
    """A part of the work, as a child of what is done here; None where that is not traced."""
    here = active.get()
    if here is None:
        yield None
        return
    made = here.child(name, monotonic(), kind=kind, **attributes)
    before = active.set(made)
    try:
        yield made
    except BaseException as error:
        made.end(monotonic(), type(error).__name__)
        raise
    else:
        made.end(monotonic(), made.error)
    finally:
        active.reset(before)


def mark() -> str:
    """Of the span that is worked under; "" without one."""
    here = active.get()
    return "" if here is None else here.mark


def carrier_of(holder: str) -> tuple[str, str] | None:
    """(trace, span) of the work of who put a `mark` at the end of its name."""
    found = _MARK.search(holder)
    return None if found is None else (found[1], found[2])
