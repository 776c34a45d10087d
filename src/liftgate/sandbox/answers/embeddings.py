"""embedContent and batchEmbedContents: unit vectors computed from the words of the input.

The same text gives the same vector, texts that share words are near each other. Nothing is learned.
"""

import hashlib
import math
import struct

from liftgate.sandbox.answers.generation import Call
from liftgate.sandbox.requests.refusals import Refusal, field_wrong, inline_too_big, model_unknown
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire import json_text
from liftgate.sandbox.wire.http import Exchange, Reply, api_reply
from liftgate.sandbox.wire.json_types import JsonObject
from liftgate.sandbox.wire.strict_json import check_message

DIMENSIONS = 3072


async def embed(state: SandboxState, exchange: Exchange, call: Call) -> Reply:
    """Both methods; an unknown model's error says embedContent on either, as recorded."""
    body = await exchange.body(state.settings.inline_limit)
    if body is None:
        raise inline_too_big(state.settings.inline_limit)
    model = state.model(call.model)
    if model is None or not model.embeds:
        raise model_unknown(call.model, call.version, "embedContent")
    loaded = json_text.load(body)
    if call.method == "embedContent":
        return api_reply(200, {"embedding": {"values": _values(check_message(loaded, "EmbedContentRequest"))}})
    requests = check_message(loaded, "BatchEmbedContentsRequest").get("requests", [])
    if not requests:
        raise field_wrong("BatchEmbedContentsRequest.requests", "requests is not specified")
    for index, request in enumerate(requests):
        if request.get("model") != f"models/{call.model}":
            raise field_wrong(
                f"BatchEmbedContentsRequest.requests[{index}].model", "model must match the batch's model"
            )
    return api_reply(200, {"embeddings": [{"values": _values(request)} for request in requests]})


def _values(request: JsonObject) -> list[float]:
    text = "\n".join(part.get("text", "") for part in request.get("content", {}).get("parts", []))
    if not text:
        raise Refusal(400, "* EmbedContentRequest.content: contains an empty Part.\n")
    count = request.get("outputDimensionality", DIMENSIONS)
    if not 1 <= count <= DIMENSIONS:
        raise field_wrong("EmbedContentRequest.output_dimensionality", f"must be in the range [1, {DIMENSIONS}].")
    return vector(text)[:count]


def vector(text: str) -> list[float]:
    """A unit vector of DIMENSIONS numbers."""
    total = [0.0] * DIMENSIONS
    for word in text.lower().split() or [text]:
        raw = hashlib.shake_256(word.encode()).digest(DIMENSIONS * 2)
        for index, number in enumerate(struct.unpack(f"<{DIMENSIONS}h", raw)):
            total[index] += number
    length = math.sqrt(sum(number * number for number in total)) or 1.0
    return [number / length for number in total]
