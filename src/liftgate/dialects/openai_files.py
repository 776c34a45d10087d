"""Files in OpenAI's words: what a client asks for when it makes one, and the File object and its list."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.errors import InvalidRequest, MissingParameter, UnknownParameter
from liftgate.json_types import JsonMapping, JsonObject, loaded
from liftgate.records import FileRecord
from liftgate.whole_numbers import as_whole

PURPOSES = ("user_data", "assistants", "batch", "fine-tune", "vision", "evals")
"""OpenAI's, of files that a client makes; Gemini knows none."""
SHORTEST_LIFE, LONGEST_LIFE = 3600, 2_592_000
"""Seconds: the bounds of `expires_after`."""
_LIFE = ("anchor", "seconds")
MAX_MODELS = 64


def check_purpose(purpose: str) -> None:
    """Raises InvalidRequest in OpenAI's words."""
    if purpose not in PURPOSES:
        raise InvalidRequest(f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose")


def read_life(given: JsonMapping, got: str = "") -> int:
    """Seconds, of an `expires_after`. `got`: how the refusal of a number goes on. Raises InvalidRequest naming the
    field."""
    unknown = next((name for name, value in given.items() if name not in _LIFE and value is not None), None)
    if unknown is not None:
        name = f"expires_after.{unknown}"
        raise UnknownParameter(name)
    for name in _LIFE:
        if given.get(name) is None:
            raise MissingParameter(f"expires_after.{name}")
    anchor, seconds = given["anchor"], as_whole(given["seconds"])
    if anchor != "created_at":
        raise InvalidRequest(
            f"Invalid value: '{anchor}'. Supported values are: 'created_at'.",
            param="expires_after.anchor",
            code="invalid_value",
        )
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not SHORTEST_LIFE <= seconds <= LONGEST_LIFE:
        raise InvalidRequest(
            f"Invalid 'expires_after.seconds': expected an integer from {SHORTEST_LIFE} to {LONGEST_LIFE}{got}.",
            param="expires_after.seconds",
        )
    return seconds


def read_models(given: object) -> tuple[str, ...]:
    """The names of LiteLLM's `target_model_names`, each once: one, several with commas between, or an array, which a
    form has as JSON text. Raises InvalidRequest."""
    if given is None:
        return ()
    names: object = given
    if isinstance(given, str):
        names = _array(given) if given.strip().startswith("[") else given.split(",")
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest(
            "Invalid type for 'target_model_names': expected an array.",
            param="target_model_names",
            code="invalid_type",
        )
    named = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    check_count(named)
    return named


def check_count(models: Sequence[str]) -> None:
    """Raises InvalidRequest for more models than a file is taken to."""
    if len(models) > MAX_MODELS:
        raise InvalidRequest(f"'target_model_names' names more than {MAX_MODELS} models.", param="target_model_names")


def _array(text: str) -> list[str]:
    try:
        names = loaded(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest(
            "Invalid 'target_model_names': expected one name, names with commas between, or a JSON array of names.",
            param="target_model_names",
        )
    return names


def openai_file(file: FileRecord) -> JsonObject:
    """OpenAI's File object (docs/protocol/openai.md, "Files"); `expires_at` and `status_details` are left out when
    there is none."""
    body: JsonObject = {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": file.status,
    }
    if file.expires_at is not None:
        body["expires_at"] = int(file.expires_at)
    if file.status_details is not None:
        body["status_details"] = file.status_details
    return body


def openai_file_list(files: Sequence[FileRecord], *, has_more: bool) -> JsonObject:
    """One page; the ids are `""` on an empty one, because the schema has no null there (docs/protocol/openai.md,
    "Lists")."""
    return {
        "object": "list",
        "data": [openai_file(file) for file in files],
        "first_id": files[0].id if files else "",
        "last_id": files[-1].id if files else "",
        "has_more": has_more,
    }


def openai_file_deleted(file_id: str) -> JsonObject:
    return {"id": file_id, "object": "file", "deleted": True}
