"""Callbacks that do not keep alive whose they are: what is made of two that know each other is gone with its last user,
and does not wait for a collector, which comes seldom in a process that serves."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import ParamSpec, cast
from weakref import ref

P = ParamSpec("P")


def unheld(method: Callable[P, None]) -> Callable[P, None]:
    """A bound method that is called as long as its object is there."""
    bound = cast("MethodType", method)
    # `WeakMethod` does the same, but in Python, for functions that may go too.
    held, function = ref(bound.__self__), bound.__func__

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        if (found := held()) is not None:
            function(found, *args, **kwargs)

    return call
