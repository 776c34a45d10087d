"""Sync over the async core: an engine on an event loop of its own, in a daemon thread that is made when first needed.

Works from any thread, also where a loop runs already (Jupyter, a web framework), and in a child after `os.fork`, which
gets a loop and an engine of its own. Whoever holds a `Portal` closes it; that closes the engine, then the loop.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Generic, TypeVar

from liftgate.tasks import Work

E = TypeVar("E")
T = TypeVar("T")

CLOSING = 10.0
"""Seconds that each step of closing may take: a process that ends must not hang on a network."""


class Portal(Generic[E]):
    """`run()` for callers that block, `reach()` for callers on another loop. `opener` makes the engine, once needed."""

    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[E]], *, name: str) -> None:
        self._opener = opener
        self._name = name
        self._lock = threading.Lock()
        self._loop_thread: _LoopThread[E] | None = None
        self._pid = os.getpid()
        # A forked child must never finalise what its parent still uses (sockets, the parent's loop): kept, never
        # touched.
        self._parents: list[_LoopThread[E] | None] = []

    def run(self, call: Callable[[E], Work[T]]) -> T:
        """Blocks until `call` has ended. An interrupt (Ctrl-C) cancels it."""
        future = self.submit(call)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def reach(self, call: Callable[[E], Work[T]]) -> T:
        """Awaits `call`, which runs on the portal's loop; cancelling the caller cancels it."""
        return await asyncio.wrap_future(self.submit(call))

    def submit(self, call: Callable[[E], Work[T]]) -> Future[T]:
        return self._start_thread().submit(call)

    @property
    def at_work(self) -> bool:
        return self._loop_thread is not None and self._pid == os.getpid()

    def leave(self, call: Callable[[E], Work[None]]) -> None:
        """Starts `call` where the engine is at work, and never makes one: a `__del__` may come after the end."""
        thread = self._loop_thread
        if thread is not None and self.at_work:
            thread.leave(call)

    def close(self) -> None:
        """Ends the engine, the loop and its thread; waits for them. The portal may be used again and then starts
        anew.
        """
        if self._pid != os.getpid():
            return
        with self._lock:
            thread, self._loop_thread = self._loop_thread, None
        if thread is not None:
            thread.close()

    def _start_thread(self) -> _LoopThread[E]:
        if self._pid != os.getpid():
            # A forked child: the thread does not exist here, and the lock may be held by a thread that is gone.
            self._parents.append(self._loop_thread)
            self._lock, self._loop_thread, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._loop_thread is None:
                self._loop_thread = _LoopThread(self._opener, self._name)
            return self._loop_thread


class _LoopThread(Generic[E]):
    """A loop, its thread and the engine that lives there."""

    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[E]], name: str) -> None:
        self._opener = opener
        self._stack = AsyncExitStack()
        self._engine: asyncio.Task[E] | None = None
        self._calls: set[asyncio.Task[object]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[E], Work[T]]) -> Future[T]:
        if self._thread is threading.current_thread():
            raise RuntimeError("A synchronous Liftgate function was called on Liftgate's own loop: use its async twin.")
        return asyncio.run_coroutine_threadsafe(self._call(call), self._loop)

    def leave(self, call: Callable[[E], Work[None]]) -> None:
        # Also from the loop's own thread, where a collection may happen as well.
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._call(call), self._loop)

    def close(self) -> None:
        ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            ended.result(3 * CLOSING)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSING)

    async def _call(self, call: Callable[[E], Work[T]]) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            return await call(await self._open_engine())
        finally:
            self._calls.discard(task)

    async def _open_engine(self) -> E:
        if self._engine is None:
            self._engine = self._loop.create_task(self._stack.enter_async_context(self._opener()))
        try:
            # Shielded, because the first caller may leave while others wait for the same opening.
            return await asyncio.shield(self._engine)
        except Exception:
            self._engine = None
            raise

    async def _end(self) -> None:
        # Calls that still run (a stream without a reader) end first, so that the engine closes unused.
        if calls := set(self._calls):
            for call in calls:
                call.cancel()
            await asyncio.wait(calls, timeout=CLOSING)
        async with asyncio.timeout(CLOSING):
            await self._stack.aclose()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            self._loop.close()
