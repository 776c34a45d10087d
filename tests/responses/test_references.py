"""Items that a request or a conversation names instead of repeating them: what goes to Gemini, how they are listed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateways import MODEL
from openai_schema import check_answer
from responses_rig import sent, user
from stored_house import House, script

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SIGNATURE = "c2lnbmF0dXJlLW9mLWEtdGV4dA=="
SAID = {"text": "Hm.", "thoughtSignature": SIGNATURE}
SEARCHED: list[dict[str, Any]] = [
    {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["ferry"]}, "id": "s1"}},
    {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {}, "id": "s1"}},
    {"text": "At nine."},
]
PICTURE = {"inlineData": {"mimeType": "image/png", "data": PNG}}


def reference(item_id: str) -> dict[str, Any]:
    return {"type": "item_reference", "id": item_id}


def asked(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def parts(house: House) -> list[dict[str, Any]]:
    return [part for content in house.contents() for part in content["parts"]]


@contextmanager
def held(house: House) -> Iterator[None]:
    """Gemini answers nothing in it."""
    house.sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": None})
    try:
        yield
    finally:
        house.sandbox.control("faults", method="DELETE")


def ended(house: House, response_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while True:
        found: dict[str, Any] = house.call("GET", f"/v1/responses/{response_id}").json()
        if found["status"] not in ("queued", "in_progress"):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.02)


def pages(house: House, path: str, order: str, limit: int = 1) -> list[str]:
    """The ids that a client sees that reads page by page, in no more pages than there can be."""
    seen: list[str] = []
    after = ""
    for _ in range(30):
        got = house.call("GET", f"{path}?order={order}&limit={limit}{after}")
        assert got.status == 200, got.body
        page = got.json()
        seen += [item["id"] for item in page["data"]]
        if not page["has_more"]:
            return seen
        after = f"&after={page['last_id']}"
    raise AssertionError(f"the pages have no end: {seen}")


BROKEN: tuple[dict[str, Any], ...] = (
    {"type": "item_reference"},
    {"type": "item_reference", "id": ["x"]},
    {"type": "image_generation_call"},
    {"id": {}},
)


@pytest.mark.parametrize("broken", BROKEN, ids=str)
@pytest.mark.parametrize("stored", [False, True])
def test_a_reference_that_names_nothing_is_refused_beside_one_that_does(
    house: House, broken: dict[str, Any], stored: bool
) -> None:
    first = house.ask(input="When?")
    named = [reference(first["output"][0]["id"]), broken, asked("And?")]
    for path, body in (
        ("/v1/responses", {"model": MODEL, "input": named}),
        ("/v1/responses/input_tokens", {"model": MODEL, "input": named}),
        ("/v1/conversations", {"items": named}),
    ):
        goes_on = {"previous_response_id": first["id"]} if stored and "input" in body else {}
        refused = house.call("POST", path, {**body, **goes_on})
        assert refused.status == 400, refused.body
        assert refused.json()["error"]["param"] in ("input[0].id", "input[1].id", "items[1].id")


# ── what Gemini wants back with them ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    ("made", "wanted"),
    [([SAID], [SAID]), (SEARCHED, SEARCHED[:2]), ([PICTURE | {"thoughtSignature": SIGNATURE}], None)],
    ids=["text", "search", "image"],
)
def test_a_chain_goes_on_from_what_was_named_by_reference(
    house: House, made: list[dict[str, Any]], wanted: list[dict[str, Any]] | None, background: bool
) -> None:
    """The turn that names them keeps them as they are, whatever becomes of the one that brought them."""
    script(house, *made)
    first = house.ask(input="When?")
    named = [asked("When?"), *[reference(item["id"]) for item in first["output"]], asked("And?")]
    second = house.ask(input=named, background=background)
    ended(house, second["id"])
    before = parts(house)
    assert house.call("DELETE", f"/v1/responses/{first['id']}").status == 200
    house.ask(input="Then?", previous_response_id=second["id"])
    after = parts(house)
    if wanted is None:
        assert before[1]["thoughtSignature"] == after[1]["thoughtSignature"] == SIGNATURE
        assert {"inlineData", "fileData"} & after[1].keys()
    else:
        for each in wanted:
            assert each in before and each in after


def test_a_call_by_reference_keeps_its_signature_in_the_chain(house: House) -> None:
    weather = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    script(house, {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": SIGNATURE})
    first = house.ask(input="Weather?", tools=[weather])
    [called] = first["output"]
    result = {"type": "function_call_output", "call_id": called["call_id"], "output": "dry"}
    second = house.ask(input=[asked("Weather?"), reference(called["id"]), result], tools=[weather])
    rows = house.rows(f"SELECT signature FROM reply_items WHERE holder = '{second['id']}' AND signature IS NOT NULL")
    assert [json.loads(bytes(row[0]))["signature"] for row in rows] == [SIGNATURE]


def test_an_image_is_named_by_its_id_alone(house: House) -> None:
    """As OpenAI's documentation has it: `{"type": "image_generation_call", "id": …}`, without the image."""
    script(house, PICTURE)
    [made] = house.ask(input="Draw")["output"]
    alone = {"type": "image_generation_call", "id": made["id"]}
    house.ask(input=[asked("Draw"), alone, asked("In red")])
    assert [list(part) for part in parts(house)][1] in (["inlineData"], ["fileData"])
    house.ask(input=[asked("Draw"), alone, asked("In red")], store=False)
    assert [list(part) for part in parts(house)][1] in (["inlineData"], ["fileData"])
    for unknown in ("ig_none", "ig_" + "a" * 24):
        error = house.refusal(404, input=[asked("Draw"), {**alone, "id": unknown}])
        assert error["message"].startswith(f"Item with id '{unknown}' not found.")
    got = house.call("POST", "/v1/responses", {"model": MODEL, "input": [alone]}, key="bob")
    assert got.status == 404
    error = house.refusal(400, input=[asked("Draw"), {"type": "image_generation_call"}])
    assert error["param"] == "input[1].id"


def test_an_image_of_an_answer_goes_along_in_the_background(house: House) -> None:
    image = {"type": "image_generation_call", "id": "ig_" + "b" * 24, "status": "completed", "result": PNG}
    with held(house):
        begun = house.ask(input=[asked("Draw"), image, asked("In red")], background=True)
        assert house.items(begun["id"])["data"][1]["result"] == PNG
    ended(house, begun["id"])
    assert house.items(begun["id"])["data"][1]["result"] == PNG
    assert [list(part) for part in parts(house)][1] in (["inlineData"], ["fileData"])


# ── ids in lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_item_of_a_chain_has_an_id_of_its_own(house: House) -> None:
    """Also where the same one was named again: else a client that reads page by page would come to no end."""
    script(house, SAID)
    first = house.ask(input="q")
    [said] = first["output"]
    second = house.ask(
        input=[reference(said["id"]), said, asked("again")],
        previous_response_id=first["id"],
    )
    listed = [item["id"] for item in house.items(second["id"])["data"]]
    assert len(listed) == len(set(listed)) == 4
    path = f"/v1/responses/{second['id']}/input_items"
    for limit in (1, 2, 4):
        assert pages(house, path, "asc", limit) == listed
        assert pages(house, path, "desc", limit) == listed[::-1]
    # A reference to an item that was repeated is still one to what the model said.
    house.ask(input=[asked("q"), reference(said["id"]), asked("z")])
    assert SAID in parts(house)


def test_each_item_of_a_conversation_has_an_id_of_its_own(house: House) -> None:
    script(house, SAID)
    [said] = house.ask(input="q")["output"]
    got = house.call("POST", "/v1/conversations", {"items": [asked("q"), said, reference(said["id"]), said]})
    path = f"/v1/conversations/{got.json()['id']}"
    added = house.call("POST", f"{path}/items", {"items": [reference(said["id"]), said, asked("z")]})
    assert added.status == 200, added.body
    house.ask(input=[said, reference(said["id"])], conversation=got.json()["id"])
    for order in ("asc", "desc"):
        seen = pages(house, f"{path}/items", order, 2)
        assert len(seen) == len(set(seen)) == 9


@pytest.mark.parametrize("way", ["chain", "conversation", "background", "streamed"])
def test_what_a_request_goes_on_from_and_names_as_well_is_read_once(house: House, way: str) -> None:
    """OpenAI refuses it ("Duplicate item found"), and clients send it: AI SDK names all turns before by reference."""
    talk = house.call("POST", "/v1/conversations", {}).json()["id"] if way == "conversation" else None
    script(house, *SEARCHED)
    first = house.ask(input="When?", **({"conversation": talk} if talk else {}))
    [asked_item] = house.items(first["id"])["data"]
    named = [reference(each["id"]) for each in (asked_item, *first["output"])]
    going_on = {"conversation": talk} if talk else {"previous_response_id": first["id"]}
    other: dict[str, Any] = {"background": {"background": True}, "streamed": {"stream": True}}.get(way, {})
    second = house.ask(input=[*named, asked("And?"), {"id": named[-1]["id"]}], **going_on, **other)
    ended(house, second["id"])
    assert parts(house) == [{"text": "When?"}, *SEARCHED, {"text": "And?"}]
    own = house.items(second["id"])["data"]
    assert [item["id"] for item in own[:-1]] == (
        [] if talk else [item["id"] for item in (asked_item, *first["output"])]
    )
    # Others are still read where they are named, and nothing else may be.
    script(house, {"text": "Ja."})
    alone = house.ask(input="Ja?")
    house.ask(input=[reference(alone["output"][0]["id"]), named[0], asked("So?")], **going_on)
    assert parts(house)[-2:] == [{"text": "Ja."}, {"text": "So?"}]
    house.refusal(404, input=[named[0], reference("msg_none"), asked("So?")], **going_on)
    counted = {"model": MODEL, "input": [*named, asked("And?")], **going_on}
    assert house.call("POST", "/v1/responses/input_tokens", counted).status == 200


# ── references in conversations ──────────────────────────────────────────────────────────────────────────────────────


def test_a_conversation_takes_items_by_reference(house: House) -> None:
    script(house, *SEARCHED, PICTURE)
    first = house.ask(input=[user({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"})])
    named = [item["id"] for item in (*house.items(first["id"])["data"], *first["output"])]
    got = house.call("POST", "/v1/conversations", {"items": [reference(each) for each in named]})
    assert got.status == 200, got.body
    talk = got.json()["id"]
    listed = house.call("GET", f"/v1/conversations/{talk}/items?order=asc&limit=100")
    check_answer("GET", f"/conversations/{talk}/items", 200, listed.json())
    kinds = ["message", *[item["type"] for item in first["output"]]]
    assert [item["type"] for item in listed.json()["data"]] == kinds
    assert house.call("DELETE", f"/v1/responses/{first['id']}").status == 200
    house.ask(input="And?", conversation=talk)
    found = parts(house)
    assert all(each in found for each in SEARCHED)
    assert len([part for part in found if {"inlineData", "fileData"} & part.keys()]) == 2
    gone = house.call("POST", f"/v1/conversations/{talk}/items", {"items": [asked("x"), reference("msg_none")]})
    assert (gone.status, gone.json()["error"]["param"]) == (404, "items")
    theirs = house.call("POST", "/v1/conversations", {"items": [reference(named[0])]}, key="bob")
    assert theirs.status == 404


# ── what cannot be gone on from ──────────────────────────────────────────────────────────────────────────────────────


def test_an_error_says_why_a_response_that_is_there_cannot_be_gone_on_from(house: House) -> None:
    def why(response_id: str) -> str:
        error = house.refusal(400, input="x", previous_response_id=response_id)
        assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
        return str(error["message"]).partition(f"'{response_id}' ")[2]

    with held(house):
        begun = house.ask(input="x", background=True)
        assert why(begun["id"]).startswith(("is queued: only one", "is in_progress: only one"))
        assert house.call("POST", f"/v1/responses/{begun['id']}/cancel").status == 200
    assert why(begun["id"]).startswith("is cancelled: only one")
    got = house.call(
        "POST", "/v1/responses", {"model": MODEL, "input": "x", "previous_response_id": begun["id"]}, key="bob"
    )
    assert got.json()["error"]["message"].endswith("not found.")
    first = house.ask(input="x")
    second = house.ask(input="x", previous_response_id=first["id"])
    assert house.call("DELETE", f"/v1/responses/{first['id']}").status == 200
    assert why(second["id"]) == "cannot be gone on from: one before it was deleted."
    talk = house.call("POST", "/v1/conversations", {}).json()["id"]
    third = house.ask(input="x", conversation=talk)
    assert house.call("DELETE", f"/v1/conversations/{talk}").status == 200
    assert why(third["id"]) == "cannot be gone on from: its conversation was deleted."


def test_unknown_words_are_refused_inside_a_conversation_and_in_queries(house: House) -> None:
    talk = house.call("POST", "/v1/conversations", {}).json()["id"]
    error = house.refusal(400, input="x", conversation={"id": talk, "metadata": {}})
    assert (error["code"], error["param"]) == ("unknown_parameter", "conversation.metadata")
    assert house.ask(input="x", conversation={"id": talk})["conversation"] == {"id": talk}
    response_id = house.ask(input="x")["id"]
    for query, status in (("include_obfuscation=true", 200), ("include_obfuscation=perhaps", 400), ("stream=7", 400)):
        assert house.call("GET", f"/v1/responses/{response_id}?{query}").status == status
    assert sent(house.sandbox)["contents"][0]["parts"] == [{"text": "x"}]


def test_what_is_named_again_and_again_is_bounded_as_if_it_were_sent(house: House) -> None:
    """A request of kilobytes made one of gigabytes for Gemini."""
    items = [asked("x" * 10_000_000), asked("Hello")]
    talk = house.call("POST", "/v1/conversations", {"items": items}).json()["id"]
    listed = house.call("GET", f"/v1/conversations/{talk}/items?order=asc").json()["data"]
    often = [[reference(each["id"])] * 14 for each in listed]
    for door, field in (("/v1/responses", "input"), (f"/v1/conversations/{talk}/items", "items")):
        more = {"model": MODEL} if field == "input" else {}
        refused = house.call("POST", door, {**more, field: often[0]})
        assert (refused.status, refused.json()["error"]["code"]) == (413, "request_too_large")
    assert house.call("POST", "/v1/responses", {"model": MODEL, "store": False, "input": often[1]}).status == 200
