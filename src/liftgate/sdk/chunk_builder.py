"""`stream_chunk_builder`: the whole answer that a stream's chunks add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject
from liftgate.sdk.bridge import public_errors
from liftgate.sdk.response_cost import note_cost
from liftgate.sdk.results import ModelResponse, plain


class _Pieces(list[str]):
    """A text on its way: joined once, at the end."""


_TEXTS = frozenset({"content", "reasoning_content", "refusal", "arguments", "input", "transcript", "data"})
"""Fields whose pieces follow one another; of any other text the last one holds."""


def stream_chunk_builder(chunks: Iterable[object] | None, messages: object = None, **_: object) -> ModelResponse:
    """A `chat.completion` of all chunks, in any number of choices; `usage` where the stream had it
    (`stream_options={"include_usage": True}`) or a chunk notes it. `messages` has no effect: LiteLLM counts their
    tokens itself.
    """
    with public_errors():
        listed = list(chunks or ())
        plain_chunks: list[JsonObject] = [plain(chunk) for chunk in listed]
        if not plain_chunks:
            raise InvalidRequest("'chunks' is empty: no answer can be built.", param="chunks")
    body: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    for chunk in plain_chunks:
        body.update({name: value for name, value in chunk.items() if value is not None and name != "choices"})
        for choice in chunk.get("choices") or ():
            whole = choices.setdefault(
                choice["index"], {"index": choice["index"], "message": {"role": "assistant", "content": None}}
            )
            _merge(whole["message"], choice.get("delta") or {})
            _merge(whole, {name: choice[name] for name in ("finish_reason", "logprobs") if choice.get(name)})
    noted = getattr(listed[-1], "_hidden_params", None)
    if noted and "usage" not in body:
        body["usage"] = noted["usage"]
    answer = ModelResponse(
        **{**body, "object": "chat.completion", "choices": [_finished(choices[index]) for index in sorted(choices)]}
    )
    if answer.usage is not None:
        note_cost(answer, answer.model)
    return answer


def _merge(whole: JsonObject, piece: JsonObject) -> None:
    for name, value in piece.items():
        before = whole.get(name)
        if name in _TEXTS and isinstance(value, str):
            if not isinstance(before, _Pieces):
                before = whole[name] = _Pieces() if before is None else _Pieces([before])
            before.append(value)
        elif before is None:
            whole[name] = _indexed([], value) if name == "tool_calls" else value
        elif value is None:
            continue
        elif name == "tool_calls":
            whole[name] = _indexed(before, value)
        elif isinstance(before, dict) and isinstance(value, dict):
            whole[name] = dict(before)
            _merge(whole[name], value)
        elif isinstance(before, list) and isinstance(value, list):
            before.extend(value)
        else:
            whole[name] = value


def _indexed(calls: list[JsonObject], pieces: list[JsonObject]) -> list[JsonObject]:
    """Tool calls come in pieces that say which call they are of."""
    by_index = {call["index"]: call for call in calls}
    for piece in pieces:
        call = by_index.setdefault(piece.get("index", len(by_index)), {})
        _merge(call, piece)
    return [by_index[index] for index in sorted(by_index)]


def _finished(choice: JsonObject) -> JsonObject:
    for call in choice["message"].get("tool_calls") or ():
        call.pop("index", None)
    choice.setdefault("finish_reason", None)
    joined: JsonObject = _joined(choice)
    return joined


def _joined(value: Any) -> Any:
    if isinstance(value, _Pieces):
        return "".join(value)
    if isinstance(value, dict):
        return {name: _joined(each) for name, each in value.items()}
    return [_joined(each) for each in value] if isinstance(value, list) else value
