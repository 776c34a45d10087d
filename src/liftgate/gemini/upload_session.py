"""Google's resumable upload as a pure state machine: what to do next after each answer or break. No I/O, no clock.

A driver carries out the actions and reports back:

    begin()/resume() → SendChunk → answered()/broke()
                       Query     → answered()/broke()
                       FindByName → found(file or None)     a GET of the name that the start asked for
                       Restart   → restarted(granularity)   a new session, under a new name
                       Done, Fail                           the end

The rules are docs/protocol/gemini.md, "Resumable upload" (`upload_rules`), with `query` after every doubt instead of
sending bytes again: what Gemini holds is the truth, also when it is less than it acknowledged. Where it cannot be
learnt the session is given up for a new one, a bounded number of times. Deadlines, leases and the comparison of hashes
are the driver's.
"""

from __future__ import annotations

from dataclasses import dataclass

from liftgate.backoff import CALLS
from liftgate.errors import (
    LiftgateError,
    RequestError,
    UpstreamDisconnected,
    UpstreamKeyRejected,
    UpstreamProtocolError,
    UpstreamRateLimited,
    UpstreamStorageFull,
    UpstreamUnavailable,
)
from liftgate.gemini import status
from liftgate.gemini.files import GeminiFile, parse
from liftgate.gemini.upload_rules import ChunkAnswer, Verdict, error_in, json_object, protocol_error, verdict

CHUNK = 8 * 1024 * 1024
"""Bytes a chunk where the announced granularity allows: what real traffic uses, and what a kill may waste."""
RESTARTS = 3
STRIKES = 6
"""Answers or breaks in a row without one more byte at Gemini before a session is given up."""


@dataclass(frozen=True, slots=True)
class SendChunk:
    """Send the bytes [start, stop). With `finalize` they are the last; start == stop then finalizes without bytes."""

    start: int
    stop: int
    finalize: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Ask what Gemini has, after so many seconds."""

    after: float = 0.0


@dataclass(frozen=True, slots=True)
class FindByName:
    """The file may exist without our knowing: GET it by the name that the start asked for."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The session is dead: start another after so many seconds, under a new name. `purge`: the old name may exist."""

    after: float
    purge: bool
    error: LiftgateError


@dataclass(frozen=True, slots=True)
class Done:
    file: GeminiFile


@dataclass(frozen=True, slots=True)
class Fail:
    """No more tries. `resume()` is allowed after the cause is gone, such as a project without room."""

    error: LiftgateError


Action = SendChunk | Query | FindByName | Restart | Done | Fail


class UploadSession:
    """One file's way to Gemini; `total` in bytes."""

    def __init__(self, *, total: int, granularity: int) -> None:
        self._total = total
        self._chunk = _chunk_size(granularity)
        self._offset = 0
        self._best = 0
        self._strikes = 0
        self._restarts = 0
        self._finalize_tried = False
        self._asked: Action = Query()
        self._reason: LiftgateError = UpstreamDisconnected("The upload has not begun.")

    @property
    def offset(self) -> int:
        """Bytes that Gemini is known to hold."""
        return self._offset

    def begin(self) -> Action:
        """A new session, nothing sent yet."""
        return self._next()

    def resume(self) -> Action:
        """A session that another process, or an earlier try, left behind: it may even be final."""
        self._finalize_tried = True
        self._strikes = 0
        return self._ask(Query())

    def restarted(self, granularity: int) -> Action:
        """After Restart: the new session is there."""
        self._chunk = _chunk_size(granularity)
        self._offset = self._best = self._strikes = 0
        self._finalize_tried = False
        return self._next()

    def found(self, file: GeminiFile | None) -> Action:
        """After FindByName."""
        return self._ask(Done(file)) if file is not None else self._restart(self._reason)

    def broke(self, error: LiftgateError) -> Action:
        """The connection broke or went silent before an answer came."""
        return self._strike(error)

    def answered(self, answer: ChunkAnswer) -> Action:
        """An answer to the SendChunk or Query that was asked for last."""
        match verdict(answer):
            case Verdict.ACCEPTED:
                return self._accepted(answer)
            case Verdict.DONE:
                return self._final(answer)
            case Verdict.REJECTED:
                return self._rejected(answer)
            case Verdict.BUSY:
                return self._busy(error_in(answer))
            case Verdict.RECOVER:
                return self._recover(answer)
            case Verdict.DEAD:
                return self._dead(error_in(answer))
            case Verdict.FATAL:
                return self._ask(Fail(error_in(answer)))

    # ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _accepted(self, answer: ChunkAnswer) -> Action:
        asked, received = self._asked, answer.size_received
        if isinstance(asked, SendChunk):
            if asked.finalize:
                return self._strike(protocol_error(answer, "did not finish an upload of which it has all bytes"))
            received = asked.stop if received is None else received
        if received is None or not 0 <= received <= self._total:
            return self._dead(protocol_error(answer, f"says that it has {received} of {self._total} bytes"))
        self._offset = received
        if received > self._best:
            self._best, self._strikes = received, 0
        elif isinstance(asked, SendChunk) and received <= asked.start:
            return self._strike(protocol_error(answer, f"took a chunk and still has {received} bytes"))
        return self._next()

    def _final(self, answer: ChunkAnswer) -> Action:
        """HTTP 200 and `final`: nearly always the File, but a name collision was seen so too (docs/protocol/gemini.md,
        "Errors")."""
        file = json_object(answer.body).get("file")
        if isinstance(file, dict):
            try:
                return self._ask(Done(parse(file)))
            except UpstreamProtocolError as error:
                return self._look(error)
        refused = status.parse(0, answer.body).status
        if not refused:
            return self._look(protocol_error(answer, "finished the upload without describing the file"))
        return self._rejected(ChunkAnswer(refused, "final", body=answer.body, headers=answer.headers))

    def _rejected(self, answer: ChunkAnswer) -> Action:
        error = error_in(answer)
        if answer.status == 409:
            # The name exists. It is random, so whatever has it is what an earlier finalize of ours made.
            return self._look(error)
        if isinstance(error, RequestError | UpstreamKeyRejected | UpstreamStorageFull):
            return self._ask(Fail(error))
        return self._dead(error)

    def _busy(self, error: LiftgateError) -> Action:
        if isinstance(error, UpstreamStorageFull):
            return self._ask(Fail(error))
        return self._strike(error)

    def _recover(self, answer: ChunkAnswer) -> Action:
        error = error_in(answer)
        if isinstance(self._asked, Query) and answer.status != 200:
            # Asked what it has, it knows of nothing, or does not know the question.
            return self._dead(error)
        if self._strikes >= STRIKES:
            return self._dead(error)
        return self._strike(error)

    # ── moves ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _next(self) -> Action:
        if self._total - self._offset > self._chunk:
            return self._ask(SendChunk(self._offset, self._offset + self._chunk, finalize=False))
        self._finalize_tried = True
        return self._ask(SendChunk(self._offset, self._total, finalize=True))

    def _strike(self, error: LiftgateError) -> Action:
        self._strikes += 1
        if self._strikes > STRIKES:
            return self._ask(Fail(error))
        return self._ask(Query(_rest(self._strikes, error)))

    def _dead(self, error: LiftgateError) -> Action:
        return self._look(error) if self._finalize_tried else self._restart(error)

    def _look(self, error: LiftgateError) -> Action:
        self._reason = error
        return self._ask(FindByName())

    def _restart(self, error: LiftgateError) -> Action:
        self._restarts += 1
        if self._restarts > RESTARTS:
            return self._ask(Fail(error))
        return self._ask(Restart(_rest(self._restarts, error), self._finalize_tried, error))

    def _ask(self, action: Action) -> Action:
        self._asked = action
        return action


def _chunk_size(granularity: int) -> int:
    """A multiple of the granularity, `CHUNK` where that is one."""
    return granularity * max(1, CHUNK // granularity) if granularity > 0 else CHUNK


def _rest(count: int, error: LiftgateError) -> float:
    """Seconds before the `count`-th try in a row. The first is at once, unless Gemini answered that it is busy."""
    doublings = count - (1 if isinstance(error, UpstreamUnavailable | UpstreamRateLimited) else 2)
    return (error.retry_after or 0.0) if doublings < 0 else CALLS.pause(doublings, error.retry_after)
