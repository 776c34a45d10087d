"""What one of Gemini's answers, or events, reports of its call, read beside what is passed on as it came."""

from __future__ import annotations

import msgspec

from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body


class Candidate(msgspec.Struct, rename="camel"):
    finish_reason: str | int = ""


class Reported(msgspec.Struct, rename="camel"):
    usage: JsonObject | None = msgspec.field(name="usageMetadata", default=None)
    response_id: str = ""
    model_version: str = ""
    candidates: list[Candidate] = []


def read_reported(raw: Body) -> Reported | None:
    """None of what has another form."""
    try:
        return _decode(raw) if raw else Reported()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_decode = msgspec.json.Decoder(Reported).decode
