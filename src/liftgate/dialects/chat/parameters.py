"""OpenAI's parameters whose shape, names or rules are its own: response formats, efforts, modalities, voices, and those
for which Gemini has nothing."""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.ask import checks, generation
from liftgate.ask.builder import Ask
from liftgate.dialects.chat.question import Reading
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

_LITELLMS = frozenset({"response_schema", "enforce_validation"})
_FORMS = {
    "text": frozenset({"type"}),
    "json_object": frozenset({"type"}) | _LITELLMS,
    "json_schema": frozenset({"type", "json_schema"}) | _LITELLMS,
}
MODALITIES = ("text", "audio", "image")

VOICES: Mapping[str, str] = {
    "alloy": "Kore",
    "ash": "Charon",
    "ballad": "Enceladus",
    "cedar": "Iapetus",
    "coral": "Aoede",
    "echo": "Puck",
    "fable": "Fenrir",
    "marin": "Sulafat",
    "nova": "Leda",
    "onyx": "Orus",
    "sage": "Despina",
    "shimmer": "Zephyr",
    "verse": "Algieba",
}
"""OpenAI's voices → Google's with a like character; Google's own names are taken as they are."""
GOOGLE_VOICES = (
    "Achernar", "Achird", "Algenib", "Algieba", "Alnilam", "Aoede", "Autonoe", "Callirrhoe", "Charon", "Despina",
    "Enceladus", "Erinome", "Fenrir", "Gacrux", "Iapetus", "Kore", "Laomedeia", "Leda", "Orus", "Pulcherrima",
    "Puck", "Rasalgethi", "Sadachbia", "Sadaltager", "Schedar", "Sulafat", "Umbriel", "Vindemiatrix", "Zephyr",
    "Zubenelgenubi",
)  # fmt: skip
_VOICE_NAMES = {name.lower(): name for name in GOOGLE_VOICES}

FORMATS = ("wav", "pcm16")
OPENAI_FORMATS = ("wav", "aac", "mp3", "flac", "opus", "pcm16")


# ── length, probabilities ────────────────────────────────────────────────────────────────────────


def read_max_completion_tokens(reading: Reading, value: object, param: str) -> None:
    """The newer name of `max_tokens`."""
    older = reading.parameters.get("max_tokens")
    if older is not None and older != value:
        raise InvalidRequest(
            f"Invalid 'max_tokens': 'max_tokens' and '{param}' differ; give one of them.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    generation.read_token_limit(reading.ask, value, param)


def read_top_logprobs(reading: Reading, value: object, param: str) -> None:
    if reading.parameters.get("logprobs") is True:
        generation.read_top_logprobs(reading.ask, value, param)
    elif checks.integer(value, param, 0, 20):
        raise InvalidRequest(f"Invalid '{param}': 'logprobs' must be set to true if '{param}' is used.", param=param)


# ── the form of the answer ───────────────────────────────────────────────────────────────────────


def read_response_format(ask: Ask, value: object, param: str) -> None:
    ask.given.add("response_format")
    form = checks.mapping(value, param)
    kinds = ("text", "json_object", "json_schema")
    kind = checks.choice(checks.required(form, "type", param), f"{param}.type", kinds)
    ask.refuse_unknown_keys(form, param, _FORMS[kind])
    if kind == "text" or not generation.ask_for_json(ask, param):
        return
    where = f"{param}.response_schema"
    if (schema := form.get("response_schema")) is not None:  # LiteLLM's form for Gemini
        if form.get("json_schema") is not None:
            raise InvalidRequest(
                f"Invalid '{where}': 'json_schema' holds the schema already; give one of them.",
                param=where,
                code="invalid_parameter_combination",
            )
        generation.write_schema(ask, checks.mapping(schema, where), where, strict=False)
    elif kind == "json_schema":
        _json_schema(ask, checks.required(form, "json_schema", param), f"{param}.json_schema")


def _json_schema(ask: Ask, value: object, where: str) -> None:
    described = checks.mapping(value, where)
    ask.refuse_unknown_keys(described, where, frozenset({"name", "description", "schema", "strict"}))
    generation.read_named_schema(ask, described, where, required=False)


def read_modalities(ask: Ask, value: object, param: str) -> None:
    wanted = checks.array(value, param, least=1)
    named = (checks.choice(each, f"{param}[{index}]", MODALITIES) for index, each in enumerate(wanted))
    generation.choose_modalities(ask, named, param)


def read_audio(reading: Reading, value: object, param: str) -> None:
    """`{voice, format}`; also `language_code`. The format is given to the answer's side."""
    ask = reading.ask
    if not ask.facts.audio_out:
        ask.refuse_unsupported(param, "audio output")
        return
    audio = checks.mapping(value, param)
    ask.refuse_unknown_keys(audio, param, frozenset({"voice", "format", "language_code"}))
    form = checks.choice(checks.required(audio, "format", param), f"{param}.format", OPENAI_FORMATS)
    reading.audio_format = form if form in FORMATS else "wav"
    known = ("pcm16",) if reading.stream else FORMATS
    if form not in known:
        names = " and ".join(f"'{name}'" for name in known)
        when = " when stream=true" if form in FORMATS else ""
        ask.leave_out(
            f"{param}.format",
            f"Unsupported value: '{param}.format' does not support '{form}'{when}. Supported values are: {names}.",
        )
    voice = _voice(audio, param)
    language = audio.get("language_code")
    generation.speak(ask, voice, None if language is None else checks.string(language, f"{param}.language_code"))


def _voice(audio: JsonObject, param: str) -> str:
    voice = checks.required(audio, "voice", param)
    param = f"{param}.voice"
    if isinstance(voice, dict):
        voice = checks.required(voice, "id", param)
    name = checks.string(voice, param, empty=False).lower()
    found = VOICES.get(name) or _VOICE_NAMES.get(name)
    if found is None:
        raise checks.invalid_value(param, voice, (*VOICES, *GOOGLE_VOICES))
    return found


# ── thinking, and the service ────────────────────────────────────────────────────────────────────


def read_reasoning_effort(ask: Ask, value: object, param: str) -> None:
    if isinstance(value, dict):  # the Responses API's form, which agent frameworks also send here
        value = value.get("effort")
        if value is None:
            return
    effort = "none" if value == "disable" else checks.choice(value, param, generation.EFFORTS)
    generation.think_with_effort(ask, effort, param)


def read_thinking(ask: Ask, value: object, param: str) -> None:
    """Anthropic's parameter, as LiteLLM's clients send it: {type: enabled | disabled | adaptive, budget_tokens}."""
    thinking = checks.mapping(value, param)
    ask.refuse_unknown_keys(thinking, param, frozenset({"type", "budget_tokens"}))
    kind = checks.choice(checks.required(thinking, "type", param), f"{param}.type", ("enabled", "disabled", "adaptive"))
    if kind == "disabled":
        generation.think_not(ask, param)
    else:
        generation.think_within(ask, thinking.get("budget_tokens"), f"{param}.budget_tokens", param)


# ── what Gemini has nothing for ──────────────────────────────────────────────────────────────────


def read_verbosity(ask: Ask, value: object, param: str) -> None:
    if checks.choice(value, param, ("low", "medium", "high")) != "medium":
        ask.leave_out(param, f"Unsupported parameter: '{param}'. Gemini has no such setting; say it in words.")


def read_logit_bias(ask: Ask, value: object, param: str) -> None:
    if checks.mapping(value, param):
        ask.leave_out(param, f"Unsupported parameter: '{param}'. Its token numbers mean nothing to Gemini's tokenizer.")


def read_store(ask: Ask, value: object, param: str) -> None:
    if checks.boolean(value, param):
        ask.leave_out(param, f"Unsupported value: '{param}' does not support true: completions are not stored.")


def read_stream(ask: Ask, value: object, param: str) -> None:
    checks.boolean(value, param)


def read_stream_options(reading: Reading, value: object, param: str) -> None:
    options = checks.mapping(value, param)
    if not reading.stream:
        raise InvalidRequest(f"The '{param}' parameter is only allowed when 'stream' is enabled.", param=param)
    reading.ask.refuse_unknown_keys(options, param, frozenset({"include_usage", "include_obfuscation"}))
    for key, each in options.items():
        if each is not None:
            checks.boolean(each, f"{param}.{key}")
