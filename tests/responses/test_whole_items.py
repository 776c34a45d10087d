"""Input items in the spellings that clients use: each is listed as a whole item of OpenAI's types, wherever it is kept.

A null is absent, what is left out has its default, and what Gemini gets nothing of is shown where clients can read it.
"""

from __future__ import annotations

from typing import Any

import pytest

from gateways import MODEL
from openai_schema import check_answer
from responses_rig import call, post

KEY = {"Authorization": "Bearer sk-ann"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
VIDEO = "data:video/mp4;base64,AAAAGGZ0eXBtcDQyAAAAAG1wNDJpc29t"
FILM = "https://www.youtube.com/watch?v=abcdefghijk"
CITED = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
Q = {"role": "user", "content": "q"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}


def text(**more: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": "x", **more}


def said(**part: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [text(**part)]}


def kept(gateway: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items as a response's input and as a conversation's show them, which is the same but for ids."""
    got = post(gateway, {"model": MODEL, "input": items})
    assert got.status == 200, got.body
    shown = []
    made = post(gateway, {"items": items}, "/v1/conversations")
    assert made.status == 200, made.body
    for path in (f"/responses/{got.json()['id']}/input_items", f"/conversations/{made.json()['id']}/items"):
        listed = call(gateway, "GET", f"/v1{path}?order=asc").json()
        check_answer("GET", path, 200, listed)
        assert len({item["id"] for item in listed["data"]}) == len(items)
        shown.append([{key: each for key, each in item.items() if key != "id"} for item in listed["data"]])
    assert without_names(shown[0]) == without_names(shown[1])
    return shown[0]


def without_names(value: Any) -> Any:
    """Without the ids of files, which are each holder's own."""
    if isinstance(value, dict):
        return {key: without_names(each) for key, each in value.items() if key != "file_id"}
    return [without_names(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (said(annotations=None, logprobs=None), {"content": [text(annotations=[], logprobs=[])]}),
        (
            said(annotations=[CITED, {"type": "url_citation"}, {"type": "note"}], logprobs=[{"token": "x"}]),
            {"content": [text(annotations=[CITED], logprobs=[])]},
        ),
        ({**said(), "phase": "final_answer"}, {"phase": "final_answer", "status": "completed"}),
        ({**said(), "phase": "loud", "status": "done"}, {"status": "completed"}),
        ({"type": "reasoning", "content": None, "encrypted_content": None}, {"summary": []}),
        ({"type": "reasoning", "summary": None, "status": None}, {"summary": []}),
        ({"type": "reasoning", "summary": ["x"], "content": "x"}, {"summary": []}),
        ({"type": "web_search_call"}, {"action": {"type": "search", "query": ""}, "status": "completed"}),
        ({"type": "web_search_call", "status": "failed", "action": {"type": "open_page"}}, {"status": "failed"}),
        ({"type": "web_search_call", "action": {"type": "look"}}, {"action": {"type": "search", "query": ""}}),
        ({"type": "file_search_call", "results": [5]}, {"queries": [], "results": None}),
        ({"type": "code_interpreter_call", "outputs": [], "status": None}, {"code": None, "container_id": ""}),
        ({"type": "code_interpreter_call", "code": "1", "container_id": 5}, {"code": "1", "outputs": None}),
        ({"type": "image_generation_call", "result": 5}, {"result": None}),
        ({"type": "mcp_call", "error": "bad", "status": "called"}, {"name": "", "arguments": "{}"}),
        ({"type": "mcp_list_tools", "tools": ["x"]}, {"server_label": "", "tools": []}),
    ],
)  # fmt: skip
def test_what_the_model_did_is_shown_in_the_form_of_its_type(
    gateway: str, item: dict[str, Any], shown: dict[str, Any]
) -> None:
    _, found, _ = kept(gateway, [Q, item, Q])
    assert {key: found[key] for key in shown} == shown
    assert "phase" not in found or found["phase"] == item["phase"] == "final_answer"


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([{**CALL, "arguments": None}, RESULT], {"arguments": "{}", "status": "completed"}),
        ([{**CALL, "namespace": None, "caller": None, "created_by": None}, RESULT], {"name": "f"}),
        ([{**CALL, "caller": "me", "created_by": 5, "status": "done"}, RESULT], {"status": "completed"}),
        ([CALL, {**RESULT, "name": 5, "status": None}], {}),
        ([CALL, {**RESULT, "type": "custom_tool_call_output"}], {}),
        ([{**CALL, "type": "custom_tool_call", "arguments": None}, RESULT], {"input": "", "status": "completed"}),
        ([{**CALL, "type": "custom_tool_call", "input": [], "arguments": None}, RESULT], {"input": ""}),
    ],
)
def test_calls_and_results_have_what_their_types_want(
    gateway: str, items: list[dict[str, Any]], shown: dict[str, Any]
) -> None:
    _, call_shown, result_shown = kept(gateway, [Q, *items])
    assert {key: call_shown[key] for key in shown} == shown
    assert (result_shown["status"], result_shown["output"]) == ("completed", "ok")


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": None}, {"detail": "auto"}),
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "file_id": None},
            {"type": "input_image"},
        ),
        ({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}, {"type": "input_file"}),
        ({"type": "input_video", "video_url": VIDEO}, {"type": "input_file"}),
        ({"type": "input_video", "video_url": FILM, "file_id": ""}, {"type": "input_file", "file_url": FILM}),
        ({"type": "input_text", "text": "x", "prompt_cache_breakpoint": None}, {"text": "x"}),
    ],
)
@pytest.mark.parametrize("within", ["message", "result"])
def test_parts_have_the_form_of_their_types_and_are_asked_with_again(
    gateway: str, part: dict[str, Any], shown: dict[str, Any], within: str
) -> None:
    items: list[dict[str, Any]] = [{"role": "user", "content": [part]}]
    if within == "result":
        items = [Q, CALL, {**RESULT, "output": [part]}]
    last = kept(gateway, items)[-1]
    [found] = last["output" if within == "result" else "content"]
    assert {key: found[key] for key in shown} == shown and None not in found.values()
    again = post(gateway, {"model": MODEL, "input": [*items[:-1], {**last, "id": "x"}], "store": False})
    assert again.status == 200, again.body
