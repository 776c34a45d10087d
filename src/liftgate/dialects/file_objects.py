"""A File as each front shows it: OpenAI's File object and list page, Gemini's File resource."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from liftgate.errors import InvalidRequest
from liftgate.ids import gemini_name
from liftgate.records import FileRecord

PURPOSES = ("user_data", "assistants", "batch", "fine-tune", "vision", "evals")
"""OpenAI's, of files that a client makes; Gemini knows none."""

GEMINI_ROOT = "https://generativelanguage.googleapis.com/v1beta/"


def check_purpose(purpose: str) -> None:
    """Raises InvalidRequest in OpenAI's words."""
    if purpose not in PURPOSES:
        raise InvalidRequest(f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose")


def openai_file(file: FileRecord) -> dict[str, Any]:
    """OpenAI's File object (OPENAI.md 1); `expires_at` and `status_details` are left out when there is none."""
    body: dict[str, Any] = {
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


def openai_file_list(files: Sequence[FileRecord], *, has_more: bool) -> dict[str, Any]:
    """One page; the ids are `""` on an empty one, because the schema has no null there (DESIGN.md 7)."""
    return {
        "object": "list",
        "data": [openai_file(file) for file in files],
        "first_id": files[0].id if files else "",
        "last_id": files[-1].id if files else "",
        "has_more": has_more,
    }


def openai_file_deleted(file_id: str) -> dict[str, Any]:
    return {"id": file_id, "object": "file", "deleted": True}


def gemini_file(file: FileRecord) -> dict[str, Any]:
    """Gemini's File resource (GEMINI.md 1.4): canonical URI, int64 as string, `sha256Hash` base64 of the hex digits."""
    name = file.alias or gemini_name(file.id)
    body: dict[str, Any] = {
        "name": name,
        "mimeType": file.mime_type,
        "sizeBytes": str(file.bytes),
        "createTime": _timestamp(file.created_at),
        "updateTime": _timestamp(file.created_at),
        "sha256Hash": base64.b64encode(file.sha256.encode()).decode(),
        "uri": GEMINI_ROOT + name,
        # Google has it for files that can be downloaded, which ours can, and its SDK refuses to without it.
        "downloadUri": f"{GEMINI_ROOT}{name}:download?alt=media",
        "state": "FAILED" if file.status == "error" else "ACTIVE",
        "source": "UPLOADED",
    }
    if file.display_name is not None:
        body["displayName"] = file.display_name
    if file.expires_at is not None:
        body["expirationTime"] = _timestamp(file.expires_at)
    if file.status == "error":
        details = file.status_details or "The file could not be processed."
        body["error"] = {"code": 13, "message": details.replace(file.id, name)}
    return body


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
