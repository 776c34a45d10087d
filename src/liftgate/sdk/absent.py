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
_RESPONSES = "Liftgate has no Responses API yet; completion takes the same models."
_BATCHES = "Liftgate has no batches at Google yet; batch_completion asks many chats side by side."
_EACH_MODEL = "Give completion fallbacks=[…], or call it once for each model."
_PLAIN = "Give completion one user message."
_TOKENS = "token_counter asks Gemini, whose tokenizer is not published."
_CALLBACKS = "Liftgate calls no callbacks; log the results and exceptions of your own calls."
_CACHE = "Liftgate caches no answers."
_REGISTER = "Prices and facts of models are of the package's own table: get_model_info shows them."

ABSENT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("embedding", "aembedding"), _EMBEDDING),
        **dict.fromkeys(("Router", "router"), _ROUTER),
        **dict.fromkeys(("image_generation", "aimage_generation", "image_edit", "aimage_edit"), _IMAGES),
        **dict.fromkeys(("speech", "aspeech"), _SPEECH),
        **dict.fromkeys(("transcription", "atranscription"), _TRANSCRIPT),
        **dict.fromkeys(("responses", "aresponses"), _RESPONSES),
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
        "anthropic": "Liftgate has no Messages API yet; completion takes the same models.",
        "moderation": "Liftgate has no moderation model; safety_settings act in completion.",
        "rerank": "Liftgate has no reranking.",
        "BudgetManager": "Liftgate's functions hold no spend limit; completion_cost prices an answer.",
        "trim_messages": "Gemini takes up to a million tokens; token_counter says how many are sent.",
        "completion_with_retries": "completion tries again by itself: num_retries=….",
        "acompletion_with_retries": "acompletion tries again by itself: num_retries=….",
        "completion_with_fallbacks": "completion takes fallbacks=[…].",
        "CustomLLM": "Liftgate speaks to Google AI Studio only.",
    }
)
