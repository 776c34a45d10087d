"""Every recorded answer as a Response: valid, whole, and the same streamed."""

from __future__ import annotations

import itertools
import json
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


def _question(exchange: Exchange) -> ResponsesQuestion:
    declared = exchange.request.get("tools") or []
    listed = declared if isinstance(declared, list) else [declared]
    named = {each["name"] for tool in listed for each in tool.get("functionDeclarations") or ()}
    tools = [{"type": "function", "name": name} for name in sorted(named)]
    request = {"model": "m", "input": "x", "tools": tools, "reasoning": {"summary": "auto"}, "store": False}
    include = ["code_interpreter_call.outputs", "web_search_call.action.sources", "file_search_call.results"]
    ask = Ask(facts_for("gemini-3-flash-preview"))
    return Responses().read({**request, "include": include}, ask)


def _folded(exchange: Exchange) -> AnswerFold[ResponsesQuestion]:
    numbers = itertools.count()
    return AnswerFold(Head("1", "m", 1760000000), _question(exchange), new_call_id=lambda: f"call_{next(numbers)}")


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
