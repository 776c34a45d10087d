"""Google's short replies, read: a number of a header, an object of a body, a refusal as an error of ours."""

from __future__ import annotations

import asyncio

from liftgate.errors import LiftgateError, UpstreamProtocolError
from liftgate.gemini.status import error_of, quotas_of, without_key
from liftgate.gemini_json import decoded_or_none
from liftgate.http.transport import Reply
from liftgate.json_types import JsonObject
from liftgate.large_bodies import STEP, Body, contains
from liftgate.measurements import Measurements


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
    return b"/files/" in body if len(body) <= STEP else await asyncio.to_thread(contains, body, b"/files/")


def upload_number(reply: Reply, name: str) -> int | None:
    text = reply.headers.get(f"x-goog-upload-{name}", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def object_of(body: bytes) -> JsonObject:
    value = decoded_or_none(body)
    if not isinstance(value, dict):
        raise UpstreamProtocolError("Gemini described something in what is no JSON object.")
    return value
