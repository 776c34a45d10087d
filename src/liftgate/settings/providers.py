"""Whose model an entry of `model_list` is: Google AI Studio's, which is served, or another provider's, which is not."""

from __future__ import annotations

import re

from liftgate.errors import ConfigError
from liftgate.names import bare_model, is_collection, names_a_model
from liftgate.settings.spelling import nearest
from liftgate.settings.values import text
from liftgate.settings.wildcards import STAR

OURS = "gemini"

_GOOGLES = re.compile(
    r"gemini|gemma|learnlm|imagen|veo-|lyria|aqa\Z|(?:text-|text-multilingual-)?embedding-0\d\d|\*", re.IGNORECASE
)
_BARE = (
    (
        re.compile(r"(?i)gpt|chatgpt|o\d|dall-e|whisper|tts-|text-embedding-(?:3|ada)|omni-|codex|sora|davinci"),
        "openai",
    ),
    (re.compile(r"(?i)claude"), "anthropic"),
    (re.compile(r"(?i)command|embed-|rerank"), "cohere"),
    (re.compile(r"(?i)(?:open-)?mi[sx]tral|codestral|magistral|ministral|pixtral"), "mistral"),
    (re.compile(r"(?i)deepseek"), "deepseek"),
    (re.compile(r"(?i)grok"), "xai"),
)
_GOOGLES_OWN = re.compile(r"https://generativelanguage\.googleapis\.com(?:/|\Z)")
_GOOGLE_SPELLINGS = frozenset({"google", "google_ai_studio", "google-ai-studio", "googleai", "aistudio", "ai_studio"})


def provider_and_model(params: dict[str, object], where: str) -> tuple[str, str]:
    """The provider, by LiteLLM's name, and Google's name of the model (empty where the provider is another).

    ConfigError for a slip in the word `gemini`, and for a name that is no model's. A model of Google's that another
    provider's name has at Google's own address is Google's: that is how its form of OpenAI's API is reached.
    """
    model = text(params.get("model"), f"{where}.model")
    stated = params.get("custom_llm_provider")
    head, slash, rest = model.partition("/")
    address = params.get("api_base") or params.get("base_url")
    of_another = stated not in (None, OURS) or (slash and head != OURS and not is_collection(head))
    name = bare_model(rest if slash and stated in (None, head) else model)
    if of_another and isinstance(address, str) and _GOOGLES_OWN.match(address) and _GOOGLES.match(name):
        return OURS, name
    if stated is not None and stated != OURS:
        if isinstance(stated, str) and nearest(stated, [OURS]):
            raise ConfigError(f"{where}.custom_llm_provider: {stated!r} is no provider. Did you mean 'gemini'?")
        return str(stated), ""
    if stated is None and slash and head != OURS and not is_collection(head):
        if nearest(head, [OURS]) or head.casefold() in _GOOGLE_SPELLINGS:
            raise ConfigError(f"{where}.model: {head!r} is no provider. Did you mean 'gemini/{rest}'?")
        return head, ""
    if stated is None and not slash and not _GOOGLES.match(model):
        return next((provider for pattern, provider in _BARE if pattern.match(model)), "unnamed"), ""
    name = bare_model(model)
    if not names_a_model(name.replace(STAR, "x")):
        raise ConfigError(f"{where}.model: {model!r} names no model; expected 'gemini/NAME'.")
    return OURS, name
