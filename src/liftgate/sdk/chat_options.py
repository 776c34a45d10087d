"""The keyword arguments of `completion`, for editors and type checkers: what each is stands in docs/compatibility.md.

Gemini's own fields of `generationConfig` may stand beside them at run time; a type checker wants those in
`generation_config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from liftgate.json_types import JsonMapping
from liftgate.sdk.calls import CallOptions
from liftgate.sdk.results import Result

ChatMessages: TypeAlias = Sequence[JsonMapping | Result]
"""Messages as OpenAI's API has them; an answer's own `message` may stand among them."""


class ChatOptions(CallOptions, total=False):
    """OpenAI's parameters, Gemini's beside them, LiteLLM's for the call, and those that all functions share."""

    temperature: float | None
    top_p: float | None
    top_k: float | None
    n: int | None
    max_tokens: int | None
    max_completion_tokens: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logprobs: bool | None
    top_logprobs: int | None
    logit_bias: Mapping[str, float] | None
    response_format: object
    tools: Sequence[JsonMapping] | None
    tool_choice: object
    parallel_tool_calls: bool | None
    functions: Sequence[JsonMapping] | None
    function_call: object
    reasoning_effort: str | None
    thinking: JsonMapping | None
    modalities: Sequence[str] | None
    audio: JsonMapping | None
    web_search_options: JsonMapping | None
    stream_options: JsonMapping | None
    service_tier: str | None
    safety_settings: Sequence[JsonMapping] | None
    cached_content: str | None
    tool_config: JsonMapping | None
    generation_config: JsonMapping | None
    labels: Mapping[str, str] | None
    google: JsonMapping | None
    metadata: object
    user: str | None
    store: bool | None
    verbosity: str | None
    prediction: object
    safety_identifier: str | None
    prompt_cache_key: str | None
    drop_params: bool | None
    additional_drop_params: Sequence[str] | None
    allowed_openai_params: Sequence[str] | None
    custom_llm_provider: str | None
    extra_headers: Mapping[str, str] | None
    extra_body: JsonMapping | None
    headers: Mapping[str, str] | None
    fallbacks: Sequence[str | JsonMapping] | None
    context_window_fallback_dict: Mapping[str, str] | None
    mock_response: object
