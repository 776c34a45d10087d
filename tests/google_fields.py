"""Google's messages by the types of google-genai: which fields there are, and which of them the Gemini API takes.

The package serves Vertex AI too, and says of each field that is only for it that the Gemini API does not support it.
"""

from __future__ import annotations

from typing import Any

from google.genai import types

ONLY_VERTEX = "not supported in Gemini API"
# Of the package itself; the last one is read from Vertex AI's answers only.
LOCAL = {"sdkHttpResponse", "automaticFunctionCallingHistory", "parsed", "createTime"}


def message(name: str) -> Any:
    """The type of that name, or None."""
    return getattr(types, name, None)


def fields(name: str) -> set[str]:
    """Those of the Gemini API, as they are spelled on the wire."""
    return {key for key, text in _described(name).items() if ONLY_VERTEX not in text} - LOCAL


def only_vertex(name: str) -> set[str]:
    return {key for key, text in _described(name).items() if ONLY_VERTEX in text}


def _described(name: str) -> dict[str, str]:
    fields_of: dict[str, Any] = message(name).model_fields
    return {field.alias or key: " ".join((field.description or "").split()) for key, field in fields_of.items()}


def values(name: str) -> set[str]:
    """Of an enum."""
    return {each.value for each in message(name)}
