"""Calls whose usage Google did not report: the client left, the time was over while Google was at work, or an answer
has none. What they used is estimated: of the request Google counts the tokens, free of charge, and of the answer the
characters are known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from liftgate.deployments import Deployment
from liftgate.engine.estimates import Estimates
from liftgate.engine.meter import CallRecord
from liftgate.engine.operations import PAID
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body
from liftgate.prices import TEXT
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.engine")

CHARACTERS_A_TOKEN = 4


class _Part(msgspec.Struct):
    text: str = ""


class _Content(msgspec.Struct):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct):
    content: _Content = msgspec.field(default_factory=_Content)


class _Event(msgspec.Struct):
    candidates: list[_Candidate] = []


_read_event = msgspec.json.Decoder(_Event).decode


def characters_in(events: Sequence[Body]) -> int:
    """Of the texts in Gemini's events, as they came. What has another form has none."""
    found = 0
    for data in events:
        try:
            candidates = _read_event(data).candidates
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        found += sum(len(part.text) for each in candidates for part in each.content.parts)
    return found


class NoUsage:
    """An `Unreported` of the meter's."""

    def __init__(self, estimates: Estimates, tasks: Tasks) -> None:
        self._estimates = estimates
        self._tasks = tasks

    def take(self, call: CallRecord, tell: Callable[[CallRecord], None]) -> None:
        if call.sent is None or call.operation not in PAID:
            tell(call)
            return
        deployment, body = call.sent
        if call.outcome == "ok":
            if call.reckoned is None:
                reckon_by_length(call)
            tell(call)
        else:
            if call.ticket is not None:
                call.ticket.free_place()
            self._tasks.start(self._counted(call, deployment, body, tell), name="count what was not reported")

    async def _counted(
        self, call: CallRecord, deployment: Deployment, body: Body, tell: Callable[[CallRecord], None]
    ) -> None:
        try:
            prompt = await self._estimates.count(deployment, body)
        except LiftgateError as error:
            log.warning("what %s sent is reckoned by its length: %s", call.request_id, error.message)
            prompt = {TEXT: _tokens(len(body))}
        _reckon(call, prompt)
        tell(call)


def reckon_by_length(call: CallRecord) -> None:
    """Of an answer. Embeddings of some models never have a usage: a count for each would be as many requests again."""
    if call.sent is not None:
        _reckon(call, {TEXT: _tokens(len(call.sent[1]))})


def _reckon(call: CallRecord, prompt: Mapping[str, int]) -> None:
    total, given = sum(prompt.values()), _tokens(call.given)
    details: list[JsonObject] = [{"modality": kind, "tokenCount": count} for kind, count in prompt.items()]
    call.reckoned = {
        "promptTokenCount": total,
        "promptTokensDetails": details,
        "candidatesTokenCount": given,
        "totalTokenCount": total + given,
    }


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_A_TOKEN)
