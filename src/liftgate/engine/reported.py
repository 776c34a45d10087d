"""What one of Gemini's answers, or events, reports of its call, read beside what is passed on as it came."""

from __future__ import annotations

import msgspec

from liftgate.errors import UpstreamProtocolError, let_go
from liftgate.gemini_json import checked_apart
from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body


class Candidate(msgspec.Struct, rename="camel"):
    finish_reason: str | int = ""


class Reported(msgspec.Struct, rename="camel"):
    usage: JsonObject | None = msgspec.field(name="usageMetadata", default=None)
    response_id: str = ""
    model_version: str = ""
    candidates: list[Candidate] = []


def read_reported(said: Body | JsonObject) -> Reported | None:
    """None of what has another form. `said`: as it came, or read already."""
    try:
        if isinstance(said, dict):
            return msgspec.convert(said, Reported)
        return _decode(said) if said else Reported()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def said_apart(raw: Body) -> JsonObject:
    """Of a large one, for a thread, what `read_reported` reads; of what is no JSON nothing."""
    try:
        return checked_apart(raw)
    except UpstreamProtocolError as error:
        let_go(error)
        return {}


_decode = msgspec.json.Decoder(Reported).decode
