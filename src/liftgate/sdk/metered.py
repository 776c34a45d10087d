"""The SDK's calls of a gateway in this process, metered: one record for each (`engine.meter`), as for each request of a
server. Used only where somebody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from liftgate import ids
from liftgate.engine.meter import CallRecord, Meters, current
from liftgate.errors import InternalError, LiftgateError
from liftgate.gateway import Gateway
from liftgate.keys.key import ANONYMOUS
from liftgate.log_context import working_for
from liftgate.sdk.engine import E, Source
from liftgate.sdk.results import Result
from liftgate.settings.sections import LOCAL
from liftgate.spans import active

T = TypeVar("T")
A = TypeVar("A", bound=Result)


async def metered(gateway: Gateway, operation: str, work: Awaitable[T]) -> T:
    """What `work` gives, with one record at its end."""
    with _running(gateway, operation):
        return await work


async def metered_answer(gateway: Gateway, work: Awaitable[A | Source[E]]) -> A | Source[E]:
    """The same for an answer; a stream ends with its pieces."""
    with _running(gateway, "chat") as running:
        answer = await work
        if isinstance(answer, Result):
            return answer
        running.goes_on = True
        return _MeteredPieces(answer, gateway.meters, running.call)


@dataclass
class _Running:
    call: CallRecord
    goes_on: bool = False


@contextmanager
def _running(gateway: Gateway, operation: str) -> Iterator[_Running]:
    meters = gateway.meters
    call = meters.begin(ids.new_request_id())
    call.ticket = gateway.admission.ticket(ANONYMOUS)
    call.dialect, call.operation, call.owner, call.status = "sdk", operation, LOCAL, 200
    running = _Running(call)
    before = current.set(call), working_for.set(call.request_id)
    around = active.get()
    if meters.tracer is not None:
        meters.tracer.begin(call, "")
    left = False
    try:
        yield running
    except asyncio.CancelledError:
        left = True
        raise
    except Exception as error:
        failure = error if isinstance(error, LiftgateError) else InternalError()
        call.status = failure.http_status
        call.record_error(failure)
        raise
    finally:
        current.reset(before[0])
        working_for.reset(before[1])
        active.set(around)
        if not running.goes_on:
            meters.end(call, left=left)


class _MeteredPieces(Generic[E]):
    """A `Source` whose record ends with it: at its last piece, at its failure, or where its reader leaves it."""

    def __init__(self, pieces: Source[E], meters: Meters, call: CallRecord) -> None:
        self._pieces = pieces
        self._meters = meters
        self._call: CallRecord | None = call

    async def batch(self) -> list[E]:
        try:
            pieces = await self._pieces.batch()
        except LiftgateError as error:
            if self._call is not None:
                self._call.record_error(error)
            await self._close(left=False)
            raise
        if not pieces:
            await self._close(left=False)
        return pieces

    async def close(self) -> None:
        await self._close(left=True)

    async def _close(self, *, left: bool) -> None:
        # What is known of the answer is noted when it closes.
        await self._pieces.close()
        self._end(left=left)

    def _end(self, *, left: bool) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._meters.end(call, left=left)

    def __del__(self) -> None:
        # Dropped unread. Nothing can be awaited here.
        self._end(left=True)
