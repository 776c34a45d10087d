"""The stream's frames where no server is needed: how one ends that was cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.responses import fields
from liftgate.dialects.responses.dialect import Responses
from responses_rig import read_events

REQUEST: dict[str, Any] = {"model": "m", "input": "x", "store": False}


def chunk(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}}]}


@pytest.mark.parametrize(
    ("chunks", "items"),
    [
        (None, []),
        ([], []),
        ([chunk({"text": "Hal"})], []),
        ([chunk({"text": "A"}), chunk({"functionCall": {"name": "f", "args": {}}})], ["message", "function_call"]),
    ],
    ids=["before it began", "without a word", "in a message", "behind a call"],
)
def test_a_cancelled_stream_ends_with_a_response_that_is_cancelled(
    chunks: list[dict[str, Any]] | None, items: list[str]
) -> None:
    """What is whole of it stands in it; the item that was open does not."""
    dialect = Responses()
    question = dialect.read(REQUEST, Ask(facts_for("gemini-2.5-flash")))
    fold = AnswerFold(Head("1", "m", 1760000000), question, new_call_id=lambda: "call_1")
    encoder = dialect.encoder(fold.answer.head, REQUEST)
    body = b""
    if chunks is not None:
        encoder.begin(fold.answer)
        for each in chunks:
            body += encoder.encode(fold.feed(each))
    encoder.cancel()
    told = read_events(body + encoder.take_frames())
    assert [each["type"] for each in told[:2]] == ["response.created", "response.in_progress"]
    last = told[-1]["response"]
    assert told[-1]["type"] == "response.failed" and (last["status"], last["error"]) == ("cancelled", None)
    assert last["id"] == told[0]["response"]["id"] and [item["type"] for item in last["output"]] == items
    assert [each["type"] for each in told].count("response.failed") == 1


ODD: tuple[Any, ...] = (None, True, -1, 1e400, "", "x", [], {}, [None], [[]], {"x": {}})
ODD_FIELDS = tuple(row.field for row in fields.REQUEST if "." not in row.field and "[" not in row.field)


@pytest.mark.parametrize("name", ODD_FIELDS)
def test_a_request_that_was_not_read_yet_gets_its_pings_whatever_it_holds(name: str) -> None:
    """A file's page-in may take longer than a stream may be silent: what is wrong is said later, inside the stream."""
    kinds = ("function", "mcp", "namespace", "json_schema")
    inside = [{key: odd} for key in ("type", "format", "effort", "summary", "headers") for odd in ODD]
    typed = [{"type": kind, key: odd} for kind in kinds for key in ("headers", "parameters", "strict") for odd in ODD]
    for value in (*ODD, *inside, *typed, *([each] for each in (*inside, *typed))):
        encoder = Responses().encoder(Head("1", "m", 1), {**REQUEST, name: value})
        assert bytes(encoder.ping()).count(b"event: ") == 2, value
