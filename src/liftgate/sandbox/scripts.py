"""Replies that tests queue: what the next generate calls answer instead of a computed answer.

A script is used once (or `times`), for its model or for any. Which form fits which call: a full response or an error
fits both, chunks and raw bytes fit a stream only. Documented in `liftgate.sandbox.control`.
"""

import base64
from dataclasses import dataclass, field, fields

from liftgate.sandbox.wire.json_types import JsonMapping, JsonObject


@dataclass
class Script:
    """One queued reply."""

    model: str | None = None
    key: str | None = None
    response: JsonObject | None = None
    chunks: list[JsonObject] | None = None
    delays: list[float] = field(default_factory=list)
    """Real seconds before each chunk; missing ones are zero."""
    raw: bytes | None = None
    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Real seconds before the answer begins."""
    end: str = "complete"
    """After the last chunk: `complete`, `reset` or `close` the connection."""
    times: int | None = 1

    @classmethod
    def ordered(cls, order: JsonMapping) -> "Script":
        """From JSON, where raw bytes are `raw` (text) or `raw_base64`; ValueError names what is wrong."""
        given = dict(order)
        if "raw_base64" in given:
            given["raw"] = base64.b64decode(given.pop("raw_base64"))
        elif isinstance(given.get("raw"), str):
            given["raw"] = given["raw"].encode()
        allowed = {item.name for item in fields(cls)}
        for name in given:
            if name not in allowed:
                raise ValueError(
                    f"unknown field {name!r} in a script; known are {', '.join(sorted(allowed))}, raw_base64"
                )
        forms = [name for name in ("response", "chunks", "raw", "body") if given.get(name) is not None]
        if len(forms) != 1:
            raise ValueError(f"a script has exactly one of response, chunks, raw, body; this one has {forms or 'none'}")
        if given.get("end", "complete") not in ("complete", "reset", "close"):
            raise ValueError("'end' must be complete, reset or close")
        return cls(**given)

    def fits(self, model: str, key: str, *, streamed: bool) -> bool:
        if self.model not in (None, model) or self.key not in (None, key):
            return False
        return streamed or (self.chunks is None and self.raw is None)


class Scripts:
    """The queue, first in, first out among those that fit."""

    def __init__(self) -> None:
        self.queue: list[Script] = []

    def add(self, script: Script) -> None:
        self.queue.append(script)

    def clear(self) -> None:
        self.queue.clear()

    def draw(self, model: str, key: str, *, streamed: bool) -> Script | None:
        for script in self.queue:
            if script.fits(model, key, streamed=streamed):
                if script.times is not None:
                    script.times -= 1
                    if script.times <= 0:
                        self.queue.remove(script)
                return script
        return None
