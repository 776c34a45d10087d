"""What each Gemini model family can do, as data. No request, no mapping: those read it.

Facts come from Google's docs and the recorded exchanges. Names that are not known get the facts of the newest family,
so that a model that appears tomorrow is not held back.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One family's abilities; a False or empty field excludes what `drop_params` may then drop."""

    family: str


def facts_for(model: str) -> ModelFacts:
    """Facts by the upstream name, with or without `models/`."""
    return ModelFacts(family=model)
