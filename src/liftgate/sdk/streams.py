"""A streamed answer as the caller sees it: an iterator, or an async iterator, of chunks or of events.

Pieces that arrived together cross from the engine's loop together. Reading to the end closes a stream; whoever stops
earlier closes it (`with`, `close()`), and one that is merely forgotten is closed when it is collected.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Generic, Self, TypeVar

from liftgate.sdk.bridge import Bridge, public_errors
from liftgate.sdk.engine import Source
from liftgate.sdk.response_results import ENDS, ResponsesEvent
from liftgate.sdk.results import ModelResponseStream, Result

E = TypeVar("E", bound=Result)


class _Pieces(Generic[E]):
    def __init__(self, source: Source[E], bridge: Bridge) -> None:
        self._source = source
        self._bridge = bridge
        self._waiting: deque[E] = deque()
        self._ended = False
        self._model: str | None = None
        """For the errors: the model that answers, once it has begun."""

    def _took(self, pieces: list[E]) -> bool:
        self._waiting.extend(pieces)
        if pieces:
            self._model = pieces[-1].get("model", self._model)
        self._ended = not pieces
        return not self._ended

    def _goes_on(self) -> bool:
        """Whether there is still something to end, for the last time. An engine that is closed has ended all of its
        own, and to call it would make another."""
        ended, self._ended = self._ended, True
        self._waiting.clear()
        return not ended and self._bridge.at_work

    def __del__(self) -> None:
        if not self._ended:
            self._ended = True
            source = self._source
            self._bridge.leave(lambda _: source.close())


class _Blocking(_Pieces[E]):
    """Errors of Gemini within the stream are raised where the chunk would have been."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        if not self._waiting:
            with public_errors(self._model):
                more = not self._ended and self._took(self._bridge.run(lambda _: self._source.batch()))
            if not more:
                raise StopIteration
        return self._waiting.popleft()

    def close(self) -> None:
        """Ends the request at Gemini; a stream that has ended, also with its client, is left as it is."""
        if self._goes_on():
            self._bridge.run(lambda _: self._source.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Awaited(_Pieces[E]):
    """The same, awaited."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        if not self._waiting:
            with public_errors(self._model):
                more = not self._ended and self._took(await self._bridge.reach(lambda _: self._source.batch()))
            if not more:
                raise StopAsyncIteration
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """Ends the request at Gemini; a stream that has ended, also with its client, is left as it is."""
        if self._goes_on():
            await self._bridge.reach(lambda _: self._source.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class ChunkStream(_Blocking[ModelResponseStream]):
    """`completion(stream=True)`: chunks."""


class AsyncChunkStream(_Awaited[ModelResponseStream]):
    """`acompletion(stream=True)`: chunks, awaited."""


class EventStream(_Blocking[ResponsesEvent]):
    """`responses(stream=True)`: events. `completed_response`: the last of them, once it has come."""

    completed_response: ResponsesEvent | None = None

    def __next__(self) -> ResponsesEvent:
        event = super().__next__()
        if event.type in ENDS:
            self.completed_response = event
        return event


class AsyncEventStream(_Awaited[ResponsesEvent]):
    """`aresponses(stream=True)`: as `EventStream`, awaited."""

    completed_response: ResponsesEvent | None = None

    async def __anext__(self) -> ResponsesEvent:
        event = await super().__anext__()
        if event.type in ENDS:
            self.completed_response = event
        return event
