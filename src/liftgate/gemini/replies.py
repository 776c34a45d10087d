"""Google's short replies, read: a number of a header, an object of a body, a refusal as an error of ours; and the
second try for an answer that Gemini gave up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from liftgate.errors import LiftgateError, UpstreamAnswerBroken, UpstreamProtocolError
from liftgate.gemini.status import error_of, quotas_of, without_key
from liftgate.gemini_json import decoded_or_none
from liftgate.http.transport import Reply
from liftgate.json_types import JsonObject
from liftgate.large_bodies import STEP, Body, contains
from liftgate.measurements import Measurements

T = TypeVar("T")

log = logging.getLogger("liftgate.gemini")


class Refusals:
    """What Google refuses, as errors; which quotas it names is recorded."""

    def __init__(self, measurements: Measurements) -> None:
        self._measurements = measurements

    def error_of(self, reply: Reply, key: str, account: str, whose: str, *, names_file: bool) -> LiftgateError:
        """`account`: its name. `whose`: the place of its key, for people."""
        error = error_of(
            reply.status, reply.headers, without_key(reply.body, key), names_file=names_file, account=whose
        )
        if self._measurements.enabled and reply.status == 429 and error.upstream is not None:
            for quota in quotas_of(error.upstream) or ("unnamed",):
                self._measurements.record("upstream_refusals", account, quota)
        return error


async def names_a_file(body: Body) -> bool:
    """Whether a request names a file of Gemini's store. Only asked when a request failed, or a stream was opened."""
    return body.find(b"/files/") >= 0 if len(body) <= STEP else await asyncio.to_thread(contains, body, b"/files/")


def upload_number(reply: Reply, name: str) -> int | None:
    text = reply.headers.get(f"x-goog-upload-{name}", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def object_of(body: bytes) -> JsonObject:
    value = decoded_or_none(body)
    if not isinstance(value, dict):
        raise UpstreamProtocolError("Gemini described something in what is no JSON object.")
    return value


async def unbroken(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` returns. An answer that Gemini gave up for a reason that lies in no content is asked for once more,
    before any of it is out."""
    try:
        return await ask()
    except UpstreamAnswerBroken as error:
        note_broken(error)
    return await ask()


def note_broken(error: UpstreamAnswerBroken) -> None:
    log.warning("%s It is asked for once more.", error.message)
