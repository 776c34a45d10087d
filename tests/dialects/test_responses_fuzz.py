"""Requests of Responses at random: whatever is wrong with one is an error of ours that a client can read.

A request that is whole in many ways is changed in a few places: another value, a key more or less, a piece of one in
another's place. It is read as the gateway reads it; the items of what was taken are kept, compacted and counted too.
"""

from __future__ import annotations

import base64
import copy
import json
import os
from random import Random  # noqa: TID251 - seeded, so that a failure can be seen again
from typing import Any

import msgspec
import pytest

from liftgate.answer.choice import Head
from liftgate.ask.builder import Ask
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.openai_errors import error_body
from liftgate.dialects.responses import kept_items, whole_items
from liftgate.dialects.responses.compaction import FIELDS, Compaction
from liftgate.dialects.responses.dialect import Responses
from liftgate.dialects.responses.fields import INCLUDED
from liftgate.dialects.responses.sealed import Marks, close_summary
from liftgate.errors import InternalError, LiftgateError
from liftgate.sealing import seal_of
from openai_schema import check_answer, errors

MODELS = ("gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash", "gemma-3-27b-it", "gemini-3-pro-image")
ANN, BOB = seal_of(bytes(32), "ann"), seal_of(bytes(32), "bob")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def sealed(call_id: str) -> str:
    marks = Marks(ANN, "gemini-3")
    marks.calls[call_id] = "c2ln"
    marks.texts[1] = "dGV4dA=="
    marks.part("ci_1", {"executableCode": {"language": "PYTHON", "code": "1"}})
    return marks.close(1)


WHOLE: dict[str, Any] = {
    "model": "m",
    "instructions": "Be brief.",
    "store": False,
    "stream": False,
    "temperature": 0.5,
    "top_p": 0.9,
    "max_output_tokens": 100,
    "metadata": {"a": "b"},
    "truncation": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content", "code_interpreter_call.outputs"],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {}}}},
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]},
    "tools": [
        {
            "type": "function",
            "name": "look",
            "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
        },
        {"type": "custom", "name": "note", "format": {"type": "text"}},
        {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "f", "parameters": {}}]},
        {"type": "web_search", "external_web_access": False, "user_location": {"type": "approximate", "city": "Ulm"}},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}},
        {"type": "mcp", "server_label": "s", "server_url": "https://example.org", "require_approval": "never"},
        {"type": "file_search", "vector_store_ids": ["fileSearchStores/a"]},
    ],
    "input": [
        {"role": "developer", "content": "Be kind."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Hello"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
                {"type": "input_file", "file_id": "file-1"},
                {"type": "input_file", "file_data": "aGVsbG8=", "filename": "a.txt"},
                {"type": "input_video", "video_url": "https://www.youtube.com/watch?v=abc"},
                {"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}},
            ],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A", "annotations": []}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed("call_1")},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"at":"x"}'},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "note", "input": "x"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "y"}]},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "y"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": close_summary(ANN, "so far")},
        {"type": "code_interpreter_call", "id": "ci_1", "code": "1", "outputs": [{"type": "logs", "logs": "1"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "image_generation_call", "id": "ig_1", "result": PNG},
        {"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "n", "arguments": "{}", "output": "o"},
        {"role": "user", "content": "And now?"},
    ],
}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 0.5, 1e308, [], [None], [[]], {}, {"type": "x"}, {"a": {}}),
    *("", "x", "\u0000", "😀", "é" * 70, "auto", "call_1", "file-1", "file-404", "{}", "[", "data:,x", "gs://b/o"),
    *("data:image/png;base64,!!", "https://example.org/a.png", "liftgate1.", BOB.close(b"x"), ANN.close(b"x")),
    *(sealed("call_2"), ["x"] * 300, {"$ref": "#"}, {"type": "input_text", "text": "t"}),
    *(
        {"role": "user", "content": "c"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "function", "name": "look"},
    ),
    *INCLUDED,
)
KEYS = ("type", "id", "role", "content", "text", "name", "call_id", "output", "bogus", "", "detail", "strict", "status")


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Each place in it: what holds it, and its key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], dict | list):
            places(value[key], found)
    return found


def changed(rng: Random) -> dict[str, Any]:
    request = copy.deepcopy(WHOLE)
    for _ in range(rng.randint(1, 4)):
        listed = places(request, [])
        if not listed:
            break
        holder, key = rng.choice(listed)
        match rng.randrange(6):
            case 0:
                holder[key] = copy.deepcopy(rng.choice(VALUES))
            case 1:
                del holder[key]
            case 2 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(rng.choice(holder)))
            case 3 if isinstance(holder, list):
                rng.shuffle(holder)
            case 4 if isinstance(holder, dict):
                holder[rng.choice(KEYS)] = copy.deepcopy(rng.choice(VALUES))
            case _:
                other, name = rng.choice(listed)
                holder[key] = copy.deepcopy(other[name])
    decoded: dict[str, Any] = msgspec.json.decode(json.dumps(request))
    return decoded


def asked(model: str, needs: Any) -> Ask:
    file = ResolvedFile("image/png", uri="https://generativelanguage.googleapis.com/v1beta/files/a")
    ask = Ask(facts_for(model), {need.param: file for need in needs}, {"call_2": "c2ln"})
    ask.seal = lambda: ANN
    return ask


def read(dialect: Any, request: dict[str, Any], model: str) -> bool:
    """As the gateway does; whether it was taken."""
    before = copy.deepcopy(request)
    try:
        found = dialect.media(request, inline_limit=100)
        dialect.call_ids(request)
        question = dialect.read(request, asked(model, found.needs))
        json.dumps(question.body)
        return True
    except LiftgateError as error:
        assert not isinstance(error, InternalError) and 400 <= error.http_status < 500, error
        assert errors("ErrorResponse", error_body(error)) == [] and len(error.message) < 5000
        assert error.param is None or isinstance(error.param, str)
        return False
    finally:
        assert request == before, "a request is never changed"
        dialect.encoder(Head("1", "m", 1), request).ping() if isinstance(dialect, Responses) else None


def check_listed(items: list[dict[str, Any]]) -> None:
    """Whatever the client's spelling was, the items are shown as OpenAI's types have them."""
    for each in kept_items.inline_data(items):
        each.put("file-1")
    for _, show in kept_items.hidden_images(items):
        show(PNG)
    whole = [each for each in items if each["type"] != "item_reference"]
    check_answer(
        "GET",
        "/responses/x/input_items",
        200,
        {"object": "list", "data": whole, "first_id": "", "last_id": "", "has_more": False},
    )


def fuzz(seed: int, count: int) -> int:
    rng, taken = Random(seed), 0
    for number in range(count):
        request, model = changed(rng), rng.choice(MODELS)
        try:
            if read(Responses(), request, model):
                taken += 1
                check_listed(whole_items.own_items(request.get("input"), "1"))
            history = request["input"] if isinstance(request.get("input"), list) else []
            read(Responses([each for each in history if isinstance(each, dict)], keeps=True), request, model)
            read(Compaction(), {key: value for key, value in request.items() if key in FIELDS}, model)
        except Exception as error:
            text = base64.b64encode(json.dumps(request).encode()).decode()
            raise AssertionError(f"seed {seed}, request {number}: {type(error).__name__}: {text}") from error
    return taken


def test_random_requests_find_typed_errors_only() -> None:
    assert 20 < fuzz(1, 1000) < 900


@pytest.mark.parametrize("kind", ["image_generation_call", "mcp_call", "web_search_call", "reasoning"])
@pytest.mark.parametrize("odd", [None, "x", 1, [None], {"type": None}])
def test_a_list_that_belongs_to_no_item_of_its_kind_is_no_obstacle(kind: str, odd: object) -> None:
    [item] = [each for each in WHOLE["input"] if each.get("type") == kind]
    request = {**WHOLE, "input": [{**item, "content": [odd]}]}
    if read(Responses(), request, MODELS[0]):
        whole_items.own_items(request["input"], "1")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "action": {"type": "search", "query": None}},
        {"type": "web_search_call", "action": {"type": "search", "query": "q", "queries": None, "sources": None}},
        {"type": "web_search_call", "action": {"type": "open_page", "url": None}},
        {"type": "file_search_call", "queries": ["q"], "results": [{"file_id": None, "filename": None, "text": "t"}]},
    ],
    ids=["query", "queries and sources", "url", "results"],
)
def test_a_null_within_an_item_counts_as_absent(item: dict[str, Any]) -> None:
    ask = asked(MODELS[1], [])
    request = {
        "model": "m",
        "store": False,
        "input": [{"role": "user", "content": "x"}, {**item, "status": "completed"}],
    }
    Responses().read(request, ask)
    check_listed(whole_items.own_items(request["input"], "1"))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_hundred_thousand_requests(seed: int) -> None:
    fuzz(seed + int(os.environ.get("FUZZ_SEED", "0")), 10_000)
