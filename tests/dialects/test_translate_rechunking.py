"""However Gemini cuts an answer into replies, the same completion comes out, streamed or whole."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.sse import EventDecoder
from openai_stream import comparable, put_together

USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 9, "thoughtsTokenCount": 2}
_texts = st.text(alphabet='aé😀\n"\\ {}', min_size=1, max_size=12)
_signature = st.sampled_from(["c2ln", "b3RoZXI="])
_part = st.one_of(
    _texts.map(lambda text: {"text": text}),
    _texts.map(lambda text: {"text": text, "thought": True}),
    st.tuples(_texts, _signature).map(lambda both: {"text": both[0], "thoughtSignature": both[1]}),
    st.just({"functionCall": {"name": "f", "args": {"a": "é"}}, "thoughtSignature": "c2ln"}),
    st.just({"functionCall": {"name": "g"}}),
    st.just({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}),
    st.binary(min_size=1, max_size=20).map(
        lambda pcm: {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": _base64(pcm)}}
    ),
    st.just({"executableCode": {"language": "PYTHON", "code": "1"}}),
)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _fold(*, stream: bool) -> AnswerFold[ChatQuestion]:
    numbers = itertools.count()
    return AnswerFold(
        Head("1", "m", 1),
        ChatQuestion(body={}, stream=stream, include_usage=stream, audio_format="pcm16"),
        new_call_id=lambda: f"call_{next(numbers)}",
    )


def _reply(parts: list[Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **more}], "usageMetadata": USAGE}


def _split(draw: Any, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same parts with plain texts cut into pieces; a signature stays on the last piece."""
    pieces: list[dict[str, Any]] = []
    for part in parts:
        text = part.get("text")
        while text and len(text) > 1 and draw(st.booleans()):
            at = draw(st.integers(1, len(text) - 1))
            bare = {key: value for key, value in part.items() if key != "thoughtSignature"}
            pieces.append({**bare, "text": text[:at]})
            text = text[at:]
        pieces.append(part if text is None else {**part, "text": text})
    return pieces


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.data(), st.lists(_part, max_size=6))
def test_any_cutting_of_an_answer_gives_the_same_completion(data: Any, parts: list[dict[str, Any]]) -> None:
    whole = _fold(stream=False)
    whole.feed(_reply(parts, finishReason="STOP"))
    whole.end()
    answer = completion(whole.answer)

    pieces = _split(data.draw, parts)
    streamed = _fold(stream=True)
    encoder, sent = ChunkEncoder(), b""
    encoder.begin(streamed.answer)
    while pieces:
        size = data.draw(st.integers(1, len(pieces)))
        sent += encoder.encode(streamed.feed(_reply(pieces[:size])))
        pieces = pieces[size:]
    sent += encoder.encode(streamed.feed(_reply([], finishReason="STOP")))
    sent += encoder.encode(streamed.end())

    again = completion(streamed.answer)
    assert again == answer
    assert streamed.take_signatures() == whole.take_signatures()
    chunks = [json.loads(block) for block in EventDecoder().feed(sent)]
    made = put_together(chunks)[0]
    assert comparable(made["message"], streamed=True) == comparable(answer["choices"][0]["message"], streamed=False)
    assert made["finish_reason"] == answer["choices"][0]["finish_reason"]
    assert chunks[-1]["usage"] == answer["usage"]
