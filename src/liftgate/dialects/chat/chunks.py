"""Events of the fold → `chat.completion.chunk` objects, and their bytes as SSE blocks, in OpenAI's order (OPENAI.md
3.3).

Role first, then deltas, then an empty delta with the finish_reason, then the usage. `[DONE]` is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from liftgate.answer.events import (
    AudioDelta,
    Closing,
    Event,
    Finish,
    ImageDelta,
    LegacyCall,
    ReasoningDelta,
    Start,
    TextDelta,
    ToolCall,
    Usage,
)
from liftgate.answer.fold import AnswerFold
from liftgate.sse import event as sse_event

_encode = msgspec.json.Encoder().encode


def chunk_blocks(fold: AnswerFold, events: Sequence[Event]) -> list[dict[str, Any]]:
    """One dict per chunk."""
    return [_chunk(fold, event) for event in events]


def _chunk(fold: AnswerFold, event: Event) -> dict[str, Any]:
    chunk: dict[str, Any] = {
        "id": fold.completion_id,
        "object": "chat.completion.chunk",
        "created": fold.created,
        "model": fold.model,
        "service_tier": fold.service_tier,
    }
    if fold.system_fingerprint is not None:
        chunk["system_fingerprint"] = fold.system_fingerprint
    if isinstance(event, Usage):
        chunk["choices"] = []
        chunk["usage"] = event.usage
        return chunk
    logprobs = None
    if isinstance(event, TextDelta) and event.logprobs is not None:
        logprobs = {"content": event.logprobs, "refusal": None}
    chunk["choices"] = [
        {
            "index": event.index,
            "delta": _delta(event),
            "logprobs": logprobs,
            "finish_reason": event.reason if isinstance(event, Finish) else None,
        }
    ]
    if fold.translation.include_usage:
        chunk["usage"] = None
    return chunk


def _delta(event: Event) -> dict[str, Any]:
    match event:
        case TextDelta():
            return {"content": event.text}
        case Start():
            if event.text:
                return {"role": "assistant", "content": "", "refusal": None}
            return {"role": "assistant", "content": None}
        case ReasoningDelta():
            return {"reasoning_content": event.text}
        case ToolCall():
            return {"tool_calls": [{"index": event.position, **event.call}]}
        case LegacyCall():
            return {"function_call": event.call}
        case ImageDelta():
            return {"images": [event.image]}
        case AudioDelta():
            return {"audio": event.audio}
        case Closing():
            return event.delta
        case Finish() | Usage():
            return {}


class ChunkEncoder:
    """The SSE encoder of one stream. A plain text delta is put between bytes that were made once."""

    def __init__(self, fold: AnswerFold) -> None:
        self._fold = fold
        self._templates: dict[int, tuple[bytes, bytes]] = {}

    def encode(self, events: Sequence[Event]) -> bytes:
        """Whole `data:` blocks, b"" for no events."""
        blocks = []
        for event in events:
            if type(event) is TextDelta and event.logprobs is None:
                template = self._templates.get(event.index)
                if template is None:
                    template = self._template(event.index)
                blocks.append(template[0] + _encode(event.text) + template[1])
            else:
                blocks.append(sse_event(_encode(_chunk(self._fold, event))))
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def _template(self, index: int) -> tuple[bytes, bytes]:
        # The mark cannot occur elsewhere: quotes inside the ids and names are escaped by the encoder.
        before, _, after = _encode(_chunk(self._fold, TextDelta(index, ""))).partition(b'"delta":{"content":""}')
        template = (b'data: %b"delta":{"content":' % before, b"}%b\n\n" % after)
        self._templates[index] = template
        return template
