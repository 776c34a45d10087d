"""What can be asked of a model, by OpenTelemetry's names: `chat` in every dialect but Gemini's own, `count_tokens`, and
those of Gemini's methods."""

from __future__ import annotations

OPERATIONS = {"embedContent": "embeddings", "batchEmbedContents": "embeddings", "countTokens": "count_tokens"}
"""Google's methods of a model → OpenTelemetry's names for what is asked, which spans, metrics and log lines have; all
others are `generate_content`."""
PAID = frozenset({"chat", "generate_content", "embeddings"})
"""Operations that use what is paid."""
