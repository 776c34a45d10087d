"""Every field, item, part, tool and include of OpenAI's has a row, the rows hold, and the page is what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from openai.types.responses import ResponseIncludable, response_create_params, response_input_item_param, tool_param
from openai.types.responses import response_input_content_param as content_param

from liftgate.ask.builder import Ask
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.fates import Row
from liftgate.dialects.responses.dialect import Responses
from liftgate.dialects.responses.fields import INCLUDES, ITEMS, PARTS, REQUEST, TOOLS
from liftgate.errors import LiftgateError, UnsupportedParameter

ROOT = Path(__file__).resolve().parents[2]


def _names(rows: tuple[Row, ...]) -> set[str]:
    return {row.field for row in rows}


def _types(union: Any) -> set[str]:
    """The `type` of each member of a union of TypedDicts."""
    found: set[str] = set()
    for member in get_args(union):
        kind = getattr(member, "__annotations__", {}).get("type")
        text = getattr(kind, "__forward_arg__", str(kind))
        found |= {word for word in text.replace('"', "'").split("'")[1::2]}
    return found


def test_every_field_of_the_client_has_a_row() -> None:
    fields = {*response_create_params.ResponseCreateParamsBase.__annotations__, "stream"}
    assert fields - _names(REQUEST) == set()


def test_every_item_tool_part_and_include_of_the_client_has_a_row() -> None:
    items = _types(response_input_item_param.ResponseInputItemParam)
    assert len(items) > 20 and items - _names(ITEMS) == set()
    tools = _types(tool_param.ToolParam)
    assert len(tools) > 10 and tools - _names(TOOLS) == set()
    parts = _types(content_param.ResponseInputContentParam)
    assert len(parts) == 3 and parts - _names(PARTS) == set()
    assert set(get_args(ResponseIncludable)) == _names(INCLUDES)


@pytest.mark.parametrize("name", [row.field for row in ITEMS if row.fate == "refused"])
def test_an_item_that_is_refused_is_named(name: str) -> None:
    request = {"model": "m", "store": False, "input": [{"role": "user", "content": "x"}, {"type": name}]}
    with pytest.raises(UnsupportedParameter) as caught:
        Responses().read(request, Ask(facts_for("gemini-2.5-flash")))
    assert caught.value.param == "input[1].type" and name in caught.value.message


@pytest.mark.parametrize("name", [row.field for row in TOOLS if row.fate == "refused"])
def test_a_tool_that_is_refused_is_named_or_left_out(name: str) -> None:
    request = {"model": "m", "store": False, "input": "x", "tools": [{"type": name}]}
    with pytest.raises(UnsupportedParameter) as caught:
        Responses().read(request, Ask(facts_for("gemini-2.5-flash")))
    assert caught.value.param == "tools[0].type" and name in caught.value.message
    question = Responses().read({**request, "drop_params": True}, Ask(facts_for("gemini-2.5-flash")))
    assert [each.param for each in question.dropped] == ["tools[0].type"] and "tools" not in question.body


@pytest.mark.parametrize("row", [row for row in REQUEST if row.fate == "ignored"], ids=lambda row: row.field)
def test_what_is_ignored_changes_nothing(row: Row) -> None:
    plain: dict[str, Any] = {"model": "m", "store": False, "input": "x"}
    words = {
        "text.verbosity": "low",
        "reasoning.mode": "pro",
        "reasoning.context": "auto",
        "client_metadata": {"a": "b"},
    }
    outer, _, inner = row.field.partition(".")
    value = words.get(row.field, "x")
    given = {**plain, outer: {inner: value} if inner else value}
    bodies = [Responses().read(each, Ask(facts_for("gemini-2.5-flash"))).body for each in (plain, given)]
    assert bodies[0] == bodies[1]


def test_any_json_in_any_place_is_read_or_refused_by_a_typed_error() -> None:
    """Every field, and every key of every item, with values that it should not have."""
    values: tuple[Any, ...] = (
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "x",
        [],
        [1],
        [None],
        {},
        {"a": 1},
        [{}],
        [{"type": "x"}],
    )
    keys = ("role", "content", "call_id", "output", "arguments", "name", "id", "summary", "outputs", "result", "input")
    requests: list[dict[str, Any]] = [{row.field.partition(".")[0]: value} for row in REQUEST for value in values]
    for kind in (*_names(ITEMS), None):
        whole = {
            "type": kind,
            "role": "user",
            "content": "x",
            "call_id": "call_1",
            "name": "f",
            "output": "x",
            "id": "i",
        }
        requests += [{"input": [{**whole, key: value}]} for key in keys for value in values]
    for kind in _names(TOOLS):
        tool: dict[str, Any] = {
            "type": kind,
            "name": "f",
            "container": {"type": "auto"},
            "vector_store_ids": ["s"],
            "tools": [],
        }
        requests += [{"tools": [{**tool, key: value}]} for key in (*tool, "parameters", "filters") for value in values]
    for kind in _names(PARTS):
        for key in ("text", "file_id", "file_data", "image_url", "input_audio", "detail", "format", "video_metadata"):
            requests += [{"input": [{"role": "user", "content": [{"type": kind, key: value}]}]} for value in values]
    read = 0
    for made in requests:
        request = {"model": "m", "store": False, "input": "x", **made}
        dialect = Responses()
        try:
            found = dialect.media(request, inline_limit=10**6)
            dialect.call_ids(request)
            dialect.read(request, Ask(facts_for("gemini-2.5-flash"), media=found.read))
            read += 1
        except LiftgateError as error:
            assert error.http_status in (400, 404), made
    assert len(requests) > 5000 and read > 500


def test_the_page_is_what_the_tables_say() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "docs-responses"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
