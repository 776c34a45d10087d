"""`mock_response`: an answer that the caller brings, for tests of programs that call `completion`."""

from __future__ import annotations

from liftgate import ids
from liftgate.clock import SystemClock
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject
from liftgate.sdk.engine import ChunkSource
from liftgate.sdk.results import ModelResponse, ModelResponseStream, plain

_WORDS_A_CHUNK = 3


async def mocked(model: str, mock: object, *, stream: bool) -> ModelResponse | ChunkSource:
    """`mock`: a text, an answer or its dict, or an exception, which is raised, also where LiteLLM knows it by a text.
    Tokens are counted as 10 and 20, as LiteLLM does."""
    if isinstance(mock, BaseException):
        raise mock
    if isinstance(mock, str):
        if (error := _error(model, mock)) is not None:
            raise error
        mock = _answer(model, mock)
    if not isinstance(mock, ModelResponse | dict):
        raise InvalidRequest("'mock_response' is a text, an answer or an exception.", param="mock_response")
    answer = ModelResponse(**plain(mock))
    return _MockStream(answer) if stream else answer


def _error(model: str, text: str) -> Exception | None:
    """`litellm.RateLimitError` and its like, and LiteLLM's word for a filter; None for an answer's text."""
    package, _, name = text.partition(".")
    filtered = text.startswith("Exception: content_filter_policy")
    if not filtered and package not in ("litellm", "liftgate"):
        return None
    # They load OpenAI's library where it is installed: a test may, and no other program.
    from liftgate import exceptions

    if filtered:
        return exceptions.ContentPolicyViolationError(text, model=model)
    kind = getattr(exceptions, name) if name in exceptions.__all__ else None
    if not isinstance(kind, type) or not issubclass(kind, exceptions.ProviderError):
        return None
    message = f"This is a mock of {name}."
    return kind(500, message) if issubclass(kind, exceptions.APIError) else kind(message, "gemini", model)


def _answer(model: str, text: str) -> JsonObject:
    return {
        "id": ids.new_completion_id(),
        "object": "chat.completion",
        "created": int(SystemClock().now()),
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
    }


class _MockStream:
    """A `ChunkSource` of a text in a few pieces."""

    def __init__(self, answer: ModelResponse) -> None:
        choice = answer.choices[0]
        words = (choice.message.content or "").split(" ")
        pieces = [" ".join(words[i : i + _WORDS_A_CHUNK]) for i in range(0, len(words), _WORDS_A_CHUNK)]
        texts = [piece + (" " if n < len(pieces) - 1 else "") for n, piece in enumerate(pieces)]
        head = {"id": answer.id, "object": "chat.completion.chunk", "created": answer.created, "model": answer.model}
        deltas: list[tuple[JsonObject, str | None]] = [({"content": text}, None) for text in texts]
        deltas[0][0]["role"] = "assistant"
        deltas.append(({}, choice.finish_reason))
        self._chunks = [
            ModelResponseStream(**head, choices=[{"index": 0, "delta": delta, "finish_reason": reason}])
            for delta, reason in deltas
        ]

    async def batch(self) -> list[ModelResponseStream]:
        chunks, self._chunks = self._chunks, []
        return chunks

    async def close(self) -> None:
        self._chunks = []
