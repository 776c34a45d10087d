"""What an answer of Google's upload server means, whatever was asked: the table, apart from what is done about it.

The rules are those of Google's own client (docs/protocol/gemini.md, "Resumable upload"). Pure; `upload_session` acts
on the verdicts, `client` makes the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from liftgate.errors import LiftgateError, UpstreamProtocolError
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.files import parse as parse_file
from liftgate.gemini.status import error_of, parse
from liftgate.gemini_json import decoded_or_none
from liftgate.json_types import JsonObject

DEFAULT_GRANULARITY = 8 * 1024 * 1024
"""Bytes; for a start that does not say (all recorded ones do)."""


@dataclass(frozen=True, slots=True)
class UploadStarted:
    """`url`: the session, a capability that is not to be logged. `granularity`: bytes of which chunks are multiples."""

    url: str = field(repr=False)
    granularity: int


@dataclass(frozen=True, slots=True)
class ChunkAnswer:
    """An answer of the upload server. `upload_status` is X-Goog-Upload-Status in lower case, "" where absent."""

    status: int
    upload_status: str = ""
    size_received: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(Enum):
    """What an answer means, whatever was asked."""

    ACCEPTED = "the session lives and took it"
    DONE = "the upload is final; the body is the result"
    REJECTED = "the upload is final and refused; the body is the error"
    BUSY = "not now: wait, then ask what Gemini has"
    RECOVER = "out of step: ask what Gemini has"
    DEAD = "there is no such session any more"
    FATAL = "this will never be accepted"


_UNMARKED: Mapping[int, Verdict] = {
    200: Verdict.RECOVER,
    # Data requests carry no key, so these four can only mean the session; a new start tells if the key is at fault.
    401: Verdict.DEAD,
    403: Verdict.DEAD,
    404: Verdict.DEAD,
    410: Verdict.DEAD,
    405: Verdict.FATAL,
    413: Verdict.FATAL,
    415: Verdict.FATAL,
    429: Verdict.BUSY,
}


def verdict(answer: ChunkAnswer) -> Verdict:
    """The classification of Google's own client (docs/protocol/gemini.md, "Resumable upload")."""
    busy = answer.status == 429 or answer.status >= 500
    match answer.upload_status:
        case "active":
            if answer.status == 200:
                return Verdict.ACCEPTED
            return Verdict.BUSY if busy else Verdict.RECOVER
        case "final":
            return Verdict.DONE if answer.status == 200 else Verdict.REJECTED
        case "cancelled":
            return Verdict.DEAD
    return Verdict.BUSY if busy else _UNMARKED.get(answer.status, Verdict.RECOVER)


def error_in(answer: ChunkAnswer) -> LiftgateError:
    """A google.rpc.Status means what it says; the upload server's plain texts are about the session alone."""
    if answer.status >= 500 or answer.status == 429 or parse(answer.status, answer.body).google_status:
        return error_of(answer.status, answer.headers, answer.body, names_file=False)
    return protocol_error(answer, "refused to go on")


def protocol_error(answer: ChunkAnswer, what: str) -> UpstreamProtocolError:
    facts = parse(answer.status, answer.body)
    words = f": {facts.message}" if facts.message else ""
    return UpstreamProtocolError(f"Gemini's upload server {what} (HTTP {answer.status}{words}).", upstream=facts)


def json_object(body: bytes) -> JsonObject:
    value = decoded_or_none(body)
    return value if isinstance(value, dict) else {}


def finished_file(answer: ChunkAnswer) -> GeminiFile | None:
    """The File that an answer's final body describes; None for an upload that is not finished, or failed."""
    if verdict(answer) is not Verdict.DONE:
        return None
    file = json_object(answer.body).get("file")
    return parse_file(file) if isinstance(file, dict) else None
