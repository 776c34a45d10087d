"""What each Gemini model family can do, as data. No request, no mapping: those read it.

Facts come from Google's documents and from what the service answered (GEMINI.md 2, LITELLM.md 3.1). A name that is not
known gets the facts of the newest family with its doubtful exclusions lifted: a model that appears tomorrow is not held
back by this table, and Google's own answer decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Google's own translation of `reasoning_effort` in its OpenAI-compatible layer, for models that take a budget."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One family's abilities. What is False or empty here is what `drop_params` may drop, and nothing else is."""

    family: str
    thinking: Literal["none", "budget", "level"] = "level"
    budgets: Mapping[str, int] = field(default_factory=dict)
    """`reasoning_effort` → thinkingBudget in tokens."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """`reasoning_effort` → thinkingLevel."""
    thinking_off: bool = False
    """thinkingBudget 0 is accepted."""
    json_schema: bool = True
    """responseJsonSchema and parametersJsonSchema are taken; else only the Schema subset."""
    text_out: bool = True
    audio_out: bool = False
    image_out: bool = False
    penalties: bool = False
    logprobs: bool = False
    candidates: int = 8
    tools: bool = True
    system_instruction: bool = True
    function_response_media: bool = True
    """A tool result's files go into functionResponse.parts; else into a user content behind it."""
    part_resolution: bool = True
    """mediaResolution is said per part; else once for the request."""
    signatures: bool = True
    """A function call sent back without its thought signature is refused."""
    validated_mode: bool = True
    """functionCallingConfig.mode VALIDATED holds calls to their schema without forcing one."""


_V3 = ModelFacts(
    family="gemini-3",
    levels={"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"},
)
_V2 = replace(
    _V3,
    family="gemini-2.5",
    thinking="budget",
    levels={},
    budgets={**BUDGETS, "xhigh": 24576, "max": 24576},
    thinking_off=True,
    logprobs=True,
    function_response_media=False,
    part_resolution=False,
    signatures=False,
)
_V2_0 = replace(
    _V2, family="gemini-2.0", thinking="none", budgets={}, thinking_off=False, penalties=True, validated_mode=False
)


def _image(facts: ModelFacts, family: str) -> ModelFacts:
    return replace(facts, family=family, image_out=True, logprobs=False)


def _speech(facts: ModelFacts, family: str) -> ModelFacts:
    return replace(
        facts,
        family=family,
        thinking="none",
        budgets={},
        levels={},
        thinking_off=False,
        text_out=False,
        audio_out=True,
        image_out=False,
        logprobs=False,
        tools=False,
        candidates=1,
        system_instruction=False,
        signatures=False,
    )


NEWEST = replace(
    _V3,
    family="newest",
    levels={**_V3.levels, "xhigh": "XHIGH", "max": "XHIGH"},
    audio_out=True,
    image_out=True,
    penalties=True,
    logprobs=True,
)
"""Unknown names, the `-latest` aliases among them."""

_PRO_LEVELS = {"minimal": "LOW", "low": "LOW", "medium": "HIGH", "high": "HIGH"}
"""gemini-3-pro has two levels; Google's layer takes `minimal` as LOW and `medium` as HIGH there."""

FAMILIES: tuple[tuple[str, ModelFacts], ...] = (
    ("gemini-1.5", replace(_V2_0, family="gemini-1.5", json_schema=False)),
    ("gemini-2.0-flash-thinking", replace(_V2_0, family="gemini-2.0-flash-thinking", tools=False)),
    ("gemini-2.0-flash-preview-image", replace(_image(_V2_0, "gemini-2.0-image"), tools=False)),
    ("gemini-2.0-flash-exp-image", replace(_image(_V2_0, "gemini-2.0-image"), tools=False)),
    ("gemini-2.0-flash-exp", replace(_V2_0, family="gemini-2.0-flash-exp", image_out=True)),
    ("gemini-2.0", _V2_0),
    ("gemini-2.5-flash-preview-tts", _speech(_V2, "gemini-2.5-tts")),
    ("gemini-2.5-pro-preview-tts", _speech(_V2, "gemini-2.5-tts")),
    (
        "gemini-2.5-flash-image",
        replace(_image(_V2, "gemini-2.5-image"), thinking="none", budgets={}, thinking_off=False),
    ),
    ("gemini-2.5-pro", replace(_V2, family="gemini-2.5-pro", thinking_off=False)),
    ("gemini-2.5", _V2),
    ("gemini-3-pro-image", replace(_image(_V3, "gemini-3-pro-image"), levels=_PRO_LEVELS)),
    ("gemini-3-pro", replace(_V3, family="gemini-3-pro", levels=_PRO_LEVELS)),
    ("gemini-3.1-pro", replace(_V3, family="gemini-3.1-pro", levels={**_V3.levels, "minimal": "LOW"})),
    ("gemini-3", _V3),
    ("gemma-3", replace(_V2_0, family="gemma-3", tools=False, system_instruction=False)),
)
"""By the beginning of the name, the first that fits."""


def facts_for(model: str) -> ModelFacts:
    """Facts by the upstream name, with or without `models/`. Never fails.

    A name that says `-tts` or `-image` is of that kind wherever its family is newer than the table.
    """
    name = model.rsplit("/", 1)[-1].lower()
    facts = next((known for prefix, known in FAMILIES if name.startswith(prefix)), NEWEST)
    if "-tts" in name and facts.text_out:
        return _speech(facts, f"{facts.family}-tts")
    if "-image" in name and not facts.image_out:
        return _image(facts, f"{facts.family}-image")
    return facts
