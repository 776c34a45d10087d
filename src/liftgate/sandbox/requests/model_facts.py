"""What the sandbox's models can do, by their names, as the real families behave.

A table of facts for the request rules, the answers and `models.list`; not a list of which models exist (settings).
"""

import re
from dataclasses import dataclass

from liftgate.sandbox.wire.json_types import JsonObject

STANDS_FOR = {
    "gemini-flash-latest": "gemini-3.8-flash",
    "gemini-flash-lite-latest": "gemini-3.5-flash-lite",
    "gemini-pro-latest": "gemini-3.1-pro-preview",
}
"""The `-latest` names, as of autumn 2026 (docs/protocol/gemini.md, "Models")."""
_FAMILIES = re.compile(
    r"gemini-(?:[2-9](?:\.\d+)?-)?(?:flash|pro|ultra|nano|argon|hydrogen|carbon|neon|exp|robotics|omni|computer-use)"
    r"(?:-[a-z0-9.]+)*|gemma-\d[a-z0-9.]*(?:-[a-z0-9.]+)+|learnlm(?:-[a-z0-9.]+)+|(?:text-|gemini-)?embedding(?:-[a-z0-9.]+)+"
)
"""Names that Google has served since 2025, or announced; Gemini 1 ended then."""
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?:-|$)")
_NONE = re.compile(r"none|nosuch|no-such|missing|unknown|nonexist|not-|invalid|imaginary|fake")
_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")


@dataclass(frozen=True)
class ModelFacts:
    """Facts of one model."""

    name: str
    generates: bool = True
    embeds: bool = False
    thinks: bool = False
    levels: tuple[str, ...] = ()
    """thinkingLevel; empty where only a budget is known."""
    takes_budget: bool = True
    can_stop_thinking: bool = True
    signs: bool = False
    """Function calls carry ids and thought signatures, which must come back."""
    outputs: tuple[tuple[str, ...], ...] = (("TEXT",),)
    """Combinations of responseModalities; the first is the default."""
    pdf_modality: str = "DOCUMENT"
    candidates: int = 8
    """The largest candidateCount (js-genai#1609, python-genai#1723: one on every 3.x)."""
    penalties: bool = True
    """Refused from 2.5 on (PublicAffairs/openai-gemini#63); nothing is known of 4."""
    logprobs: bool = True
    json_with_functions: bool = True
    choice_without_functions: bool = True
    """python-genai#867, openai-agents-python#656: not on 2.x; recorded six times with 200 on 3."""
    may_end_with_model: bool = True
    """docs/protocol/gemini.md, "Models": not on 3.5-flash-lite, 3.6 and newer."""
    parts_behind_responses: bool = True
    """Other parts behind a functionResponse in one content; refused where `may_end_with_model` is."""
    json_mode: bool = True
    """responseMimeType application/json; 2 of 2 recorded refusals are of gemini-2.5-flash-image, and gemma-3 has none
    (vercel/ai#8080)."""
    media_in_responses: bool = True
    """Audio and video in functionResponse.parts (recorded never on 3; java-genai#884, gemini-cli#16741)."""

    @classmethod
    def named(cls, name: str) -> "ModelFacts":
        if "embedding" in name:
            return cls(name, generates=False, embeds=True)
        known = STANDS_FOR.get(name, name)
        version = _version(known)
        third = version >= (3, 0)
        old = name.startswith(("gemini-1", "gemini-2.0", "gemma", "learnlm")) and "thinking" not in name
        thinks = not old and "tts" not in name and "image" not in name
        outputs: tuple[tuple[str, ...], ...] = (("TEXT",),)
        if "tts" in name:
            outputs = (("AUDIO",),)
        elif "image" in name:
            outputs = (("IMAGE", "TEXT"), ("IMAGE",), ("TEXT",))
        prefill = version < (3, 6) and not known.startswith("gemini-3.5-flash-lite")
        return cls(
            name,
            thinks=thinks,
            levels=_levels(known, version) if third else (),
            takes_budget=version < (4, 0),
            can_stop_thinking=not third and "pro" not in name,
            signs=third,
            outputs=outputs,
            pdf_modality="IMAGE" if third else "DOCUMENT",
            candidates=1 if (3, 0) <= version < (4, 0) or "image" in name else 8,
            penalties=not (2, 5) <= version < (4, 0),
            logprobs=not (3, 0) <= version < (4, 0),
            json_with_functions=third or not known.startswith("gemini-"),
            choice_without_functions=third or not known.startswith("gemini-"),
            may_end_with_model=prefill,
            parts_behind_responses=prefill,
            json_mode="image" not in name and not name.startswith("gemma-3"),
            media_in_responses=not third,
        )

    def resource(self) -> JsonObject:
        """The Model as JSON."""
        words = [word.capitalize() if word.isalpha() else word for word in self.name.split("-")]
        shown: JsonObject = {
            "name": f"models/{self.name}",
            "version": "001",
            "displayName": " ".join(words),
            "description": f"The sandbox's {self.name}: answers are computed from the bytes of the request.",
            "inputTokenLimit": 2048 if self.embeds else 1_048_576,
            "outputTokenLimit": 1 if self.embeds else 65_536,
        }
        if self.embeds:
            return shown | {"supportedGenerationMethods": ["embedContent", "countTextTokens", "countTokens"]}
        shown |= {
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "temperature": 1,
            "topP": 0.95,
            "topK": 64,
            "maxTemperature": 2,
        }
        return shown | {"thinking": True} if self.thinks else shown


def known_family(name: str) -> bool:
    """Whether the rules here know what it could do; not of a name that says itself that there is no such model."""
    return _FAMILIES.fullmatch(name) is not None and not _NONE.search(name)


def _version(name: str) -> tuple[int, int]:
    """Of a Gemini; (0, 0) for other families."""
    found = _VERSION.match(name)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _levels(name: str, version: tuple[int, int]) -> tuple[str, ...]:
    """docs/protocol/gemini.md, "Models"."""
    if name.startswith("gemini-3-pro"):
        return ("LOW", "HIGH")
    if "-pro" in name or version >= (3, 7):
        return (*_LEVELS[1:], "XHIGH") if "hydrogen" in name else _LEVELS[1:]
    return _LEVELS
