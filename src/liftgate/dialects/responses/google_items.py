"""What Google's own tools did, as items: code that it ran, its searches, passages that it found, images.

One writer for streams and whole answers, as `output`, whose items these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liftgate.answer.events import Blob, GooglePart
from liftgate.dialects.responses.google_parts import is_search
from liftgate.dialects.responses.question import Shown
from liftgate.json_types import JsonObject

if TYPE_CHECKING:
    from liftgate.dialects.responses.output import Open, Output

_FAILED = {"OUTCOME_FAILED": "failed", "OUTCOME_DEADLINE_EXCEEDED": "incomplete"}


class GoogleItems:
    """`kept`: parts that no item shows. `searched`: an item says that a search was. The output is given to each method:
    two that held each other would be left to the garbage collector, at each answer."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._searching: str | None = None
        self.kept: list[JsonObject] = []
        self.searched = False

    def take(self, output: Output, event: GooglePart) -> None:
        part = event.part
        if isinstance(ran := part.get("executableCode"), dict):
            self._run(output, str(ran.get("code") or ""), part)
        elif isinstance(result := part.get("codeExecutionResult"), dict) and (ran_in := _ran(output)) is not None:
            self._result(output, ran_in, result, part)
        elif isinstance(called := part.get("toolCall"), dict) and is_search(called):
            args = called.get("args")
            queries = args.get("queries") if isinstance(args, dict) else None
            self.search(output, [str(each) for each in queries] if isinstance(queries, list) else [], [])
            self._searching = str(output.items[-1]["id"])
            _mark(output, self._searching, part)
            self.kept.append(part)
        else:
            if self._searching is not None and "toolResponse" in part:
                _mark(output, self._searching, part)
                self._searching = None
            self.kept.append(part)

    def _run(self, output: Output, code: str, part: JsonObject) -> None:
        container = {"container_id": f"cntr_{output.token}", "code": "", "outputs": None}
        kind = {"type": "code_interpreter_call", "status": "in_progress"}
        opened = output.begin({"id": output.new_id("ci_"), **kind, **container})
        event = "response.code_interpreter_call"
        output.emit(f"{event}.in_progress", opened.place)
        output.emit(f"{event}_code.delta", {**opened.place, "delta": code})
        output.emit(f"{event}_code.done", {**opened.place, "code": code})
        output.emit(f"{event}.interpreting", opened.place)
        opened.item["code"] = code
        _mark(output, opened.item["id"], part)

    def _result(self, output: Output, opened: Open, result: JsonObject, part: JsonObject) -> None:
        """It stays open: images that the code made follow it."""
        _mark(output, opened.item["id"], part)
        opened.item["status"] = _FAILED.get(str(result.get("outcome")), "completed")
        if self._shown.outputs:
            opened.item["outputs"] = [{"type": "logs", "logs": str(result.get("output") or "")}]

    def image(self, output: Output, blob: Blob) -> None:
        if (opened := _ran(output)) is not None:
            url = f"data:{blob.mime_type};base64,{blob.data}"
            if self._shown.outputs:
                opened.item["outputs"] = [*(opened.item["outputs"] or ()), {"type": "image", "url": url}]
            return
        item: JsonObject = {"type": "image_generation_call", "status": "in_progress", "result": None}
        opened = output.begin({"id": output.new_id("ig_"), **item})
        for step in ("in_progress", "generating", "completed"):
            output.emit(f"response.image_generation_call.{step}", opened.place)
        opened.item["result"] = blob.data
        if blob.signature:
            output.note(opened.item["id"], blob.signature)
            if output.marks is not None:
                output.marks.images[opened.item["id"]] = blob.signature
        output.end("completed")

    def search(self, output: Output, queries: list[str], sources: list[str]) -> None:
        self.searched = True
        action: JsonObject = {"type": "search", "query": queries[0] if queries else "", "queries": queries}
        if self._shown.sources:
            action["sources"] = [{"type": "url", "url": each} for each in sources]
        kind: JsonObject = {"type": "web_search_call", "status": "in_progress"}
        opened = output.begin({"id": output.new_id("ws_"), **kind, "action": action})
        for step in ("in_progress", "searching", "completed"):
            output.emit(f"response.web_search_call.{step}", opened.place)
        output.end("completed")

    def found(self, output: Output, results: list[JsonObject]) -> None:
        item: JsonObject = {"type": "file_search_call", "status": "in_progress", "queries": [], "results": None}
        opened = output.begin({"id": output.new_id("fs_"), **item})
        for step in ("in_progress", "searching", "completed"):
            output.emit(f"response.file_search_call.{step}", opened.place)
        if self._shown.results:
            opened.item["results"] = results
        output.end("completed")


def _ran(output: Output) -> Open | None:
    opened = output.open
    return opened if opened is not None and opened.item["type"] == "code_interpreter_call" else None


def _mark(output: Output, item_id: str, part: JsonObject) -> None:
    """It wants to be sent back as it is."""
    output.note(item_id, part=part)
    if output.marks is not None:
        output.marks.part(item_id, part)
