"""What makes methods of a client of the SDK's operations: one that waits, and one to be awaited."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from liftgate.sdk.bridge import Bridge, public_errors
from liftgate.sdk.engine import ChunkSource, EventSource
from liftgate.sdk.file_input import brought
from liftgate.sdk.operations import Operation
from liftgate.sdk.response_results import ResponsesAPIResponse
from liftgate.sdk.results import ModelResponse
from liftgate.sdk.streams import AsyncChunkStream, AsyncEventStream, ChunkStream, EventStream
from liftgate.tasks import Work

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


def blocking(say: Callable[P, Operation[T]], show: Callable[[T, Bridge], R]) -> Callable[Concatenate[object, P], R]:
    """A method that waits. `show` makes of the engine's result what the caller sees."""
    place = _place_of_model(say)

    @functools.wraps(say)
    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        with public_errors(_model_of(place, args, kwargs)):
            operation, bridge = say(*args, **self._settled(kwargs, chat=place is not None)), self._bridge
            return show(bridge.run(lambda engine: operation.ask(engine, operation.file)), bridge)

    return _signed(method, say)


def awaited(
    say: Callable[P, Operation[T]], show: Callable[[T, Bridge], R]
) -> Callable[Concatenate[object, P], Work[R]]:
    """The same to be awaited."""
    place = _place_of_model(say)

    @functools.wraps(say)
    async def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        with public_errors(_model_of(place, args, kwargs)):
            operation, bridge = say(*args, **self._settled(kwargs, chat=place is not None)), self._bridge
            async with brought(operation.file) as file:
                return show(await bridge.reach(lambda engine: operation.ask(engine, file)), bridge)

    return _signed(method, say)


def _place_of_model(say: Callable[..., object]) -> int | None:
    """Where among the arguments the model stands that is asked; None where none is."""
    for place, parameter in enumerate(inspect.signature(say).parameters.values()):
        if parameter.name == "model" and parameter.default is parameter.empty:
            return place
    return None


def _model_of(place: int | None, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
    """The model that a call names, for its errors."""
    if place is None:
        return None
    return args[place] if len(args) > place else kwargs.get("model")


def _signed(method: Callable[P, T], say: Callable[..., object]) -> Callable[P, T]:
    """What `help()` shows: the arguments of `say` behind `self`."""
    own = inspect.signature(say)
    result = str(own.return_annotation).removeprefix("Operation[").removesuffix("]")
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = own.replace(parameters=[this, *own.parameters.values()], return_annotation=result)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


def as_is(result: T, _: Bridge) -> T:
    return result


def streamed(answer: ModelResponse | ChunkSource, bridge: Bridge) -> ModelResponse | ChunkStream:
    return answer if isinstance(answer, ModelResponse) else ChunkStream(answer, bridge)


def astreamed(answer: ModelResponse | ChunkSource, bridge: Bridge) -> ModelResponse | AsyncChunkStream:
    return answer if isinstance(answer, ModelResponse) else AsyncChunkStream(answer, bridge)


def events(answer: ResponsesAPIResponse | EventSource, bridge: Bridge) -> ResponsesAPIResponse | EventStream:
    return answer if isinstance(answer, ResponsesAPIResponse) else EventStream(answer, bridge)


def aevents(answer: ResponsesAPIResponse | EventSource, bridge: Bridge) -> ResponsesAPIResponse | AsyncEventStream:
    return answer if isinstance(answer, ResponsesAPIResponse) else AsyncEventStream(answer, bridge)
