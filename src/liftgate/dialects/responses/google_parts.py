"""What Gemini says beside an answer's items: sources, and what has no item at all."""

from __future__ import annotations

from liftgate.answer.choice import Choice
from liftgate.dialects.openai_choice import google_extra
from liftgate.json_types import JsonObject


def left_over(choice: Choice, parts: list[JsonObject]) -> JsonObject | None:
    """`extra_content`. `parts`: those of Gemini's that have no item."""
    google = google_extra(choice)
    if parts:
        google["parts"] = parts
    return {"google": google} if google else None


def is_search(called: JsonObject) -> bool:
    return "SEARCH" in str(called.get("toolType") or called.get("name") or "").upper()


def chunks(grounding: object, kind: str, key: str) -> list[JsonObject]:
    """The sources of a kind that have a text under `key`."""
    listed = grounding.get("groundingChunks") if isinstance(grounding, dict) else None
    sources = [each.get(kind) for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)]
    return [each for each in sources if isinstance(each, dict) and isinstance(each.get(key), str)]


def passages_of(grounding: object) -> list[JsonObject]:
    """What a file search found, in documents that Gemini keeps, which have no ids here."""
    found = chunks(grounding, "retrievedContext", "text")
    return [{"filename": str(each.get("title") or ""), "text": each["text"]} for each in found]
