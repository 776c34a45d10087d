"""A streamed answer as the caller sees it: an iterator, or an async iterator, of chunks.

Chunks that arrived together cross from the engine's loop together. Reading to the end closes a stream; whoever stops
earlier closes it (`with`, `close()`), and one that is merely forgotten is closed when it is collected.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from liftgate.sdk.bridge import Bridge, public_errors
from liftgate.sdk.engine import ChunkSource
from liftgate.sdk.results import ModelResponseStream


class _Chunks:
    def __init__(self, source: ChunkSource, bridge: Bridge) -> None:
        self._source = source
        self._bridge = bridge
        self._waiting: deque[ModelResponseStream] = deque()
        self._ended = False
        self._model: str | None = None
        """For the errors: the model that answers, once it has begun."""

    def _took(self, chunks: list[ModelResponseStream]) -> bool:
        self._waiting.extend(chunks)
        if chunks:
            self._model = chunks[-1].model
        self._ended = not chunks
        return not self._ended

    def __del__(self) -> None:
        if not self._ended:
            self._ended = True
            source = self._source
            self._bridge.leave(lambda _: source.close())


class ChunkStream(_Chunks):
    """`completion(stream=True)`. Errors of Gemini within the stream are raised where the chunk would have been."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ModelResponseStream:
        if not self._waiting:
            with public_errors(self._model):
                more = not self._ended and self._took(self._bridge.run(lambda _: self._source.batch()))
            if not more:
                raise StopIteration
        return self._waiting.popleft()

    def close(self) -> None:
        """Ends the request at Gemini; a stream that has ended is left as it is."""
        self._ended = True
        self._waiting.clear()
        self._bridge.run(lambda _: self._source.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncChunkStream(_Chunks):
    """`acompletion(stream=True)`, awaited."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ModelResponseStream:
        if not self._waiting:
            with public_errors(self._model):
                more = not self._ended and self._took(await self._bridge.reach(lambda _: self._source.batch()))
            if not more:
                raise StopAsyncIteration
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """Ends the request at Gemini; a stream that has ended is left as it is."""
        self._ended = True
        self._waiting.clear()
        await self._bridge.reach(lambda _: self._source.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
