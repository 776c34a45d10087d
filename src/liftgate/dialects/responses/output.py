"""An answer's events → output items, and the stream events that build them up: one writer for both, so that a streamed
answer and a whole one are the same.

Items are opened and closed one after the other; `output_index` counts them. Ids follow from the response's own random
one; a function call `fc_x` is the call `call_x`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from liftgate.answer.choice import Answer, Choice
from liftgate.answer.citations import Citation
from liftgate.answer.events import Blob, Call, ChoiceEvent, GooglePart, Signature, Text, Thought
from liftgate.dialects.openai_choice import logprobs
from liftgate.dialects.responses.google_items import GoogleItems
from liftgate.dialects.responses.google_parts import chunks, left_over, passages_of
from liftgate.dialects.responses.native import Native
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.dialects.responses.sealed import Marks
from liftgate.json_types import JsonObject

Emit: TypeAlias = Callable[[str, JsonObject], None]
"""Takes a stream event: its type, and its fields but for the type and the number."""


def unseen(kind: str, fields: JsonObject) -> None:
    """A whole answer has no events."""


_encode = msgspec.json.Encoder().encode


class Open(msgspec.Struct):
    """The item that is being built. `part`: a message's text. `texts`: what came of it so far. `start`: characters of
    content before it."""

    item: JsonObject
    index: int
    start: int = 0
    part: JsonObject = {}
    texts: list[str] = []

    @property
    def place(self) -> JsonObject:
        return {"item_id": self.item["id"], "output_index": self.index}


class Output:
    """`items`: those that are closed. `open`: the one that is not. `marks`: what a reasoning item is to carry under the
    owner's seal, where the client asked for it. `natives`: takes what Gemini wants back with each item."""

    def __init__(self, answer: Answer[ResponsesQuestion], emit: Emit, natives: dict[str, Native] | None = None) -> None:
        self.items: list[JsonObject] = []
        self.open: Open | None = None
        self.token = answer.head.id
        self._question = answer.question
        self.shown = answer.question.shown
        self.emit = emit
        self._natives = natives
        # Those of a text are made only where they are shown.
        self._seen = emit is not unseen
        self._length = 0
        self._messages: list[Open] = []
        shown, question = self.shown, answer.question
        self.marks = Marks(question.seal(), question.family) if shown.sealed and question.seal is not None else None
        self._google = GoogleItems(self.shown)

    def take(self, event: ChoiceEvent) -> None:
        if type(event) is Text:
            # Probabilities of a call's tokens come without a text, and begin no message.
            if event.text or (self.open is not None and self.open.part):
                self.message()
                self.say(event)
        elif type(event) is Thought:
            if self.shown.summary:
                self._think(event.text)
        elif type(event) is Call:
            if self.marks is not None and event.signature:
                self._sign(self.marks, event)
            self.close()
            self._call(event)
        elif type(event) is Blob:
            self._google.image(self, event)
        elif type(event) is GooglePart:
            self._google.take(self, event)
        elif type(event) is Signature and self.open is not None and self.open.part:
            self.note(self.open.item["id"], event.value)
            if self.marks is not None:
                self.marks.texts[len(self._messages)] = event.value

    def note(self, item_id: str, signature: str = "", part: JsonObject | None = None) -> None:
        """Of an item, or of a call by its `call_id`."""
        if self._natives is not None:
            known = self._natives.get(item_id)
            parts = [*(known.parts if known is not None else ()), *(() if part is None else (part,))]
            self._natives[item_id] = Native(self._question.family, signature, parts)

    # ── messages ─────────────────────────────────────────────────────────────────────────────────

    def message(self) -> None:
        """The open item is a message."""
        if self.open is not None and self.open.part:
            return
        opened = self.begin(self._new_message())
        opened.part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        opened.start = self._length
        self._messages.append(opened)
        if self._seen:
            self.emit(
                "response.content_part.added",
                {**opened.place, "content_index": 0, "part": {**opened.part, "annotations": [], "logprobs": []}},
            )

    def _new_message(self) -> JsonObject:
        return {
            "id": self.new_id("msg_"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }

    def say(self, event: Text) -> None:
        """Text of the message that is open."""
        assert self.open is not None
        shown = logprobs(event.logprobs) if event.logprobs and self.shown.logprobs else []
        self.add(event.text)
        if shown:
            self.open.part["logprobs"] += shown
        if self._seen:
            self.emit(
                "response.output_text.delta",
                {**self.open.place, "content_index": 0, "delta": event.text, "logprobs": shown},
            )

    def add(self, texts: Sequence[str]) -> None:
        """Pieces of the message that is open, without events."""
        opened = self.open
        assert opened is not None
        opened.texts += texts
        self._length += sum(map(len, texts))

    def refuse(self, why: str) -> None:
        """A message that says in the model's place why nothing is there."""
        self.close()
        opened = self.begin(self._new_message())
        place = {**opened.place, "content_index": 0}
        self.emit("response.content_part.added", {**place, "part": {"type": "refusal", "refusal": ""}})
        self.emit("response.refusal.delta", {**place, "delta": why})
        self.emit("response.refusal.done", {**place, "refusal": why})
        part = {"type": "refusal", "refusal": why}
        self.emit("response.content_part.done", {**place, "part": part})
        opened.item["content"] = [part]
        self.end("incomplete")

    def _close_message(self, opened: Open, status: str) -> None:
        part = opened.part
        part["text"] = "".join(opened.texts)
        if self._seen:
            place = {**opened.place, "content_index": 0}
            self.emit("response.output_text.done", {**place, "text": part["text"], "logprobs": part["logprobs"]})
            self.emit("response.content_part.done", {**place, "part": part})
        opened.item["content"] = [part]
        self.end(status)

    # ── thoughts and calls ───────────────────────────────────────────────────────────────────────

    def _think(self, text: str) -> None:
        if self.open is None or self.open.item["type"] != "reasoning":
            opened = self.begin({"id": self.new_id("rs_"), "type": "reasoning", "summary": []})
            part = {"type": "summary_text", "text": ""}
            self.emit("response.reasoning_summary_part.added", {**opened.place, "summary_index": 0, "part": part})
        assert self.open is not None
        self.open.texts.append(text)
        self.emit("response.reasoning_summary_text.delta", {**self.open.place, "summary_index": 0, "delta": text})

    def _close_reasoning(self, opened: Open) -> None:
        """With all that waits to be carried under the seal."""
        if opened.texts:
            text = "".join(opened.texts)
            place = {**opened.place, "summary_index": 0}
            part = {"type": "summary_text", "text": text}
            self.emit("response.reasoning_summary_text.done", {**place, "text": text})
            self.emit("response.reasoning_summary_part.done", {**place, "part": part})
            opened.item["summary"] = [part]
        if self.marks is not None and self.marks.waiting:
            opened.item["encrypted_content"] = self.marks.close(len(self._messages))
        self.end(None)

    def _sign(self, marks: Marks, call: Call) -> None:
        """A call's signature stands in front of it: in the thoughts that led to it, or in an item of its own."""
        assert call.signature is not None
        marks.calls[call.id] = call.signature
        if self.open is None or self.open.item["type"] != "reasoning":
            self.begin({"id": self.new_id("rs_"), "type": "reasoning", "summary": []})

    def _call(self, call: Call) -> None:
        token = call.id.removeprefix("call_")
        if call.signature:
            self.note(call.id, call.signature)
        space, name = self._question.namespaces.get(call.name, ("", call.name))
        named: JsonObject = {"call_id": call.id, "name": name}
        if space:
            named["namespace"] = space
        if call.name in self._question.custom_tools:
            given = call.args.get("input")
            whole = given if isinstance(given, str) and len(call.args) == 1 else _encode(call.args).decode()
            key, event = "input", "response.custom_tool_call_input"
            opened = self.begin(
                {"id": f"ctc_{token}", "type": "custom_tool_call", "status": "in_progress", **named, key: ""}
            )
            rest: JsonObject = {key: whole}
        else:
            whole = _encode(call.args).decode()
            key, event = "arguments", "response.function_call_arguments"
            opened = self.begin(
                {"id": f"fc_{token}", "type": "function_call", "status": "in_progress", **named, key: ""}
            )
            rest = {"name": name, key: whole}
        self.emit(f"{event}.delta", {**opened.place, "delta": whole})
        self.emit(f"{event}.done", {**opened.place, **rest})
        opened.item[key] = whole
        self.end("completed")

    # ── the end ──────────────────────────────────────────────────────────────────────────────────

    def finish(self, choice: Choice, status: str, refusal: str | None) -> JsonObject | None:
        """The last items. `status`: of the item that is open. Gives `extra_content`, what has no item."""
        if refusal is not None:
            self.refuse(refusal)
        elif status == "completed" and not self.items and self.open is None:
            self.message()  # clients take an answer without items for none
        if choice.citations:
            self._cite(choice.citations)
        self.close(status)
        if self.marks is not None and self.marks.waiting:
            self.begin({"id": self.new_id("rs_"), "type": "reasoning", "summary": []})
            self.close()
        grounding = choice.metadata.get("groundingMetadata")
        queries = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
        if isinstance(queries, list) and queries and not self._google.searched:
            self._google.search(
                self, [str(each) for each in queries], [each["uri"] for each in chunks(grounding, "web", "uri")]
            )
        if grounding and (passages := passages_of(grounding)):
            self._google.found(self, passages)
        return left_over(choice, self._google.kept)

    def _cite(self, citations: list[Citation]) -> None:
        """Each to the message in which it stands. Google tells them at the end, so only the open one streams them."""
        starts = [one.start for one in self._messages]
        for each in citations:
            at = bisect_right(starts, each.start)
            if not at:
                continue
            message = self._messages[at - 1]
            listed: list[JsonObject] = message.part["annotations"]
            listed.append(
                {
                    "type": "url_citation",
                    "start_index": each.start - message.start,
                    "end_index": each.end - message.start,
                    "url": each.url,
                    "title": each.title,
                }
            )
            if message is self.open:
                place = {**message.place, "content_index": 0, "annotation_index": len(listed) - 1}
                self.emit("response.output_text.annotation.added", {**place, "annotation": listed[-1]})

    def close(self, status: str = "completed") -> None:
        """The open item, if any, is done."""
        opened = self.open
        if opened is None:
            return
        match opened.item["type"]:
            case "message":
                self._close_message(opened, status)
            case "reasoning":
                self._close_reasoning(opened)
            case _:
                given = opened.item["status"]
                ended = "incomplete" if given == "in_progress" else given
                if ended == "completed":
                    self.emit("response.code_interpreter_call.completed", opened.place)
                self.end(ended)

    def begin(self, item: JsonObject) -> Open:
        self.close()
        opened = self.open = Open(item, len(self.items))
        if self._seen:
            self.emit("response.output_item.added", {"output_index": opened.index, "item": dict(item)})
        return opened

    def end(self, status: str | None) -> None:
        """`status`: None for an item that has none."""
        opened, self.open = self.open, None
        assert opened is not None
        if status is not None:
            opened.item["status"] = status
        self.items.append(opened.item)
        if self._seen:
            self.emit("response.output_item.done", {"output_index": opened.index, "item": opened.item})

    def new_id(self, prefix: str) -> str:
        number = len(self.items) + (self.open is not None)
        return f"{prefix}{self.token}{number:02d}"
