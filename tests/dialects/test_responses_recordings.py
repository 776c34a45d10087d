"""Every recorded answer as a Response: valid, whole, and the same streamed."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from random import Random  # noqa: TID251 - seeded, so that a failure can be seen again
from typing import Any

from evidence import needs_recordings
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.responses.dialect import Responses
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.errors import LiftgateError
from openai_schema import errors
from responses_rig import in_order, read_events
from translate_exchanges import Exchange, exchanges


def question_of(exchange: Exchange, *, sealed: bool = False) -> ResponsesQuestion:
    declared = exchange.request.get("tools") or []
    listed = declared if isinstance(declared, list) else [declared]
    named = {each["name"] for tool in listed for each in tool.get("functionDeclarations") or ()}
    tools = [{"type": "function", "name": name} for name in sorted(named)]
    request = {"model": "m", "input": "x", "tools": tools, "reasoning": {"summary": "auto"}, "store": False}
    include = ["code_interpreter_call.outputs", "web_search_call.action.sources", "file_search_call.results"]
    if sealed:
        include.append("reasoning.encrypted_content")
    ask = Ask(facts_for("gemini-3-flash-preview"))
    ask.seal = PlainSeal
    return Responses().read({**request, "include": include}, ask)


def _folded(exchange: Exchange, *, sealed: bool = False) -> AnswerFold[ResponsesQuestion]:
    numbers = itertools.count()
    question = question_of(exchange, sealed=sealed)
    return AnswerFold(Head("1", "m", 1760000000), question, new_call_id=lambda: f"call_{next(numbers)}")


@needs_recordings
def test_recorded_answers_are_valid_and_equal_streamed_and_whole() -> None:
    checked = failed = 0
    for exchange in exchanges():
        fold = _folded(exchange)
        streamed = _folded(exchange)
        encoder = Responses().encoder(streamed.answer.head, {"model": "m", "input": "x"})
        encoder.begin(streamed.answer)
        body = b""
        for each in exchange.replies:
            fold.feed(each)
            body += encoder.encode(streamed.feed(each))
        fold.end(whole=True)
        try:
            whole = Responses().whole(fold.answer)
        except LiftgateError:
            failed += 1
            continue
        body += encoder.encode(streamed.end(whole=True))
        told = read_events(body)
        assert told[-1]["response"] == json.loads(json.dumps(whole)), exchange.name
        in_order(told)
        assert errors("Response", whole) == [], exchange.name
        _nothing_is_lost(exchange, whole)
        checked += 1
    assert (checked > 450, failed < 40) == (True, True), (checked, failed)


class PlainSeal:
    """A seal that can be seen through, and that gives the same each time."""

    def close(self, value: bytes) -> str:
        return base64.b64encode(value).decode()

    def open(self, text: str) -> bytes | None:
        return base64.b64decode(text)


@needs_recordings
def test_a_recorded_turn_goes_back_with_all_its_signatures_however_it_was_cut() -> None:
    """Sealed items of a whole answer and of a stream in other pieces are the same, and read again they are the very
    parts that Gemini made: each signature with its text, its call, its image or its tool."""
    rng, signed = Random(3), 0
    for exchange in exchanges():
        whole, streamed = _folded(exchange, sealed=True), _folded(exchange, sealed=True)
        encoder = Responses().encoder(streamed.answer.head, {"model": "m", "input": "x"})
        encoder.begin(streamed.answer)
        body = b""
        for reply in exchange.replies:
            whole.feed(reply)
            for piece in _cut(reply, rng):
                body += encoder.encode(streamed.feed(piece))
        whole.end(whole=True)
        try:
            output = Responses().whole(whole.answer)["output"]
        except LiftgateError:
            continue
        body += encoder.encode(streamed.end(whole=True))
        told = read_events(body)
        assert told[-1]["response"]["output"] == json.loads(json.dumps(output)), exchange.name
        in_order(told)
        signed += _check_return(exchange, output)
    assert signed > 150


def _cut(reply: dict[str, Any], rng: Random) -> Iterator[dict[str, Any]]:
    """The same in pieces: parts one by one, and texts without a signature at any place, but for what has places of its
    own in the text. What comes with the candidate comes last."""
    candidates = reply.get("candidates") or []
    parts = (candidates[0].get("content") or {}).get("parts") if len(candidates) == 1 else None
    if not parts or candidates[0].get("groundingMetadata") or candidates[0].get("logprobsResult"):
        yield reply
        return
    for part in parts[:-1]:
        text = part.get("text")
        at = rng.randrange(len(text) + 1) if isinstance(text, str) and set(part) <= {"text", "thought"} else 0
        for each in [{**part, "text": text[:at]}, {**part, "text": text[at:]}] if at else [part]:
            yield {"candidates": [{"content": {"role": "model", "parts": [each]}}]}
    yield {**reply, "candidates": [{**candidates[0], "content": {"role": "model", "parts": parts[-1:]}}]}


def _check_return(exchange: Exchange, output: list[dict[str, Any]]) -> int:
    """How many signatures go back."""
    results = [
        {"type": f"{item['type']}_output", "call_id": item["call_id"], "output": "x"}
        for item in output
        if item["type"] in ("function_call", "custom_tool_call")
    ]
    ask = Ask(facts_for("gemini-3-flash-preview"))
    ask.seal = PlainSeal
    items = [{"role": "user", "content": "x"}, *output, *results, {"role": "user", "content": "y"}]
    body = Responses().read({"model": "m", "input": items, "store": False}, ask).body
    sent = [
        part["thoughtSignature"] for each in body["contents"] for part in each["parts"] if "thoughtSignature" in part
    ]
    made = [
        part["thoughtSignature"]
        for reply in exchange.replies
        for candidate in (reply.get("candidates") or ())[:1]
        for part in (candidate.get("content") or {}).get("parts") or ()
        if part.get("thoughtSignature") and not part.get("thought")
    ]
    missing = [each for each in made if each not in sent]
    assert missing == [] or not output, (exchange.name, [each[:20] for each in missing])
    return len(made)


def _nothing_is_lost(exchange: Exchange, whole: dict[str, Any]) -> None:
    parts = [
        part
        for each in exchange.replies
        for candidate in each.get("candidates") or ()
        if candidate.get("index", 0) == 0
        for part in (candidate.get("content") or {}).get("parts") or ()
    ]
    texts = [part["text"] for part in parts if "text" in part and not part.get("thought")]
    shown = [part for item in whole["output"] if item["type"] == "message" for part in item["content"]]
    assert "".join(part.get("text", "") for part in shown) == "".join(texts), exchange.name
    thoughts = [part["text"] for part in parts if part.get("thought") and "text" in part]
    summaries = [item["summary"] for item in whole["output"] if item["type"] == "reasoning"]
    assert "".join(part["text"] for each in summaries for part in each) == "".join(thoughts), exchange.name
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    called = [item for item in whole["output"] if item["type"] == "function_call"]
    kept = (whole.get("extra_content") or {}).get("google", {}).get("parts", [])
    assert len(called) + sum("functionCall" in part for part in kept) == len(calls), exchange.name
    ran = sum("executableCode" in part for part in parts)
    assert sum(item["type"] == "code_interpreter_call" for item in whole["output"]) == ran, exchange.name
