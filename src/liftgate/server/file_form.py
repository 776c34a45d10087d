"""The fields of `POST /v1/files`: what each means, and what is wrong with it.

OpenAI's (`purpose`, `expires_after[…]`), LiteLLM's (`target_model_names`, `model`, `custom_llm_provider`, and its
bookkeeping, which has no effect here). Any other is refused by name: nothing a client sent is dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from liftgate.dialects.openai_files import check_count, check_purpose, read_life, read_models
from liftgate.errors import InvalidRequest, UnknownParameter
from liftgate.records import NewFile
from liftgate.whole_numbers import whole_number

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


def read_fields(fields: Sequence[tuple[str, str]]) -> NewFile:
    """What was asked for besides the bytes. Raises InvalidRequest naming the field. `purpose` is "" while it is
    missing: fields may come behind the file."""
    found: dict[str, str] = {}
    models: list[str] = []
    for name, value in fields:
        if name in _MODELS:
            models += read_models(value)
        elif name in _ONCE:
            if name in found:
                raise InvalidRequest(f"Duplicate parameter: '{name}'.", param=name, code="duplicate_parameter")
            found[name] = value
        elif not _BOOKKEEPING.match(name):
            raise UnknownParameter(name)
    check_provider(found.get("custom_llm_provider", ""))
    if found.get("target_storage", "default") not in ("default", ""):
        raise InvalidRequest("Invalid value: 'target_storage' can only be 'default'.", param="target_storage")
    if model := found.get("model", "").strip():
        models.append(model)
    check_count(models)
    purpose = found.get("purpose")
    if purpose is not None:
        check_purpose(purpose)
    return NewFile(purpose=purpose or "", life_seconds=_life(found), models=tuple(dict.fromkeys(models)))


def check_provider(value: str) -> None:
    """LiteLLM's way to choose a provider, in a form, a query or a header: there is one here. Raises InvalidRequest."""
    if value.strip().lower() not in ("", "gemini"):
        raise InvalidRequest(
            f"Invalid value: '{value}'. Supported values are: 'gemini'.",
            param="custom_llm_provider",
            code="invalid_value",
        )


def _life(found: dict[str, str]) -> int | None:
    anchor, seconds = found.get("expires_after[anchor]"), found.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    given: dict[str, object] = {"anchor": anchor, "seconds": seconds}
    if seconds is not None:
        given["seconds"] = seconds if (number := whole_number(seconds)) is None else number
    return read_life(given, got=f", but got '{(seconds or '')[:20]}' instead")
