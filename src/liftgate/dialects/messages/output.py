"""An answer's events → content blocks, and the stream events that build them up: one writer for both, so that a
streamed answer and a whole one are the same.

Blocks are opened and closed one after the other; their place is their index. A thinking block stays open until what
follows it is known, because it carries the signature of the call behind it. Gemini tells its sources at the end, so
what was searched and cited stands behind the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from liftgate.answer.choice import Choice
from liftgate.answer.events import Blob, Call, ChoiceEvent, GooglePart, Speech, Text, Thought
from liftgate.dialects.messages.carrier import LONGEST, NOTHING_CARRIED, Carried, close, seal_of
from liftgate.dialects.messages.code import OK
from liftgate.dialects.messages.question import MessagesQuestion
from liftgate.json_types import JsonObject

Emit: TypeAlias = Callable[[str, JsonObject], None]
"""Takes a stream event: its type, and its fields but for the type."""

LONGEST_CITED = 150
"""Characters of `cited_text`, as at Anthropic."""

_STEPS = frozenset({"functionCall", "functionResponse"})
"""Parts in which Google asked a server of tools by itself: steps to the answer, and nothing that it says."""

_encode = msgspec.json.Encoder().encode


class Output:
    """`blocks`: those that were begun, the last of which may be open (`open`). `searches`: how often Google searched
    the web."""

    def __init__(self, token: str, question: MessagesQuestion, emit: Emit) -> None:
        self.blocks: list[JsonObject] = []
        self.open: JsonObject | None = None
        self.texts: list[str] = []
        self.searches = 0
        self._token = token
        self._question = question
        self._thinks = question.thinks
        self._emit = emit
        self._signed: dict[str, str] = {}
        self._searched: list[JsonObject] = []
        self._ran = ""

    def take(self, event: ChoiceEvent) -> None:
        if type(event) is Text:
            if event.text:
                self.text(event.text)
        elif type(event) is Thought:
            if self._thinks:
                self._think(event.text)
        elif type(event) is Call:
            self._call(event)
        elif type(event) is GooglePart:
            self._google(event.part)
        elif type(event) is Blob:
            self._name(f"An image of {_size(event.data)} bytes, {event.mime_type}")
        elif type(event) is Speech:
            self._name(f"Speech of {len(event.pcm) / (2 * event.rate * event.channels):.1f} seconds")

    # ── text and thoughts ────────────────────────────────────────────────────────────────────────

    def text(self, text: str) -> None:
        if self.open is None or self.open["type"] != "text":
            self._begin({"type": "text", "text": ""})
        if text:
            self.texts.append(text)
            self._delta({"type": "text_delta", "text": text})

    def _think(self, text: str) -> None:
        if self.open is None or self.open["type"] != "thinking":
            self._begin({"type": "thinking", "thinking": "", "signature": ""})
        self.texts.append(text)
        self._delta({"type": "thinking_delta", "thinking": text})

    def _sign(self, block_id: str, signature: object) -> None:
        """The signature of the block that follows goes into the thinking block before it."""
        if not self._thinks or type(signature) is not str or not signature or len(signature) > LONGEST:
            return
        if self.open is None or self.open["type"] != "thinking":
            self._begin({"type": "thinking", "thinking": "", "signature": ""})
        self._signed[block_id] = signature

    # ── calls, and what Google's tools did ───────────────────────────────────────────────────────

    def _call(self, call: Call) -> None:
        self._sign(call.id, call.signature)
        self._used("tool_use", call.id, call.name, call.args)

    def _used(self, kind: str, block_id: str, name: str, given: JsonObject) -> None:
        block = self._begin({"type": kind, "id": block_id, "name": name, "input": {}})
        self._delta({"type": "input_json_delta", "partial_json": _encode(given).decode()})
        block["input"] = given
        self.close()

    def _google(self, part: JsonObject) -> None:
        if isinstance(code := part.get("executableCode"), dict):
            self._run(str(code.get("code") or ""), part.get("thoughtSignature"))
        elif isinstance(result := part.get("codeExecutionResult"), dict):
            if not self._ran:
                self._run("", None)
            self._result(result)
        elif "toolCall" in part or "toolResponse" in part:
            self._searched.append(part)
        elif part.get("thought") is not True and _STEPS.isdisjoint(part):
            self._name(_describe(part))

    def _run(self, code: str, signature: object) -> None:
        self._ran = self._new_id()
        self._sign(self._ran, signature)
        self._used("server_tool_use", self._ran, "code_execution", {"code": code})

    def _result(self, result: JsonObject) -> None:
        worked = result.get("outcome") == OK
        printed = str(result.get("output") or "")
        content: JsonObject = {
            "type": "code_execution_result",
            "stdout": printed if worked else "",
            "stderr": "" if worked else printed,
            "return_code": 0 if worked else 1,
            "content": [],
        }
        self._begin({"type": "code_execution_tool_result", "tool_use_id": self._ran, "content": content})
        self.close()
        self._ran = ""

    def _name(self, what: str) -> None:
        """There is no block for it, and it is not passed over in silence."""
        self.close()
        self.text(f"[{what}: Messages has no block for it.]")
        self.close()

    # ── the end ──────────────────────────────────────────────────────────────────────────────────

    def finish(self, choice: Choice) -> None:
        """The last blocks: a message does not end with a thinking block, which clients may not send back."""
        self._cite(choice)
        if self.open is not None and self.open["type"] == "thinking":
            self.text("")
        self.close()
        self._search(choice.metadata.get("groundingMetadata"))

    def _cite(self, choice: Choice) -> None:
        """At the text that is open, else at an empty one: what was closed before has gone out."""
        if not choice.citations:
            return
        self.text("")
        block = self.blocks[-1]
        content, cited = choice.text, []
        for number, each in enumerate(choice.citations):
            citation = {
                "type": "web_search_result_location",
                "url": each.url,
                "title": each.title,
                "cited_text": content[each.start : each.end][:LONGEST_CITED],
                "encrypted_index": str(number),
            }
            cited.append(citation)
            self._delta({"type": "citations_delta", "citation": citation})
        block["citations"] = cited

    def _search(self, grounding: object) -> None:
        grounding = grounding if isinstance(grounding, dict) else {}
        found = grounding.get("webSearchQueries")
        queries = [str(each) for each in found] if isinstance(found, list) else []
        self.searches = len(queries)
        sources = _sources(grounding)
        if not queries and not sources and not self._searched:
            return
        block_id = self._new_id()
        given: JsonObject = {"query": queries[0] if queries else ""}
        if len(queries) > 1:
            given["queries"] = queries
        if not sources and self._searched:
            sources = [("", "")]  # Gemini's own parts need a place in which they come back
        self._used("server_tool_use", block_id, "web_search", given)
        carried = (self._sealed(parts=self._searched) if self._searched else "") or NOTHING_CARRIED
        results = [
            {
                "type": "web_search_result",
                "url": url,
                "title": title,
                "encrypted_content": carried if place == 0 else NOTHING_CARRIED,
                "page_age": None,
            }
            for place, (url, title) in enumerate(sources)
        ]
        self._begin({"type": "web_search_tool_result", "tool_use_id": block_id, "content": results})
        self.close()

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """The open block, if any, is done."""
        block, self.open = self.open, None
        if block is None:
            return
        index = len(self.blocks) - 1
        if block["type"] == "text":
            block["text"] = "".join(self.texts)
        elif block["type"] == "thinking":
            block["thinking"] = "".join(self.texts)
            block["signature"] = self._sealed(signatures=self._signed)
            delta = {"type": "signature_delta", "signature": block["signature"]}
            self._emit("content_block_delta", {"index": index, "delta": delta})
            self._signed = {}
        self.texts = []
        self._emit("content_block_stop", {"index": index})

    def _begin(self, block: JsonObject) -> JsonObject:
        self.close()
        self._emit("content_block_start", {"index": len(self.blocks), "content_block": dict(block)})
        self.blocks.append(block)
        self.open = block
        return block

    def _delta(self, delta: JsonObject) -> None:
        self._emit("content_block_delta", {"index": len(self.blocks) - 1, "delta": delta})

    def _sealed(self, *, signatures: dict[str, str] | None = None, parts: list[JsonObject] | None = None) -> str:
        question = self._question
        seal = None if question.seal is None else seal_of(question.seal)
        return close(seal, Carried(question.family, signatures or {}, parts or []))

    def _new_id(self) -> str:
        return f"srvtoolu_{self._token}{len(self.blocks):02d}"


def _describe(part: JsonObject) -> str:
    """What a part is, in words."""
    if isinstance(blob := part.get("inlineData"), dict):
        return f"A file of {_size(str(blob.get('data') or ''))} bytes, {blob.get('mimeType') or 'of no type'}"
    if isinstance(file := part.get("fileData"), dict):
        return f"A file at {file.get('fileUri')}, {file.get('mimeType') or 'of no type'}"
    return f"A part of Gemini's, '{next(key for key in part if key != 'thoughtSignature')}'"


def _size(encoded: str) -> int:
    """Bytes of base64."""
    return (len(encoded) - encoded.count("=", -2)) * 3 // 4


def _sources(grounding: JsonObject) -> list[tuple[str, str]]:
    """(url, title) of each. A passage of a document that Gemini keeps has no address."""
    listed = grounding.get("groundingChunks")
    found: list[tuple[str, str]] = []
    for chunk in listed if isinstance(listed, list) else ():
        for kind, key in (("web", "uri"), ("maps", "uri"), ("retrievedContext", "uri"), ("image", "sourceUri")):
            source = chunk.get(kind) if isinstance(chunk, dict) else None
            if isinstance(source, dict):
                url = str(source.get(key) or "")
                found.append((url, str(source.get("title") or url)))
                break
    return found
