"""Phase two: an OpenAI chat request and its resolved files → a Gemini request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from liftgate.translate.file_needs import ResolvedFile
from liftgate.translate.model_facts import ModelFacts


@dataclass(frozen=True, slots=True)
class Dropped:
    """A parameter that was left out because the caller allowed it, and why."""

    param: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChatTranslation:
    """The Gemini request and what the answer side must know of the question."""

    body: dict[str, Any]
    stream: bool = False
    include_usage: bool = False
    n: int = 1
    audio_format: str | None = None
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()


def tool_call_ids(request: Mapping[str, Any]) -> list[str]:
    """The ids of the tool calls in the history: those whose thought signatures should be looked up."""
    raise NotImplementedError


def translate_chat(
    request: Mapping[str, Any],
    *,
    facts: ModelFacts,
    files: Mapping[str, ResolvedFile],
    signatures: Mapping[str, str],
    drop_params: bool = False,
    additional_drop_params: Collection[str] = (),
) -> ChatTranslation:
    """Raises InvalidRequest, MissingParameter, UnsupportedParameter with the field's path in `param`."""
    raise NotImplementedError
