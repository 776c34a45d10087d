"""Every field, block and tool of Anthropic's client has a row, the rows hold, and the page is what they say.

That client has three thousand modules, which only the tests that look at it import.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from liftgate.ask.builder import Ask
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.fates import Row
from liftgate.dialects.messages.dialect import MESSAGES
from liftgate.dialects.messages.fields import BLOCKS, REQUEST, TOOLS
from liftgate.errors import InvalidRequest, UnsupportedParameter

ROOT = Path(__file__).resolve().parents[2]
IN_HEADERS = {"betas", "user_profile_id", "workspace_id"}
DATE = re.compile(r"_\d{8}\Z")


def names(rows: tuple[Row, ...]) -> set[str]:
    return {row.field for row in rows}


def kinds(union: Any) -> set[str]:
    """The `type` of each member of a union of TypedDicts, of any depth."""
    found: set[str] = set()
    for member in get_args(union):
        hint = getattr(member, "__annotations__", {}).get("type")
        text = getattr(hint, "__forward_arg__", str(hint))
        found |= kinds(member) if hint is None else set(text.replace('"', "'").split("'")[1::2])
    return found


def test_every_field_of_the_client_has_a_row() -> None:
    from anthropic.types.beta import message_count_tokens_params, message_create_params

    created = {*message_create_params.MessageCreateParamsBase.__annotations__, "stream"}
    counted = set(message_count_tokens_params.MessageCountTokensParams.__annotations__)
    assert "output_config" in created & counted
    assert (created | counted) - IN_HEADERS - names(REQUEST) == set()


def test_every_block_of_the_client_has_a_row() -> None:
    from anthropic.types import content_block_param, tool_result_block_param
    from anthropic.types.beta import beta_content_block_param

    blocks = kinds(content_block_param.ContentBlockParam) | kinds(beta_content_block_param.BetaContentBlockParam)
    blocks |= kinds(tool_result_block_param.Content)
    assert len(blocks) > 15 and blocks - names(BLOCKS) == set()


def test_every_tool_of_the_client_has_a_row() -> None:
    from anthropic.types import tool_union_param
    from anthropic.types.beta import beta_tool_union_param

    tools = kinds(tool_union_param.ToolUnionParam) | kinds(beta_tool_union_param.BetaToolUnionParam)
    plain = {DATE.sub("", name) for name in tools}
    assert len(plain) > 8 and plain - names(TOOLS) == set()


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}], **more}


def read(request: dict[str, Any], model: str = "gemini-2.5-flash") -> Any:
    ask = Ask(facts_for(model))
    ask.media = MESSAGES.media(request, inline_limit=10**6).read
    return MESSAGES.read(request, ask)


REFUSED_VALUES: dict[str, Any] = {
    "inference_geo": "eu",
    "container": "container_1",
    "mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}],
    "compaction": {"type": "auto"},
    "thread": {"type": "create"},
    "fallbacks": [{"model": "a"}],
    "output_config.task_budget": {"task_budget": {"type": "tokens", "total": 1}},
}


@pytest.mark.parametrize("name", [row.field for row in REQUEST if row.fate == "refused"])
def test_a_field_that_is_refused_is_named_or_left_out(name: str) -> None:
    outer = name.partition(".")[0]
    request = asked(**{outer: REFUSED_VALUES.get(name, "x")})
    with pytest.raises(InvalidRequest) as caught:
        read(request)
    assert caught.value.param == name and name in caught.value.message
    if name == "thread":
        with pytest.raises(InvalidRequest):
            read({**request, "drop_params": True})
        return
    question = read({**request, "drop_params": True})
    assert [each.param for each in question.dropped] == [name] and question.body == read(asked()).body


@pytest.mark.parametrize("name", [row.field for row in REQUEST if row.fate == "ignored"])
def test_what_is_ignored_changes_nothing(name: str) -> None:
    values = {"metadata": {"user_id": "a"}, "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}
    assert read(asked(**{name: values.get(name, {"type": "ephemeral"})})).body == read(asked()).body


@pytest.mark.parametrize("name", [row.field for row in BLOCKS if row.fate == "refused"])
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_block_that_is_refused_is_named(name: str, role: str) -> None:
    messages = [{"role": "user", "content": "x"}, {"role": role, "content": [{"type": name}]}]
    with pytest.raises(UnsupportedParameter) as caught:
        read(asked(messages=messages))
    assert caught.value.param == "messages[1].content[0].type" and name in caught.value.message


@pytest.mark.parametrize("name", [row.field for row in TOOLS if row.fate == "refused"])
@pytest.mark.parametrize("dated", ["", "_20260801"])
def test_a_tool_that_is_refused_is_named_or_left_out(name: str, dated: str) -> None:
    request = asked(tools=[{"type": name + dated, "name": "t"}])
    with pytest.raises(UnsupportedParameter) as caught:
        read(request)
    assert caught.value.param == "tools[0].type" and name in caught.value.message
    question = read({**request, "drop_params": True})
    assert [each.param for each in question.dropped] == ["tools[0].type"] and "tools" not in question.body


@pytest.mark.parametrize(
    "request_",
    [
        asked(foo=1),
        asked(output_config={"foo": 1}),
        asked(thinking={"type": "adaptive", "foo": 1}),
        asked(messages=[{"role": "user", "content": "x", "foo": 1}]),
        asked(messages=[{"role": "user", "content": [{"type": "text", "text": "x", "foo": 1}]}]),
        asked(tools=[{"name": "f", "input_schema": {"type": "object"}, "foo": 1}]),
        asked(tool_choice={"type": "auto", "foo": 1}),
        asked(tools=[{"type": "web_search_20250305", "name": "web_search", "foo": 1}]),
    ],
)
def test_a_key_that_nobody_knows_is_refused_or_left_out_and_noted(request_: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(request_)
    assert str(caught.value.param).endswith("foo") and caught.value.code == "unknown_parameter"
    question = read({**request_, "drop_params": True})
    assert [str(each.param).rpartition(".")[2] for each in question.dropped] == ["foo"]


def test_the_page_is_what_the_tables_say() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "docs-anthropic"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
