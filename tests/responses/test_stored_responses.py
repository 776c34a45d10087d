"""Stored responses, over the wire: gone on from, asked for again, deleted; on both databases."""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from gateways import MODEL, SandboxServer, client_for, gateway_server, settings_for
from liftgate.settings.sections import LimitSettings, StorageSettings
from openai_schema import check_answer
from responses_rig import read_events, sent, user
from stored_house import House, script, script_failure

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
TEXT = base64.b64encode(b"a text of mine").decode()
SIGNATURE = "c2lnbmF0dXJlLW9mLWEtY2FsbA=="
WEATHER: dict[str, Any] = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
LOOKED = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": SIGNATURE}


# ── kept and found ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_found_as_it_was_answered(house: House, stream: bool) -> None:
    given: dict[str, Any] = {"input": "Hello", "instructions": "Be brief.", "metadata": {"a": "b"}, "tools": [WEATHER]}
    script(house, {"text": "Hm."}, LOOKED)
    got = house.ask(stream=stream, **given)
    found = house.call("GET", f"/v1/responses/{got['id']}")
    assert found.json() == got and got["store"] is True and len(got["output"]) == 2
    check_answer("GET", f"/responses/{got['id']}", 200, found.json())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "given",
    [
        {"input": "Hello"},
        {"input": [user({"type": "input_text", "text": "Hello"})], "tools": [WEATHER], "tool_choice": "none"},
        {
            "input": [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
            "instructions": "Be brief. " * 200,
            "metadata": {"a": "b"},
            "reasoning": {"effort": "low"},
            "text": {"verbosity": "low"},
            "temperature": 1.0,
            "top_p": 0.5,
            "max_output_tokens": 900,
            "user": "u",
        },
    ],
    ids=["least", "tools", "most"],
)
def test_a_response_of_texts_is_found_as_it_was_answered(house: House, stream: bool, given: dict[str, Any]) -> None:
    script(house, {"text": "Hm."})
    got = house.ask(stream=stream, **given)
    found = house.call("GET", f"/v1/responses/{got['id']}").json()
    assert found == got and [each["content"][0]["text"] for each in found["output"]] == ["Hm."]
    check_answer("GET", f"/responses/{got['id']}", 200, found)
    listed = house.items(got["id"])["data"]
    whole = given["input"] if isinstance(given["input"], list) else [{"role": "user"}]
    assert [each["role"] for each in listed] == [each["role"] for each in whole]
    assert house.rows(f"SELECT count(*) FROM reply_items WHERE holder = '{got['id']}'") == [(0,)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_what_is_sealed_is_found_as_it_was_told(house: House, stream: bool, background: bool) -> None:
    """In every event as well."""
    given: dict[str, Any] = {"input": "Hello", "tools": [WEATHER], "include": ["reasoning.encrypted_content"]}
    said = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hm."}, LOOKED]}, "finishReason": "STOP"}]}
    house.sandbox.control("scripts", {"chunks": [said]} if stream else {"response": said})
    got = house.call("POST", "/v1/responses", {"model": MODEL, **given, "stream": stream, "background": background})
    told = read_events(got.body) if stream else []
    response = told[-1]["response"] if stream else got.json()
    while response["status"] in ("queued", "in_progress"):
        response = house.call("GET", f"/v1/responses/{response['id']}").json()
    found = house.call("GET", f"/v1/responses/{response['id']}").json()
    assert found == response and found["output"][1]["encrypted_content"]
    done = [each["item"] for each in told if each["type"] == "response.output_item.done"]
    assert not stream or done == found["output"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_shall_not_be_stored_leaves_nothing(house: House, stream: bool) -> None:
    tables = ("replies", "reply_items", "reply_files", "signatures", "files")
    before = [house.rows(f"SELECT count(*) FROM {table}") for table in tables]
    script(house, LOOKED)
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    got = house.ask(stream=stream, input=[user(picture)], tools=[WEATHER], store=False)
    assert [house.rows(f"SELECT count(*) FROM {table}") for table in tables] == before
    assert house.call("GET", f"/v1/responses/{got['id']}").status == 404
    assert house.refusal(400, input="x", previous_response_id=got["id"])["code"] == "previous_response_not_found"


def test_what_is_answered_with_an_error_is_not_stored(house: House) -> None:
    [before] = house.rows("SELECT count(*) FROM replies")
    script_failure(house, stream=False)
    got = house.call("POST", "/v1/responses", {"model": MODEL, "input": "x"})
    assert got.status == 502
    script_failure(house, stream=True)
    last = read_events(house.call("POST", "/v1/responses", {"model": MODEL, "input": "x", "stream": True}).body)[-1]
    assert last["type"] == "response.failed"
    assert house.rows("SELECT count(*) FROM replies") == [before]
    assert house.call("GET", f"/v1/responses/{last['response']['id']}").status == 404


def test_an_incomplete_response_is_stored_and_gone_on_from(house: House) -> None:
    script(house, {"text": "I was"}, reason="MAX_TOKENS")
    cut = house.ask(input="Tell me")
    assert cut["status"] == "incomplete"
    assert house.call("GET", f"/v1/responses/{cut['id']}").json() == cut
    house.ask(input="Go on", previous_response_id=cut["id"])
    assert [each["parts"] for each in house.contents()] == [
        [{"text": "Tell me"}],
        [{"text": "I was"}],
        [{"text": "Go on"}],
    ]


# ── chains ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_a_chain_has_all_turns_and_nothing_else_of_them(house: House, stream: bool) -> None:
    last: dict[str, Any] = {}
    for turn in range(4):
        script(house, {"text": f"answer {turn}"})
        more = {"previous_response_id": last["id"]} if last else {"instructions": "Be brief.", "tools": [WEATHER]}
        last = house.ask(stream=stream, input=f"question {turn}", **more)
    body = sent(house.sandbox)
    texts = [(each["role"], each["parts"][0]["text"]) for each in body["contents"]]
    words = (("user", "question"), ("model", "answer"))
    wanted = [(role, f"{word} {turn}") for turn in range(4) for role, word in words]
    assert texts == wanted[:-1]
    assert "systemInstruction" not in body and "tools" not in body
    assert house.rows(f"SELECT count(*) FROM reply_items WHERE holder = '{last['id']}'") == [(0,)]
    [(given, body)] = house.rows(f"SELECT given, body FROM replies WHERE id = '{last['id']}'")
    assert re.findall(rb"question \d", bytes(given)) == [b"question 3"]
    assert re.findall(rb"(?:question|answer) \d", bytes(body)) == [b"answer 3"]


def test_several_responses_go_on_from_one(house: House) -> None:
    script(house, {"text": "root"})
    root = house.ask(input="begin")
    for branch in ("left", "right"):
        script(house, {"text": branch})
        child = house.ask(input=f"to the {branch}", previous_response_id=root["id"])
        house.ask(input="and?", previous_response_id=child["id"])
        assert [each["parts"][0]["text"] for each in house.contents()] == [
            "begin", "root", f"to the {branch}", branch, "and?",
        ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_answered_in_the_next_turn_with_its_signature(house: House, stream: bool) -> None:
    script(house, LOOKED)
    asked = house.ask(stream=stream, input="Weather?", tools=[WEATHER])
    [called] = asked["output"]
    result = {"type": "function_call_output", "call_id": called["call_id"], "output": "dry"}
    house.ask(stream=stream, input=[result], tools=[WEATHER], previous_response_id=asked["id"])
    contents = house.contents()
    assert called_with_its_signature(contents[1])
    assert contents[2]["parts"][0]["functionResponse"]["response"] == {"output": "dry"}


def called_with_its_signature(content: dict[str, Any]) -> bool:
    [part] = content["parts"]
    return bool(part["thoughtSignature"] == SIGNATURE and part["functionCall"]["name"] == "weather")


def test_signatures_come_with_the_items_when_their_own_rows_are_gone(house: House) -> None:
    """After 30 days those of calls are swept by themselves; a chain that goes on has them in its items."""
    script(house, LOOKED)
    asked = house.ask(input="Weather?", tools=[WEATHER])
    [called] = asked["output"]
    rows = house.rows(f"SELECT signature FROM reply_items WHERE holder = '{asked['id']}' AND given = 0")
    assert [json.loads(bytes(row[0]))["signature"] for row in rows] == [SIGNATURE]
    by_reference = [
        {"role": "user", "content": "Weather?"},
        {"type": "item_reference", "id": called["id"]},
        {"type": "function_call_output", "call_id": called["id"], "output": "dry"},
    ]
    house.ask(input=by_reference, tools=[WEATHER])
    assert called_with_its_signature(house.contents()[1])


def test_an_empty_input_goes_on_from_the_turn_before(house: House) -> None:
    script(house, {"text": "Hm"})
    first = house.ask(input="Hello")
    house.ask(input=[], previous_response_id=first["id"])
    assert [each["role"] for each in house.contents()][:2] == ["user", "model"]


@pytest.mark.parametrize("name", ["resp_none", "resp_" + "a" * 24, "x" * 300, "resp_\x00", "", "file-x"])
def test_what_is_not_there_is_not_gone_on_from(house: House, name: str) -> None:
    error = house.refusal(400, input="x", previous_response_id=name)
    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
    message = house.refusal(404, input="x", conversation="conv_" + name)["message"]
    assert message.startswith("Conversation with id 'conv_")


def test_two_ways_to_go_on_exclude_each_other(house: House) -> None:
    error = house.refusal(400, input="x", previous_response_id="resp_1", conversation="conv_1")
    assert error["code"] == "mutually_exclusive_parameters"
    assert house.refusal(400, input="x", previous_response_id=7)["param"] == "previous_response_id"
    assert house.refusal(400, input="x", conversation=7)["param"] == "conversation"
    assert house.refusal(400, input="x", conversation={})["param"] == "conversation.id"


# ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_response_is_gone_at_once_and_for_those_that_need_it(house: House) -> None:
    script(house, {"text": "a secret"})
    first = house.ask(input="tell me a secret")
    second = house.ask(input="another", previous_response_id=first["id"])
    third = house.ask(input="another", previous_response_id=second["id"])
    got = house.call("DELETE", f"/v1/responses/{first['id']}")
    assert (got.status, got.json()) == (200, {"id": first["id"], "object": "response", "deleted": True})
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")):
        gone = house.call(method, f"/v1/responses/{first['id']}{path}")
        assert (gone.status, gone.json()["error"]["message"]) == (404, f"Response with id '{first['id']}' not found.")
    for child in (second, third):
        assert house.call("GET", f"/v1/responses/{child['id']}").json() == child
        error = house.refusal(400, input="x", previous_response_id=child["id"])
        assert error["code"] == "previous_response_not_found"
    held = house.rows(f"SELECT count(*) FROM reply_items WHERE holder = '{first['id']}'")
    assert held == [(0,)]
    item = {"type": "item_reference", "id": first["output"][0]["id"]}
    assert house.refusal(404, input=[item])["message"].startswith("Item with id")


def test_what_is_stored_counts_for_the_owner_until_it_is_deleted(house: House) -> None:
    def used() -> int:
        rows = house.rows("SELECT bytes FROM reply_usage WHERE owner = 'bob'")
        return int(rows[0][0]) if rows else 0

    before = used()
    kept = [house.ask(key="bob", input="x" * 1000) for _ in range(3)]
    assert used() - before > 3000
    for each in kept:
        assert house.call("DELETE", f"/v1/responses/{each['id']}", key="bob").status == 200
    assert used() == before


# ── files and media ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_goes_along_in_each_turn_and_is_a_text_once_it_is_deleted(house: House) -> None:
    file_id = upload(house, b"hello from a file")
    script(house, {"text": "A file."})
    part = {"type": "input_file", "file_id": file_id}
    first = house.ask(input=[user(part, {"type": "input_text", "text": "What is it?"})])
    house.ask(input="And?", previous_response_id=first["id"])
    assert "fileData" in house.contents()[0]["parts"][0]
    assert house.items(first["id"])["data"][0]["content"][0]["file_id"] == file_id
    assert house.call("DELETE", f"/v1/files/{file_id}").status == 200
    house.ask(input="And?", previous_response_id=first["id"])
    assert house.contents()[0]["parts"][0] == {"text": f"[The file {file_id} was deleted.]"}
    error = house.refusal(404, input=[user(part)])
    assert error["param"] == "input[0].content[0].file_id"


def test_a_deleted_file_in_a_tools_result_is_a_text_too(house: House) -> None:
    file_id = upload(house, b"a result")
    script(house, LOOKED)
    asked = house.ask(input="Weather?", tools=[WEATHER])
    output = [{"type": "input_text", "text": "see"}, {"type": "input_file", "file_id": file_id}]
    result = {"type": "function_call_output", "call_id": asked["output"][0]["call_id"], "output": output}
    script(house, {"text": "dry"})
    second = house.ask(input=[result], tools=[WEATHER], previous_response_id=asked["id"])
    assert house.call("DELETE", f"/v1/files/{file_id}").status == 200
    house.ask(input="And?", previous_response_id=second["id"], tools=[WEATHER])
    [answered] = [p for each in house.contents() for p in each["parts"] if "functionResponse" in p]
    assert f"[The file {file_id} was deleted.]" in json.dumps(answered)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"}, "image/png"),
        ({"type": "input_file", "file_data": f"data:image/png;base64,{PNG}", "filename": "a.png"}, "image/png"),
        ({"type": "input_file", "filename": "b.txt", "file_data": TEXT}, "text/plain"),
    ],
)
def test_data_is_kept_as_a_file_that_goes_with_its_response(house: House, part: dict[str, Any], kind: str) -> None:
    script(house, {"text": "I see."})
    first = house.ask(input=[user(part)])
    [shown] = house.items(first["id"])["data"][0]["content"]
    assert shown["type"] == part["type"] and "file_data" not in shown and "image_url" not in shown
    asked = house.items(first["id"], "include[]=message.input_image.image_url")["data"][0]["content"]
    assert asked == ([part] if kind == "image/png" and part["type"] == "input_image" else [shown])
    rows = house.rows(f"SELECT item FROM reply_items WHERE holder = '{first['id']}'")
    assert not any(b"base64" in bytes(row[0]) for row in rows)
    content = house.call("GET", f"/v1/files/{shown['file_id']}/content")
    assert content.status == 200 and content.body in (base64.b64decode(PNG), b"a text of mine")
    for listing in ("/v1/files", "/liftgate/files"):
        assert shown["file_id"] not in [each["id"] for each in house.call("GET", listing).json()["data"]]
    second = house.ask(input="And?", previous_response_id=first["id"])
    assert house.contents()[0]["parts"][0]["fileData"]["mimeType"] == kind
    again = house.ask(input=[user(part)])
    assert house.items(again["id"])["data"][0]["content"][0]["file_id"] == shown["file_id"]
    for each, status in ((first, 200), (again, 404)):
        assert house.call("DELETE", f"/v1/responses/{each['id']}").status == 200
        assert house.call("GET", f"/v1/files/{shown['file_id']}").status == status
    assert house.call("GET", f"/v1/responses/{second['id']}").json() == second


def test_images_of_an_answer_are_kept_out_of_line_and_shown_whole(house: House) -> None:
    script(house, {"text": "Look:"}, {"inlineData": {"mimeType": "image/png", "data": PNG}})
    got = house.ask(input="Draw")
    [picture] = [item for item in got["output"] if item["type"] == "image_generation_call"]
    assert picture["result"] == PNG
    rows = house.rows(f"SELECT item FROM reply_items WHERE holder = '{got['id']}'")
    assert not any(PNG.encode() in bytes(row[0]) for row in rows)
    assert house.call("GET", f"/v1/responses/{got['id']}").json() == got
    house.ask(input="Bigger", previous_response_id=got["id"])
    assert house.contents()[1]["parts"][1]["inlineData"]["data"] == PNG
    file_id = house.rows(f"SELECT file_id FROM reply_files WHERE holder = '{got['id']}'")[0][0]
    assert house.call("DELETE", f"/v1/files/{file_id}").status == 200
    shown = house.call("GET", f"/v1/responses/{got['id']}").json()
    assert [item["result"] for item in shown["output"] if item["type"] == "image_generation_call"] == [None]


def upload(house: House, content: bytes) -> str:
    with client_for(house.url) as client:
        return client.files.create(file=("a.txt", content), purpose="user_data").id


# ── items ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_items_have_ids_and_are_listed_in_pages(house: House) -> None:
    script(house, {"text": "one"})
    first = house.ask(input=[{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "a"}])
    script(house, {"text": "two"})
    spoken = [{"role": role, "content": text} for role, text in (("user", "b"), ("assistant", "c"), ("user", "d"))]
    second = house.ask(input=spoken, previous_response_id=first["id"])
    listed = house.items(second["id"])
    ids = [item["id"] for item in listed["data"]]
    texts = [item["content"][0]["text"] for item in listed["data"]]
    assert texts == ["Be kind.", "a", "one", "b", "c", "d"] and len(set(ids)) == 6
    assert [item["role"] for item in listed["data"]] == ["developer", "user", "assistant", "user", "assistant", "user"]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (ids[0], ids[-1], False)
    assert ids[2] == first["output"][0]["id"]
    assert [item["id"] for item in house.items(second["id"], "")["data"]] == ids[::-1]
    for order, wanted in (("asc", ids), ("desc", ids[::-1])):
        found: list[str] = []
        after = ""
        while True:
            page = house.items(second["id"], f"order={order}&limit=2{after}")
            found += [item["id"] for item in page["data"]]
            if not page["has_more"]:
                break
            after = f"&after={page['last_id']}"
        assert found == wanted
    assert [item["id"] for item in house.items(first["id"])["data"]] == ids[:2]
    # The same over the official client, which asks for page after page.
    with client_for(house.url) as client:
        assert [item.id for item in client.responses.input_items.list(second["id"], order="asc", limit=2)] == ids


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"),
        ("after=msg_none", "after"), ("include[]=soup", "include[0]"), ("soup=1", "soup"),
        ("include[]=reasoning.encrypted_content", "include[0]"),
    ],
)  # fmt: skip
def test_a_wrong_page_is_refused_by_name(house: House, query: str, param: str) -> None:
    got = house.ask(input="x")
    refused = house.call("GET", f"/v1/responses/{got['id']}/input_items?{query}")
    assert refused.status in (400, 404) and refused.json()["error"]["param"] == param


def test_items_are_named_instead_of_repeated(house: House) -> None:
    """As the AI SDK does: everything that the model said by reference, what the user said in full."""
    script(house, {"text": "Ulm"})
    first = house.ask(input="A city?")
    ref = first["output"][0]["id"]
    for reference in ({"type": "item_reference", "id": ref}, {"id": ref}, {"type": None, "id": ref}):
        script(house, {"text": "Jena"})
        second = house.ask(input=[user({"type": "input_text", "text": "A city?"}), reference, user_text("Another?")])
        assert [each["parts"][0]["text"] for each in house.contents()] == ["A city?", "Ulm", "Another?"]
        assert [item["id"] for item in house.items(second["id"])["data"]][1] == ref
    unstored = house.ask(input=[{"id": ref}, user_text("?")], store=False)
    assert house.call("GET", f"/v1/responses/{unstored['id']}").status == 404
    counted = house.call("POST", "/v1/responses/input_tokens", {"model": MODEL, "input": [{"id": ref}, user_text("?")]})
    assert counted.status == 200
    asked = house.items(second["id"])["data"][0]["id"]
    house.ask(input=[{"id": asked}])
    assert house.contents() == [{"role": "user", "parts": [{"text": "A city?"}]}]
    assert house.refusal(404, input=[{"type": "item_reference", "id": "msg_none"}])["param"] == "input"


def user_text(text: str) -> dict[str, Any]:
    return user({"type": "input_text", "text": text})


def test_tokens_are_counted_with_the_turns_before(house: House) -> None:
    first = house.ask(input="word " * 500)
    alone, whole = (
        house.call("POST", "/v1/responses/input_tokens", {"model": MODEL, "input": "x", **more}).json()["input_tokens"]
        for more in ({}, {"previous_response_id": first["id"]})
    )
    assert whole > alone + 500


# ── other requests of a response ─────────────────────────────────────────────────────────────────────────────────────


def test_a_response_of_the_foreground_is_neither_cancelled_nor_streamed_again(house: House) -> None:
    got = house.ask(input="x")
    refused = house.call("POST", f"/v1/responses/{got['id']}/cancel")
    assert (refused.status, refused.json()["error"]["message"]) == (400, "Cannot cancel a synchronous response.")
    refused = house.call("GET", f"/v1/responses/{got['id']}?stream=true&starting_after=1")
    assert (refused.status, refused.json()["error"]["param"]) == (400, "stream")
    assert house.call("GET", f"/v1/responses/{got['id']}?stream=false&include[]=file_search_call.results").status == 200


def test_a_stream_whose_reader_left_is_finished_and_kept(house: House) -> None:
    address = urlsplit(house.url)
    body = json.dumps({"model": MODEL, "input": "x " * 2000, "stream": True}).encode()
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        head = "POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-ann\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        got = b""
        while (told := re.search(rb'"id":"(resp_[a-z0-9]+)"', got)) is None:
            got += connection.recv(200)
        response_id = told[1].decode()
    for _ in range(600):
        if house.call("GET", f"/v1/responses/{response_id}").status == 200:
            break
        time.sleep(0.05)
    found = house.call("GET", f"/v1/responses/{response_id}").json()
    assert found["status"] == "completed" and found["output"][0]["content"][0]["text"]


def test_the_official_client_goes_on_from_asks_for_and_deletes_responses(house: House) -> None:
    with client_for(house.url) as client:
        first = client.responses.create(model=MODEL, input="Hello")
        second = client.responses.create(model=MODEL, input="And?", previous_response_id=first.id)
        assert second.previous_response_id == first.id
        found = client.responses.retrieve(second.id, include=["file_search_call.results"])
        assert found.output_text == second.output_text
        with client.responses.stream(model=MODEL, input="And?", previous_response_id=second.id) as events:
            last = events.get_final_response()
        assert client.responses.retrieve(last.id).output_text == last.output_text
        client.responses.delete(second.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(second.id)
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model=MODEL, input="And?", previous_response_id=last.id)
        assert refused.value.code == "previous_response_not_found"


def test_another_owner_finds_nothing(house: House) -> None:
    script(house, LOOKED)
    hers = house.ask(input="Weather?", tools=[WEATHER])
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    with_file = house.ask(input=[user(picture)])
    item, file_id = hers["output"][0]["id"], house.items(with_file["id"])["data"][0]["content"][0]["file_id"]
    never, no_item = "resp_" + "q" * 24, "fc_" + "q" * 24

    def answers(response_id: str, item_id: str) -> list[tuple[int, str]]:
        asked = [
            house.call("GET", f"/v1/responses/{response_id}", key="bob"),
            house.call("GET", f"/v1/responses/{response_id}?stream=true", key="bob"),
            house.call("HEAD", f"/v1/responses/{response_id}", key="bob"),
            house.call("DELETE", f"/v1/responses/{response_id}", key="bob"),
            house.call("POST", f"/v1/responses/{response_id}/cancel", key="bob"),
            house.call("GET", f"/v1/responses/{response_id}/input_items", key="bob"),
            house.call("GET", f"/v1/responses/{response_id}/input_items?after={item_id}", key="bob"),
            *(
                house.call("POST", path, {"model": MODEL, "input": "x", **more, "stream": stream}, key="bob")
                for path in ("/v1/responses", "/v1/responses/input_tokens")
                for stream in (False, True)
                for more in ({"previous_response_id": response_id}, {"input": [{"id": item_id}]})
            ),
        ]
        return [(each.status, each.body.decode().replace(response_id, "…").replace(item_id, "…")) for each in asked]

    assert answers(hers["id"], item) == answers(never, no_item)
    assert {status for status, _ in answers(never, no_item)} <= {400, 404}
    assert house.call("GET", f"/v1/files/{file_id}", key="bob").status == 404
    mine = house.ask(key="bob", input=[user(picture)])
    held = house.rows(f"SELECT file_id FROM reply_files WHERE holder = '{mine['id']}'")
    assert held != [(file_id,)]
    assert house.call("GET", f"/v1/responses/{hers['id']}").json() == hers


def test_nothing_is_stored_beyond_the_owners_quota(database_url: str, sandbox: SandboxServer, tmp_path: Path) -> None:
    """What is stored is refused before a model is asked; what is not stored needs no room."""
    storage = StorageSettings(data_dir=tmp_path / "data", database_url=database_url)
    limits = LimitSettings(owner_max_bytes=20_000)
    with gateway_server(settings_for(sandbox, tmp_path / "data", storage=storage, limits=limits)) as url:
        house = House(url, sandbox, database_url)
        kept = house.ask(input="x" * 21_000)
        before = sandbox.stats()["operations"]
        for stream in (False, True):
            refused = house.call("POST", "/v1/responses", {"model": MODEL, "input": "x", "stream": stream})
            error = refused.json()["error"]
            assert (refused.status, error["code"], error["param"]) == (413, "storage_quota_exceeded", "store")
        with client_for(url) as client, pytest.raises(openai.APIStatusError) as full:
            client.files.create(file=("a.txt", b"more"), purpose="user_data")
        assert full.value.code == "storage_quota_exceeded"
        assert sandbox.stats()["operations"] == before
        house.ask(input="x", previous_response_id=kept["id"], store=False)
        house.ask(key="bob", input="x")
        assert house.call("DELETE", f"/v1/responses/{kept['id']}").status == 200
        house.ask(input="x")


def test_turns_before_that_are_too_large_are_refused_with_the_bound(sandbox: SandboxServer, tmp_path: Path) -> None:
    limits = LimitSettings(max_body_bytes=30_000)
    with gateway_server(settings_for(sandbox, tmp_path, limits=limits)) as url:
        house = House(url, sandbox, "")
        first = house.ask(input="x" * 8_000)
        second = house.ask(input="y" * 8_000, previous_response_id=first["id"])
        error = house.refusal(400, input="z", previous_response_id=second["id"])
        assert (error["code"], error["param"]) == ("history_too_long", "previous_response_id")
        assert "30000 bytes" in error["message"]


CODE = [
    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
    {"text": "One."},
]
FOUND = {
    "webSearchQueries": ["who"],
    "groundingChunks": [{"web": {"uri": "https://a.example/", "title": "A"}}],
    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 3, "text": "One"}, "groundingChunkIndices": [0]}],
}
STEP = [
    {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "t", "args": {"queries": ["who"]}}},
    {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "id": "t", "response": {}}},
    {"text": "One."},
]
PASSAGE = {"groundingChunks": [{"retrievedContext": {"title": "a.pdf", "text": "One is a number."}}]}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("include", "parts", "grounding"),
    [
        ("code_interpreter_call.outputs", CODE, None),
        ("web_search_call.action.sources", CODE[2:], FOUND),
        ("web_search_call.action.sources", STEP, FOUND),
        ("file_search_call.results", CODE[2:], PASSAGE),
    ],
)
def test_what_a_request_did_not_ask_to_see_is_shown_where_it_is_retrieved(
    house: House, include: str, parts: list[Any], grounding: Any, stream: bool
) -> None:
    said = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    if grounding is not None:
        said["groundingMetadata"] = grounding
    house.sandbox.control("scripts", {"response": {"candidates": [said]}, "times": 2})
    tools = [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    plain, asked = (house.ask(input="x", tools=tools, stream=stream, include=each) for each in ([], [include]))
    path = f"/v1/responses/{plain['id']}"
    assert house.call("GET", path).json() == plain

    def shown(response: dict[str, Any]) -> list[Any]:
        return [{key: each for key, each in item.items() if key[-2:] != "id"} for item in response["output"]]

    got = house.call("GET", f"{path}?include[]={include}").json()
    check_answer("GET", f"/responses/{plain['id']}", 200, got)
    assert shown(got) == shown(asked) != shown(plain)
    assert house.call("GET", path).json() == plain
