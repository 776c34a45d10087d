"""Conversations over the wire: their items, turns that go on from them, and their end; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from gateways import MODEL, client_for
from openai_schema import check_answer
from responses_rig import read_events, user
from stored_house import House, script, script_failure

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WEATHER: dict[str, Any] = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
LOOKED = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "c2lnbmF0dXJl"}


def asked(house: House, method: str, path: str, body: object = None, *, status: int = 200) -> dict[str, Any]:
    """The JSON of a request below /conversations, valid by OpenAI's schema."""
    got = house.call(method, f"/v1/conversations{path}", body)
    assert got.status == status, got.body
    check_answer(method, f"/conversations{path.partition('?')[0]}", status, got.json())
    found: dict[str, Any] = got.json()
    return found


def begun(house: House, *items: dict[str, Any]) -> str:
    conversation_id: str = asked(house, "POST", "", {"items": list(items)})["id"]
    return conversation_id


def texts(house: House, conversation_id: str) -> list[str]:
    listed = asked(house, "GET", f"/{conversation_id}/items?order=asc&limit=100")
    said = [item["content"][0] if item["type"] == "message" else item for item in listed["data"]]
    return [each.get("text", each["type"]) for each in said]


def says(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


def test_a_conversation_is_made_changed_and_deleted(house: House) -> None:
    for body in ({}, None, {"metadata": None, "items": None}):
        assert asked(house, "POST", "", body)["metadata"] == {}
    made = asked(house, "POST", "", {"metadata": {"a": "b"}, "items": [says("hello")]})
    assert made["id"].startswith("conv_") and made["metadata"] == {"a": "b"}
    assert asked(house, "GET", f"/{made['id']}") == made
    changed = asked(house, "POST", f"/{made['id']}", {"metadata": {"c": "d"}})
    assert changed == {**made, "metadata": {"c": "d"}} == asked(house, "GET", f"/{made['id']}")
    assert texts(house, made["id"]) == ["hello"]
    assert asked(house, "DELETE", f"/{made['id']}") == {
        "id": made["id"], "object": "conversation.deleted", "deleted": True,
    }  # fmt: skip
    for method, path, sent in (
        ("GET", "", None), ("DELETE", "", None), ("POST", "", {"metadata": {}}), ("GET", "/items", None),
        ("POST", "/items", {"items": [says("x")]}), ("GET", "/items/msg_1", None), ("DELETE", "/items/msg_1", None),
    ):  # fmt: skip
        error = asked(house, method, f"/{made['id']}{path}", sent, status=404)["error"]
        assert error["message"] == f"Conversation with id '{made['id']}' not found."
    assert house.refusal(404, input="x", conversation=made["id"])["message"].startswith("Conversation with id")


@pytest.mark.parametrize("stream", [False, True])
def test_turns_are_added_whole_and_go_on_from_all_before(house: House, stream: bool) -> None:
    conversation = begun(house, says("Be kind.", "developer"), says("My name is Ann."))
    for turn, named in enumerate((conversation, {"id": conversation})):
        script(house, {"text": f"answer {turn}"})
        got = house.ask(stream=stream, input=f"question {turn}", conversation=named)
        assert got["conversation"] == {"id": conversation} and got["previous_response_id"] is None
        assert house.call("GET", f"/v1/responses/{got['id']}").json() == got
    sent = house.contents()
    assert [part["text"] for each in sent for part in each["parts"]] == [
        "My name is Ann.", "question 0", "answer 0", "question 1",
    ]  # fmt: skip
    wanted = ["Be kind.", "My name is Ann.", "question 0", "answer 0", "question 1", "answer 1"]
    assert texts(house, conversation) == wanted
    ids = [item["id"] for item in asked(house, "GET", f"/{conversation}/items?order=asc")["data"]]
    assert ids[-1] == got["output"][0]["id"] and len(set(ids)) == 6


def test_a_failed_turn_leaves_a_conversation_as_it_was_and_an_incomplete_one_is_added(house: House) -> None:
    conversation = begun(house, says("begin"))
    for stream in (False, True):
        script_failure(house, stream=stream)
        failed = house.call(
            "POST", "/v1/responses", {"model": MODEL, "input": "x", "conversation": conversation, "stream": stream}
        )
        assert failed.status == (200 if stream else 502)
    assert read_events(failed.body)[-1]["type"] == "response.failed"
    refused = house.call("POST", "/v1/responses", {"model": MODEL, "input": [{}], "conversation": conversation})
    assert refused.status == 400 and texts(house, conversation) == ["begin"]
    script(house, {"text": "I was"}, reason="MAX_TOKENS")
    assert house.ask(input="go", conversation=conversation)["status"] == "incomplete"
    assert texts(house, conversation) == ["begin", "go", "I was"]


def test_what_shall_not_be_stored_reads_a_conversation_and_adds_nothing(house: House) -> None:
    conversation = begun(house, says("begin"))
    got = house.ask(input="x", conversation=conversation, store=False)
    assert len(house.contents()[0]["parts"]) == 2 or len(house.contents()) == 2
    assert texts(house, conversation) == ["begin"]
    assert house.call("GET", f"/v1/responses/{got['id']}").status == 404


def test_a_call_and_then_only_its_result(house: House) -> None:
    conversation = begun(house)
    script(house, LOOKED)
    called = house.ask(input="Weather?", tools=[WEATHER], conversation=conversation)["output"][0]
    result = {"type": "function_call_output", "call_id": called["call_id"], "output": "dry"}
    house.ask(input=[result], tools=[WEATHER], conversation=conversation)
    contents = house.contents()
    assert contents[1]["parts"][0]["thoughtSignature"] == LOOKED["thoughtSignature"]
    assert contents[2]["parts"][0]["functionResponse"]["response"] == {"output": "dry"}


def test_two_turns_at_once_are_both_added_whole_and_in_the_order_of_their_ends(house: House) -> None:
    conversation = begun(house, says("begin"))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: house.ask(input=f"turn {n}", conversation=conversation), range(8)))
    listed = asked(house, "GET", f"/{conversation}/items?order=asc&limit=100")["data"]
    pairs = [(listed[at], listed[at + 1]) for at in range(1, len(listed), 2)]
    answers = {each["output"][0]["id"]: each for each in made}
    assert len(pairs) == 8 and {answer["id"] for _, answer in pairs} == answers.keys()
    for question, answer in pairs:
        assert question["content"][0]["text"] in answers[answer["id"]]["output"][0]["content"][0]["text"]


def test_a_turn_between_a_call_and_its_result_parts_them_for_nobody(house: House) -> None:
    """Two turns ran at once: one ended with a call, and the other was added behind it."""
    conversation = begun(house)
    script(house, LOOKED)
    called = house.ask(input="Weather?", tools=[WEATHER], conversation=conversation)["output"][0]
    asked(house, "POST", f"/{conversation}/items", {"items": [says("Hello"), says("Hi", "assistant")]})
    result = {"type": "function_call_output", "call_id": called["call_id"], "output": "dry"}
    script(house, {"text": "It is dry."})
    house.ask(input=[result], tools=[WEATHER], conversation=conversation)
    house.ask(input="Thanks", tools=[WEATHER], conversation=conversation)
    kinds = [next(iter(part)) for each in house.contents() for part in each["parts"]]
    assert kinds == ["text", "functionCall", "functionResponse", "text", "text", "text", "text"]


def test_a_response_of_a_conversation_is_gone_on_from_without_it(house: House) -> None:
    conversation = begun(house, says("begin"))
    script(house, {"text": "one"})
    first = house.ask(input="a", conversation=conversation)
    house.ask(input="b", conversation=conversation)
    script(house, {"text": "two"})
    second = house.ask(input="c", previous_response_id=first["id"])
    assert second.get("conversation") is None
    house.ask(input="d", previous_response_id=second["id"])
    assert [part["text"] for each in house.contents() for part in each["parts"]] == [
        "begin", "a", "one", "c", "two", "d",
    ]  # fmt: skip
    assert len(texts(house, conversation)) == 5
    asked(house, "DELETE", f"/{conversation}")
    for each in (first, second):
        error = house.refusal(400, input="x", previous_response_id=each["id"])
        assert error["code"] == "previous_response_not_found"


def test_items_are_added_found_listed_and_removed(house: House) -> None:
    conversation = begun(house)
    added = asked(house, "POST", f"/{conversation}/items", {"items": [says(str(n)) for n in range(20)]})
    ids = [item["id"] for item in added["data"]]
    assert len(set(ids)) == 20 and added["data"][0]["status"] == "completed" and added["has_more"] is False
    asked(house, "POST", f"/{conversation}/items", {"items": [says("last", "assistant")]})
    found = asked(house, "GET", f"/{conversation}/items/{ids[3]}")
    assert found == added["data"][3]
    newest = asked(house, "GET", f"/{conversation}/items?limit=1&order=desc")
    assert newest["data"][0]["content"][0]["text"] == "last" and newest["has_more"] is True
    page = asked(house, "GET", f"/{conversation}/items?order=asc")
    assert [item["id"] for item in page["data"]] == ids and page["has_more"] is True
    rest = asked(house, "GET", f"/{conversation}/items?order=asc&after={page['last_id']}")
    assert len(rest["data"]) == 1 and rest["has_more"] is False
    left = asked(house, "DELETE", f"/{conversation}/items/{ids[3]}")
    assert left == asked(house, "GET", f"/{conversation}")
    assert "3" not in texts(house, conversation)
    for method in ("GET", "DELETE"):
        error = asked(house, method, f"/{conversation}/items/{ids[3]}", status=404)["error"]
        assert error["message"] == f"Item with id '{ids[3]}' not found."
    other = begun(house, says("x"))
    asked(house, "GET", f"/{other}/items/{ids[4]}", status=404)
    assert asked(house, "GET", f"/{other}/items?after={ids[4]}", status=404)["error"]["param"] == "after"
    with client_for(house.url) as client:
        items = client.conversations.items.list(conversation, order="asc", limit=7)
        assert [item.id for item in items][:3] == ids[:3] and len(list(items)) == 20


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "soup"}, "items[1].type"),
        ({"role": "user"}, "items[1].content"),
        ({"role": "king", "content": "x"}, "items[1].role"),
        ({"role": "user", "content": [{"type": "soup"}]}, "items[1].content[0].type"),
        ({"role": "user", "content": [{"type": "input_file", "file_data": "!"}]}, "items[1].content[0].file_data"),
        ({"role": "user", "content": "x", "bogus": 1}, "items[1].bogus"),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": 7}, "items[1].arguments"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "items[1].call_id"),
        ({"type": "function_call_output", "call_id": "c"}, "items[1].output"),
        ({"type": "compaction", "encrypted_content": "x"}, "items[1].encrypted_content"),
        ({"type": "local_shell_call"}, "items[1].type"),
        ("text", "items[1]"),
    ],
)
def test_what_no_input_may_have_is_refused_by_name(house: House, item: object, param: str) -> None:
    conversation = begun(house)
    for path, body in (
        (f"/{conversation}/items", {"items": [says("x"), item]}),
        ("", {"items": [says("x"), item]}),
    ):
        assert asked(house, "POST", path, body, status=400)["error"]["param"] == param
    assert texts(house, conversation) == []


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("", {"items": [says("x")] * 21}, "items"), ("", {"items": "x"}, "items"), ("", {"soup": 1}, "soup"),
        ("", {"metadata": {str(n): "" for n in range(17)}}, "metadata"), ("", {"metadata": {"a": 1}}, "metadata.a"),
        ("/{}/items", {}, "items"), ("/{}/items", {"items": [says("x")] * 21}, "items"), ("/{}", {}, "metadata"),
        ("/{}", {"metadata": {"a": "b" * 513}}, "metadata"), ("/{}", {"metadata": {}, "items": []}, "items"),
        ("", {"metadata": []}, "metadata"), ("", {"metadata": ""}, "metadata"), ("", {"items": False}, "items"),
        ("", {"items": {}}, "items"), ("/{}", {"metadata": []}, "metadata"), ("/{}", {"metadata": 0}, "metadata"),
        ("/{}/items", {"items": 0}, "items"),
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_by_name(house: House, path: str, body: dict[str, Any], param: str) -> None:
    path = path.replace("{}", begun(house))
    assert asked(house, "POST", path, body, status=400)["error"]["param"] == param


@pytest.mark.parametrize("item", [
    {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "x"},
    {"type": "custom_tool_call", "call_id": "call_1", "name": "f", "input": "x"},
    {"type": "custom_tool_call_output", "call_id": "call_1", "output": "x"},
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": []}]},
    {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "https://x.example/a.png"}]},
])  # fmt: skip
def test_items_of_every_kind_are_kept(house: House, item: dict[str, Any]) -> None:
    conversation = begun(house, item)
    [kept] = asked(house, "GET", f"/{conversation}/items")["data"]
    assert kept["type"] == item.get("type", "message") and kept["id"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_who_removes_items_while_paging_through_them_comes_to_the_end(house: House, order: Any) -> None:
    conversation_id = begun(house, *(says(str(number)) for number in range(7)))
    with client_for(house.url) as client:
        items = client.conversations.items
        for each in items.list(conversation_id, limit=2, order=order):
            items.delete(each.id or "", conversation_id=conversation_id)
    assert texts(house, conversation_id) == []
    # What never stood in it is no place, nor what stood in another.
    other = begun(house, says("other"))
    [stays] = asked(house, "GET", f"/{other}/items")["data"]
    for after in (stays["id"], "msg_nope"):
        asked(house, "GET", f"/{conversation_id}/items?after={after}", status=404)
    asked(house, "DELETE", f"/{conversation_id}")
    assert house.rows(f"SELECT id FROM removed_items WHERE conversation_id = '{conversation_id}'") == []


def test_what_a_response_holds_outlives_a_conversation_and_the_other_way_round(house: House) -> None:
    """An item, and the File of its picture, is erased with the last one that holds it."""
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    for first in ("response", "conversation"):
        conversation = begun(house, user(picture))
        listed = f"/v1/conversations/{conversation}/items"
        [item] = house.call("GET", f"{listed}?include=message.input_image.image_url").json()["data"]
        assert item["content"] == [picture]
        one = house.call("GET", f"{listed}/{item['id']}?include[]=message.input_image.image_url").json()
        assert one == item and "image_url" not in house.call("GET", f"{listed}/{item['id']}").json()["content"][0]
        script(house, {"text": "I see."})
        got = house.ask(input=[user(picture)], conversation=conversation)
        ends = {"response": f"/v1/responses/{got['id']}", "conversation": f"/v1/conversations/{conversation}"}
        [file_id] = {row[0] for row in house.rows("SELECT file_id FROM reply_files")}
        assert house.call("DELETE", ends[first]).status == 200
        if first == "response":
            assert texts(house, conversation)[-1] == "I see."
        else:
            assert house.call("GET", ends["response"]).json() == got
        assert house.call("GET", f"/v1/files/{file_id}").status == 200
        assert house.call("DELETE", ends["conversation" if first == "response" else "response"]).status == 200
        assert house.call("GET", f"/v1/files/{file_id}").status == 404
        assert house.rows(f"SELECT count(*) FROM reply_items WHERE holder = '{got['id']}'") == [(0,)]


def test_a_removed_item_takes_its_file_along_once_nothing_holds_it(house: House) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    conversation = begun(house, user(picture), says("x"))
    [item, _] = asked(house, "GET", f"/{conversation}/items?order=asc")["data"]
    file_id = item["content"][0]["file_id"]
    assert house.call("GET", f"/v1/files/{file_id}/content").status == 200
    asked(house, "DELETE", f"/{conversation}/items/{item['id']}")
    assert house.call("GET", f"/v1/files/{file_id}").status == 404


def test_everything_that_goes_is_counted_off(house: House) -> None:
    def used() -> int:
        rows = house.rows("SELECT bytes FROM reply_usage WHERE owner = 'ann'")
        return int(rows[0][0]) if rows else 0

    before = used()
    conversation = begun(house, says("x" * 100), says("y"))
    script(house, {"text": "z"})
    got = house.ask(input="x" * 1000, conversation=conversation)
    asked(house, "POST", f"/{conversation}", {"metadata": {"a": "b" * 100}})
    item = asked(house, "GET", f"/{conversation}/items?order=asc")["data"][0]["id"]
    assert used() > before + 1300
    asked(house, "DELETE", f"/{conversation}/items/{item}")
    assert house.call("DELETE", f"/v1/responses/{got['id']}").status == 200
    asked(house, "DELETE", f"/{conversation}")
    assert used() == before


def test_the_official_client_and_an_agents_session(house: House) -> None:
    """As the Agents SDK keeps its sessions: items are listed, added, and taken off from the end."""
    with client_for(house.url) as client:
        conversation = client.conversations.create(items=[], metadata={"topic": "demo"})
        assert client.conversations.retrieve(conversation.id).metadata == {"topic": "demo"}
        assert client.conversations.update(conversation.id, metadata={"topic": "x"}).metadata == {"topic": "x"}
        client.conversations.items.create(
            conversation.id, items=[{"type": "message", "role": "user", "content": "Hello"}]
        )
        client.responses.create(model=MODEL, input="And?", conversation=conversation.id)
        listed = list(client.conversations.items.list(conversation.id, order="asc"))
        assert [item.type for item in listed] == ["message"] * 3
        last = client.conversations.items.list(conversation.id, order="desc", limit=1).data[0]
        assert last.id == listed[-1].id
        assert client.conversations.items.retrieve(last.id or "", conversation_id=conversation.id) == last
        client.conversations.items.delete(last.id or "", conversation_id=conversation.id)
        assert len(list(client.conversations.items.list(conversation.id))) == 2
        assert client.conversations.delete(conversation.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.conversations.retrieve(conversation.id)
