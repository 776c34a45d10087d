"""What each Gemini model family can do, as data with dates. No request, no mapping: those read it.

Facts come from Google's documents, from what the service answered and from what people report of it
(docs/protocol/gemini.md, "Models"). A name that is not known gets the facts of the newest family with its doubtful
exclusions lifted: a model that appears tomorrow is not held back by this table, and Google's own answer decides. When
models end, and what follows them, stands in `model_dates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, NamedTuple

from liftgate.ask.model_dates import ALIASES, retirement_of

BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Google's own translation of `reasoning_effort` in its OpenAI-compatible layer, for models that take a budget."""

MILLION = 1_048_576


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One family's abilities. What is False or empty here is what `drop_params` may drop, and nothing else is."""

    family: str
    thinking: Literal["none", "budget", "level"] = "level"
    budgets: Mapping[str, int] = field(default_factory=dict)
    """`reasoning_effort` → thinkingBudget in tokens."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """`reasoning_effort` → thinkingLevel."""
    takes_budget: bool = True
    """thinkingBudget is accepted, also beside levels."""
    thinking_off: bool = False
    """thinkingBudget 0 is accepted."""
    json_schema: bool = True
    """responseJsonSchema and parametersJsonSchema are taken; else only the Schema subset."""
    json_output: bool = True
    """responseMimeType application/json is taken."""
    json_with_functions: bool = True
    """It is taken beside functionDeclarations, too."""
    choice_without_functions: bool = True
    """functionCallingConfig is taken where no function is declared, Google's tools only."""
    text_out: bool = True
    audio_out: bool = False
    image_out: bool = False
    penalties: bool = False
    logprobs: bool = False
    candidates: int = 1
    """The largest candidateCount."""
    sampling: Literal["taken", "ignored"] = "taken"
    """What becomes of temperature, topP and topK; `ignored` is without effect, and announced to become an error."""
    tools: bool = True
    system_instruction: bool = True
    trailing_model_turn: bool = True
    """Contents may end with the model's turn, which is then continued."""
    result_media: tuple[str, ...] = ()
    """MIME types that functionResponse.parts takes; any other goes into a user content behind the response."""
    part_resolution: bool = True
    """mediaResolution is given per part; else once for the request."""
    signatures: bool = True
    """A function call sent back without its thought signature is refused."""
    validated_mode: bool = True
    """functionCallingConfig.mode VALIDATED holds calls to their schema without forcing one."""
    input_tokens: int | None = MILLION
    output_tokens: int | None = 65_536
    """Limits; None where the sources dispute them."""
    cache_minimum: int | None = 4096
    """Tokens of the smallest explicit context cache; Google's own refusal has the last word. None: there is none."""


class Family(NamedTuple):
    """`prefix`: the beginning of the names. `read`: the month in which its sources were last read."""

    prefix: str
    facts: ModelFacts
    read: str


_RESULT_MEDIA = ("image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain")
"""Google's list for Gemini 3; recorded traffic has PNG, JPEG and PDF there, and audio and video always outside."""

_FULL = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_NO_MINIMAL = {**_FULL, "minimal": "LOW"}
"""A model without the smallest level gets the next one, as in Google's own layer."""
_PRO_3 = {"minimal": "LOW", "low": "LOW", "medium": "HIGH", "high": "HIGH"}
"""gemini-3-pro has two levels; Google's layer takes `minimal` as LOW and `medium` as HIGH there."""

_V3 = ModelFacts(family="gemini-3", levels=_FULL, result_media=_RESULT_MEDIA)
_V3_6 = replace(_V3, family="gemini-3.6", sampling="ignored", trailing_model_turn=False)
_V3_8 = replace(_V3_6, family="gemini-3.8", levels=_NO_MINIMAL)
_V2 = replace(
    _V3,
    family="gemini-2.5",
    thinking="budget",
    levels={},
    budgets={**BUDGETS, "xhigh": 24576, "max": 24576},
    thinking_off=True,
    json_with_functions=False,
    choice_without_functions=False,
    logprobs=True,
    candidates=8,
    result_media=(),
    part_resolution=False,
    signatures=False,
    cache_minimum=1024,
)
_V2_0 = replace(
    _V2,
    family="gemini-2.0",
    thinking="none",
    budgets={},
    takes_budget=False,
    thinking_off=False,
    penalties=True,
    validated_mode=False,
    output_tokens=8192,
)


def _image(facts: ModelFacts, family: str) -> ModelFacts:
    return replace(
        facts,
        family=family,
        image_out=True,
        json_output=False,
        logprobs=False,
        candidates=1,
        output_tokens=32_768,
        cache_minimum=None,
    )


def _speech(facts: ModelFacts, family: str) -> ModelFacts:
    return replace(
        facts,
        family=family,
        thinking="none",
        budgets={},
        levels={},
        takes_budget=False,
        thinking_off=False,
        text_out=False,
        audio_out=True,
        image_out=False,
        logprobs=False,
        tools=False,
        candidates=1,
        system_instruction=False,
        signatures=False,
        input_tokens=8192,
        output_tokens=16_384,
        cache_minimum=None,
    )


_V4 = replace(
    _V3_8,
    family="gemini-4",
    takes_budget=False,
    sampling="taken",
    penalties=True,
    logprobs=True,
    candidates=8,
    output_tokens=None,
)
"""What is not reported of it is not excluded: more candidates, penalties, logprobs."""

NEWEST = replace(
    _V4,
    family="newest",
    levels={**_NO_MINIMAL, "xhigh": "XHIGH", "max": "XHIGH"},
    audio_out=True,
    image_out=True,
    input_tokens=None,
)
"""Unknown names."""

FAMILIES: tuple[Family, ...] = (
    Family("gemini-1.5", replace(_V2_0, family="gemini-1.5", json_schema=False), "2025-09"),
    Family("gemini-2.0-flash-thinking", replace(_V2_0, family="gemini-2.0-flash-thinking", tools=False), "2026-06"),
    Family("gemini-2.0-flash-preview-image", replace(_image(_V2_0, "gemini-2.0-image"), tools=False), "2026-06"),
    Family("gemini-2.0-flash-exp-image", replace(_image(_V2_0, "gemini-2.0-image"), tools=False), "2026-06"),
    Family("gemini-2.0-flash-exp", replace(_V2_0, family="gemini-2.0-flash-exp", image_out=True), "2026-06"),
    Family("gemini-2.0", _V2_0, "2026-06"),
    Family("gemini-2.5-flash-preview-tts", _speech(_V2, "gemini-2.5-tts"), "2026-11"),
    Family("gemini-2.5-pro-preview-tts", _speech(_V2, "gemini-2.5-tts"), "2026-11"),
    Family(
        "gemini-2.5-flash-image",
        replace(_image(_V2, "gemini-2.5-image"), thinking="none", budgets={}, takes_budget=False, thinking_off=False),
        "2026-11",
    ),
    Family("gemini-2.5-pro", replace(_V2, family="gemini-2.5-pro", thinking_off=False, cache_minimum=2048), "2026-11"),
    Family("gemini-2.5", _V2, "2026-11"),
    Family("gemini-3-pro-image", replace(_image(_V3, "gemini-3-pro-image"), levels=_PRO_3), "2026-11"),
    Family("gemini-3-pro", replace(_V3, family="gemini-3-pro", levels=_PRO_3), "2026-03"),
    Family("gemini-3-", _V3, "2026-11"),
    Family("gemini-3.1-pro", replace(_V3, family="gemini-3.1-pro", levels=_NO_MINIMAL), "2026-11"),
    Family("gemini-3.1-", replace(_V3, family="gemini-3.1"), "2026-11"),
    Family("gemini-3.5-flash-lite", replace(_V3_6, family="gemini-3.5-flash-lite"), "2026-11"),
    Family("gemini-3.5-", replace(_V3, family="gemini-3.5"), "2026-11"),
    Family("gemini-3.6-", _V3_6, "2026-11"),
    Family("gemini-3.7-", replace(_V3_8, family="gemini-3.7"), "2026-11"),
    Family("gemini-3.8-", _V3_8, "2026-11"),
    Family("gemini-4-argon", replace(_V4, family="gemini-4-argon", cache_minimum=None), "2026-11"),
    Family("gemini-4-hydrogen", replace(_V4, family="gemini-4-hydrogen", levels=NEWEST.levels), "2026-11"),
    Family(
        "gemma-3",
        replace(
            _V2_0, family="gemma-3", tools=False, json_output=False, system_instruction=False, input_tokens=131_072
        ),
        "2026-11",
    ),
    Family(
        "gemma-4",
        replace(
            _V4,
            family="gemma-4",
            levels={"minimal": "MINIMAL", "low": "HIGH", "medium": "HIGH", "high": "HIGH"},
            result_media=(),
            signatures=False,
            input_tokens=262_144,
            output_tokens=32_768,
            cache_minimum=None,
        ),
        "2026-11",
    ),
)
"""By the beginning of the name, the first that fits."""


def facts_for(model: str, on: date | None = None) -> ModelFacts:
    """Facts by the upstream name, with or without `models/`; an alias has those of the model it stood for when it was
    last read. `on`: the day of the request, for names that Google answers with another model by then. Never fails.

    A name that says `-tts` or `-image` is of that kind wherever its family is newer than the table.
    """
    name = model.rsplit("/", 1)[-1].lower()
    name = ALIASES.get(name, name)
    facts = next((known.facts for known in FAMILIES if name.startswith(known.prefix)), NEWEST)
    if "-tts" in name and facts.text_out:
        return _speech(facts, f"{facts.family}-tts")
    if ("-image" in name or "nano-banana" in name) and not facts.image_out:
        return _image(facts, f"{facts.family}-image")
    ended = retirement_of(name)
    if on is not None and ended is not None and ended.routed and ended.successor and on >= ended.ends:
        return _either(facts, facts_for(ended.successor))
    return facts


def _either(old: ModelFacts, new: ModelFacts) -> ModelFacts:
    """What both take. Google has put such days off before, so the request must suit the old model too."""
    return replace(
        old,
        json_output=old.json_output and new.json_output,
        json_with_functions=old.json_with_functions and new.json_with_functions,
        choice_without_functions=old.choice_without_functions and new.choice_without_functions,
        penalties=old.penalties and new.penalties,
        logprobs=old.logprobs and new.logprobs,
        candidates=min(old.candidates, new.candidates),
        sampling=new.sampling,
        trailing_model_turn=old.trailing_model_turn and new.trailing_model_turn,
        signatures=old.signatures or new.signatures,
    )
