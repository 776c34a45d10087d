"""The fields of `POST /v1/files`: what each means, and what is wrong with it.

OpenAI's (`purpose`, `expires_after[…]`), LiteLLM's (`target_model_names`, `model`, `custom_llm_provider`, and its
bookkeeping, which has no effect here). Any other is refused by name: nothing a client sent is dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from liftgate.dialects.file_objects import check_purpose
from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.server.numbers import whole_number

SHORTEST_LIFE = 3600
LONGEST_LIFE = 2592000
MAX_MODELS = 64

_ONCE = frozenset(
    {
        "purpose",
        "expires_after[anchor]",
        "expires_after[seconds]",
        "custom_llm_provider",
        "model",
        "target_storage",
        "drop_params",
    }
)
_MODELS = frozenset({"target_model_names", "target_model_names[]"})
_BOOKKEEPING = re.compile(r"(litellm_metadata|metadata)(\[.*)?\Z|user\Z", re.DOTALL)
"""LiteLLM writes these into its spend logs; there is nothing here that they could change."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """What was asked for besides the bytes. `expires_after`: seconds. `models`: where the file will be used."""

    purpose: str | None
    expires_after: int | None
    models: tuple[str, ...]


def read_fields(fields: Sequence[tuple[str, str]]) -> FileForm:
    """Raises InvalidRequest naming the field. `purpose` may still be missing: fields may come behind the file."""
    found: dict[str, str] = {}
    models: list[str] = []
    for name, value in fields:
        if name in _MODELS:
            models += _names(value)
        elif name in _ONCE:
            if name in found:
                raise InvalidRequest(f"Duplicate parameter: '{name}'.", param=name, code="duplicate_parameter")
            found[name] = value
        elif not _BOOKKEEPING.match(name):
            raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    check_provider(found.get("custom_llm_provider", ""))
    if found.get("target_storage", "default") not in ("default", ""):
        raise InvalidRequest("Invalid value: 'target_storage' can only be 'default'.", param="target_storage")
    if model := found.get("model", "").strip():
        models.append(model)
    if len(models) > MAX_MODELS:
        raise InvalidRequest(f"'target_model_names' names more than {MAX_MODELS} models.", param="target_model_names")
    purpose = found.get("purpose")
    if purpose is not None:
        check_purpose(purpose)
    return FileForm(purpose, _life(found), tuple(dict.fromkeys(models)))


def check_provider(value: str) -> None:
    """LiteLLM's way to choose a provider, in a form, a query or a header: there is one here. Raises InvalidRequest."""
    if value.strip().lower() not in ("", "gemini"):
        raise InvalidRequest(
            f"Invalid value: '{value}'. Supported values are: 'gemini'.",
            param="custom_llm_provider",
            code="invalid_value",
        )


def _names(value: str) -> list[str]:
    """One name, names with commas between, or a JSON array of names."""
    text = value.strip()
    if text.startswith("["):
        try:
            return [name.strip() for name in msgspec.json.decode(text.encode(), type=list[str]) if name.strip()]
        except msgspec.DecodeError:
            raise InvalidRequest(
                "Invalid 'target_model_names': expected one name, names with commas between, or a JSON array of names.",
                param="target_model_names",
            ) from None
    return [name.strip() for name in text.split(",") if name.strip()]


def _life(found: dict[str, str]) -> int | None:
    anchor, seconds = found.get("expires_after[anchor]"), found.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor is None:
        raise MissingParameter("expires_after.anchor")
    if seconds is None:
        raise MissingParameter("expires_after.seconds")
    if anchor != "created_at":
        raise InvalidRequest(
            f"Invalid value: '{anchor}'. Supported values are: 'created_at'.",
            param="expires_after.anchor",
            code="invalid_value",
        )
    number = whole_number(seconds)
    if number is None or not SHORTEST_LIFE <= number <= LONGEST_LIFE:
        raise InvalidRequest(
            f"Invalid 'expires_after.seconds': expected an integer from {SHORTEST_LIFE} to {LONGEST_LIFE}, "
            f"but got '{seconds[:20]}' instead.",
            param="expires_after.seconds",
        )
    return number
