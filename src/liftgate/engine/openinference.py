"""What a span says by OpenTelemetry's names, by those of OpenInference too."""

from __future__ import annotations

from liftgate.spans import Attribute, Span


def openinference_of(span: Span) -> dict[str, Attribute]:
    """The same by OpenInference's names."""
    facts = span.attributes
    operation = facts.get("gen_ai.operation.name")
    if operation is None:
        return {"openinference.span.kind": "CHAIN"}
    sent, made = facts.get("gen_ai.usage.input_tokens"), facts.get("gen_ai.usage.output_tokens")
    return {
        "openinference.span.kind": "EMBEDDING" if operation == "embeddings" else "LLM",
        "llm.provider": "google",
        "llm.model_name": facts.get("gen_ai.response.model") or facts["gen_ai.request.model"],
        "llm.token_count.prompt": sent,
        "llm.token_count.completion": made,
        "llm.token_count.total": sent + made if isinstance(sent, int) and isinstance(made, int) else None,
        "llm.token_count.prompt_details.cache_read": facts.get("gen_ai.usage.cache_read.input_tokens"),
        "llm.token_count.completion_details.reasoning": facts.get("gen_ai.usage.reasoning.output_tokens"),
    }
