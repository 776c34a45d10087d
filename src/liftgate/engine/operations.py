"""What can be asked of a model, by OpenTelemetry's names: `chat` in every dialect but Gemini's own, `count_tokens`, and
those of Gemini's methods."""

from __future__ import annotations

from collections.abc import Iterable

OPERATIONS = {"embedContent": "embeddings", "batchEmbedContents": "embeddings", "countTokens": "count_tokens"}
"""Google's methods of a model → OpenTelemetry's names for what is asked, which spans, metrics and log lines have; all
others are `generate_content`."""
PAID = frozenset({"chat", "generate_content", "embeddings"})
"""Operations that use what is paid."""


def methods_of(model: str) -> Iterable[str]:
    """What can be called of an upstream model, as Google lists it: it names no streams and no batches of embeddings."""
    return ("embedContent", "countTokens") if "embedding" in model else ("generateContent", "countTokens")
