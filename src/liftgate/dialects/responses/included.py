"""What is shown of a stored answer beyond what its request asked to see, as far as it is kept."""

from __future__ import annotations

from collections.abc import Collection

from liftgate.dialects.openai_choice import METADATA
from liftgate.dialects.responses.google_parts import chunks, passages_of
from liftgate.dialects.responses.native import Natives
from liftgate.json_types import JsonObject

SOURCES = "web_search_call.action.sources"
OUTPUTS = "code_interpreter_call.outputs"
RESULTS = "file_search_call.results"
KEPT = frozenset({SOURCES, OUTPUTS, RESULTS})


def show_included(response: JsonObject, include: Collection[str], natives: Natives) -> None:
    """Changes the Response object. `natives`: of its items. Images that code made are kept only where the request for
    the answer asked for them."""
    google = response.get("extra_content", {}).get("google", {})
    grounding = google.get(METADATA["groundingMetadata"])
    for item in response["output"]:
        kind, native = item["type"], natives.get(item["id"])
        parts = [] if native is None else native.parts
        if kind == "code_interpreter_call" and OUTPUTS in include and item["outputs"] is None:
            item["outputs"] = _logs(parts) or None
        elif kind == "file_search_call" and RESULTS in include and item["results"] is None:
            item["results"] = passages_of(grounding)
        elif kind == "web_search_call" and SOURCES in include:
            # What Gemini told as a step of its own names no sources: those of the answer stand at the last one.
            found = [] if parts else chunks(grounding, "web", "uri")
            item["action"].setdefault("sources", [{"type": "url", "url": each["uri"]} for each in found])


def _logs(parts: list[JsonObject]) -> list[JsonObject]:
    results = [part["codeExecutionResult"] for part in parts if isinstance(part.get("codeExecutionResult"), dict)]
    return [{"type": "logs", "logs": str(each.get("output") or "")} for each in results]
