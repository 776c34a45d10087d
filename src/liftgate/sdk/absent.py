"""Names of LiteLLM's that Liftgate does not have, each with what to use instead: what asking for `liftgate.X` says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_EMBEDDING = (
    "Liftgate has no embeddings yet; through a gateway, /v1beta/models/MODEL:embedContent answers google-genai."
)
_ROUTER = "Liftgate(config='config.yaml') routes over the deployments of a LiteLLM config; or run a gateway."
_IMAGES = "Ask completion for images: modalities=['image', 'text'] with an image model; they come in message.images."
_SPEECH = "Ask completion for speech: modalities=['audio'] and audio={'voice': …, 'format': 'wav'} with a TTS model."
_TRANSCRIPT = "Upload the audio with create_file and ask completion for a transcript."
_RESPONSES = "responses, get_responses and delete_responses are there; a gateway has the rest at /v1/responses."
_BATCHES = "Liftgate has no batches at Google yet; batch_completion asks many chats side by side."
_EACH_MODEL = "Give completion fallbacks=[…], or call it once for each model."
_PLAIN = "Give completion one user message."
_TOKENS = "token_counter asks Gemini, whose tokenizer is not published."
_CALLBACKS = "Liftgate calls no callbacks; log the results and exceptions of your own calls."
_CACHE = "Liftgate caches no answers."
_REGISTER = "Prices and facts of models are of the package's own table: get_model_info shows them."
_MODELS = "model_cost lists the models that Liftgate knows; Google's own list is at /v1beta/models."
_ONE_PROVIDER = "Liftgate speaks to Google AI Studio only: every model is of gemini."
_VIDEO = "Liftgate makes no videos yet; through a gateway, google-genai's own calls reach Gemini."
_NATIVE = "Through a gateway, google-genai's own calls reach Gemini; completion takes OpenAI's form."
_MESSAGES = "A gateway answers Anthropic's clients at /v1/messages; completion takes the same models."
_HEALTH = "A gateway has /health; token_counter asks Gemini with the key of a program."
_MODERATION = "Liftgate has no moderation model; safety_settings act in completion."

_FAMILIES = (
    (("embed",), _EMBEDDING),
    (("fine_tun",), "Google AI Studio has no fine-tuning of these models."),
    (("batch",), _BATCHES),
    (("transcri",), _TRANSCRIPT),
    (("speech",), _SPEECH),
    (("image",), _IMAGES),
    (("response", "realtime", "conversation", "input_item"), _RESPONSES),
    (("router",), _ROUTER),
    (("health",), _HEALTH),
    (("provider",), _ONE_PROVIDER),
    (("anthropic", "claude"), _MESSAGES),
    (("video",), _VIDEO),
    (("callback", "logger", "logging"), _CALLBACKS),
    (("cache", "caching"), _CACHE),
    (("moderation",), _MODERATION),
    (("assistant", "thread", "vector_store", "container", "skill", "agent", "rag"), "Liftgate has no such API."),
)
"""Pieces of names → what to use instead of whatever has them."""


def instead(name: str) -> str | None:
    """What to use in place of a name of LiteLLM's; None for what need not be one."""
    plain = name.lower()
    return ABSENT.get(name) or next((advice for pieces, advice in _FAMILIES if any(p in plain for p in pieces)), None)


ABSENT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("embedding", "aembedding"), _EMBEDDING),
        **dict.fromkeys(("Router", "router"), _ROUTER),
        **dict.fromkeys(("image_generation", "aimage_generation", "image_edit", "aimage_edit"), _IMAGES),
        **dict.fromkeys(("speech", "aspeech"), _SPEECH),
        **dict.fromkeys(("transcription", "atranscription"), _TRANSCRIPT),
        **dict.fromkeys(
            ("create_batch", "acreate_batch", "retrieve_batch", "aretrieve_batch", "list_batches"), _BATCHES
        ),
        **dict.fromkeys(
            ("batch_completion_models", "batch_completion_models_all_responses"),
            _EACH_MODEL,
        ),
        **dict.fromkeys(("text_completion", "atext_completion"), _PLAIN),
        **dict.fromkeys(("encode", "decode", "create_pretrained_tokenizer", "create_tokenizer"), _TOKENS),
        **dict.fromkeys(("CustomLogger", "Logging", "logging_callback_manager"), _CALLBACKS),
        **dict.fromkeys(("Cache", "enable_cache", "disable_cache", "update_cache"), _CACHE),
        **dict.fromkeys(("register_model", "add_known_models"), _REGISTER),
        **dict.fromkeys(("EmbeddingResponse",), _EMBEDDING),
        **dict.fromkeys(("ImageResponse",), _IMAGES),
        **dict.fromkeys(("TextCompletionResponse",), _PLAIN),
        **dict.fromkeys(("cancel_batch", "acancel_batch"), _BATCHES),
        **dict.fromkeys(("get_valid_models", "models_by_provider", "gemini_models"), _MODELS),
        **dict.fromkeys(("get_llm_provider", "LlmProviders", "provider_list"), _ONE_PROVIDER),
        **dict.fromkeys(("video_generation", "avideo_generation", "video_status"), _VIDEO),
        **dict.fromkeys(("generate_content", "agenerate_content", "generate_content_stream"), _NATIVE),
        **dict.fromkeys(("arerank", "rerank"), "Liftgate has no reranking."),
        **dict.fromkeys(("search", "asearch"), "Ask completion with web_search_options={}: Google Search answers."),
        **dict.fromkeys(("ocr", "aocr"), "Upload the document with create_file and ask completion for its text."),
        **dict.fromkeys(("moderation", "amoderation"), _MODERATION),
        "mock_completion": "completion takes mock_response=….",
        "check_valid_key": "token_counter asks Gemini; an AuthenticationError says that the key is not valid.",
        "anthropic": _MESSAGES,
        "get_optional_params": "get_supported_openai_params names the parameters that a model takes.",
        "BudgetManager": "Liftgate's functions hold no spend limit; completion_cost prices an answer.",
        "trim_messages": "Gemini takes up to a million tokens; token_counter says how many are sent.",
        "completion_with_retries": "completion tries again by itself: num_retries=….",
        "acompletion_with_retries": "acompletion tries again by itself: num_retries=….",
        "completion_with_fallbacks": "completion takes fallbacks=[…].",
        "CustomLLM": "Liftgate speaks to Google AI Studio only.",
    }
)
