"""What the sandbox's models can do, told from their names as the real families behave.

A table of facts for the request rules, the answers and `models.list`; not a list of which models exist (settings).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelFacts:
    """Facts of one model."""

    name: str
    generates: bool = True
    embeds: bool = False
    thinks: bool = False
    thinking_levels: bool = False
    can_stop_thinking: bool = True
    signs: bool = False
    """Function calls carry ids and thought signatures, which must come back."""
    outputs: tuple[tuple[str, ...], ...] = (("TEXT",),)
    """Combinations of responseModalities; the first is the default."""
    pdf_modality: str = "DOCUMENT"

    @classmethod
    def of(cls, name: str) -> "ModelFacts":
        if "embedding" in name:
            return cls(name, generates=False, embeds=True)
        third = name.startswith("gemini-3")
        old = name.startswith(("gemini-1", "gemini-2.0", "gemma", "learnlm")) and "thinking" not in name
        thinks = not old and "tts" not in name and "image" not in name
        outputs: tuple[tuple[str, ...], ...] = (("TEXT",),)
        if "tts" in name:
            outputs = (("AUDIO",),)
        elif "image" in name:
            outputs = (("IMAGE", "TEXT"), ("IMAGE",), ("TEXT",))
        return cls(
            name,
            thinks=thinks,
            thinking_levels=third,
            can_stop_thinking=not third and "pro" not in name,
            signs=third,
            outputs=outputs,
            pdf_modality="IMAGE" if third else "DOCUMENT",
        )

    def resource(self) -> dict[str, Any]:
        """The Model as JSON."""
        words = [word.capitalize() if word.isalpha() else word for word in self.name.split("-")]
        shown: dict[str, Any] = {
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
