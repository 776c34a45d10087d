"""Responses in the background over the wire: asked for, followed, taken up again, cancelled; on both databases."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for, gateway_server, settings_for
from liftgate.engine.meter import CallRecord
from openai_schema import check_answer
from responses_rig import read_events, sent
from stored_house import STREAM, House, Reader, script, script_failure

CHUNK = {"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}]}}]}
END = {"candidates": [{"content": {"role": "model", "parts": [{"text": "two"}]}, "finishReason": "STOP"}]}


def begin(house: House, **body: Any) -> dict[str, Any]:
    """The object of a response that was taken in."""
    got = house.call("POST", "/v1/responses", {"model": MODEL, "background": True, "input": "x", **body})
    assert got.status == 200, got.body
    check_answer("POST", "/responses", 200, got.json())
    found: dict[str, Any] = got.json()
    assert (found["status"], found["output"], found["background"]) == ("queued", [], True) and "usage" not in found
    return found


def polled(house: House, response_id: str, *until: str) -> dict[str, Any]:
    """The object once its status is one of these; by default any end."""
    wanted = until or ("completed", "incomplete", "failed", "cancelled")
    for _ in range(1200):
        got = house.call("GET", f"/v1/responses/{response_id}")
        assert got.status == 200, got.body
        found: dict[str, Any] = got.json()
        check_answer("GET", f"/responses/{response_id}", 200, found)
        if found["status"] in wanted:
            return found
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.fixture
def held(house: House) -> Iterator[House]:
    """Gemini answers nothing before the faults are deleted."""
    for operation in ("generate", "stream"):
        house.sandbox.control("faults", {"kind": "stall", "operation": operation, "after_bytes": 0, "times": None})
    yield house
    house.sandbox.control("faults", method="DELETE")


def chunked(house: House, *delays: float) -> None:
    """A stream of two pieces comes next."""
    house.sandbox.control("scripts", {"chunks": [CHUNK, END], "delays": list(delays) or [0, 0]})


# ── made and asked for ───────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_answered_at_once_and_asked_for_until_it_has_ended(held: House) -> None:
    begun = begin(held, instructions="Be brief.", metadata={"a": "b"})
    assert polled(held, begun["id"], "queued", "in_progress")["output"] == []
    [item] = held.items(begun["id"])["data"]
    assert item["content"] == [{"type": "input_text", "text": "x"}]
    held.sandbox.control("faults", method="DELETE")
    done = polled(held, begun["id"])
    assert done["status"] == "completed" and done["output"][0]["content"][0]["text"]
    changed = {"status", "output", "usage", "completed_at"}
    assert {key: value for key, value in done.items() if key not in changed} == {
        key: value for key, value in begun.items() if key not in changed
    }
    assert held.items(begun["id"])["data"] == [item]
    held.ask(input="And?", previous_response_id=begun["id"])
    assert [each["role"] for each in held.contents()] == ["user", "model", "user"]


def test_a_stream_has_all_events_and_is_had_again_from_a_number(house: House) -> None:
    chunked(house)
    told = read_events(house.call("POST", "/v1/responses", STREAM).body)
    kinds = [each["type"] for each in told]
    assert kinds[:3] == ["response.created", "response.queued", "response.in_progress"]
    assert [each["response"]["status"] for each in told[:3]] == ["queued", "queued", "in_progress"]
    assert kinds[-1] == "response.completed"
    whole = house.call("GET", f"/v1/responses/{told[0]['response']['id']}").json()
    assert told[-1]["response"] == whole and whole["output"][0]["content"][0]["text"] == "one two"
    for after in (None, 0, 2, len(told) - 2, len(told) - 1, 99):
        query = "stream=true" if after is None else f"stream=true&starting_after={after}"
        again = house.call("GET", f"/v1/responses/{whole['id']}?{query}")
        frames = [json.loads(line[6:]) for line in again.body.split(b"\n") if line.startswith(b"data: ")]
        assert again.status == 200 and frames == told[0 if after is None else after + 1 :]


def test_a_reader_that_breaks_off_comes_back_and_misses_nothing(house: House) -> None:
    chunked(house, 0, 1.0)
    with Reader(house, "POST", "/v1/responses", STREAM) as stream:
        seen = [stream.next()]
        while seen[-1]["type"] != "response.output_text.delta":
            seen.append(stream.next())
    response_id, last = seen[0]["response"]["id"], seen[-1]["sequence_number"]
    with Reader(house, "GET", f"/v1/responses/{response_id}?stream=true&starting_after={last}") as back:
        while seen[-1]["type"] != "response.completed":
            seen.append(back.next())
    assert [each["sequence_number"] for each in seen] == list(range(len(seen)))
    assert seen[-1]["response"] == polled(house, response_id)
    assert house.rows(f"SELECT attempts FROM reply_runs WHERE id = '{response_id}'") == [(1,)]


def test_a_stream_that_nobody_reads_goes_on(house: House) -> None:
    """Its client left at once."""
    chunked(house, 0.2, 0.2)
    with Reader(house, "POST", "/v1/responses", STREAM) as stream:
        first = stream.next()
    assert polled(house, first["response"]["id"])["status"] == "completed"


def test_a_turn_in_the_background_is_added_to_its_conversation(house: House) -> None:
    conversation = house.call("POST", "/v1/conversations", {}).json()["id"]
    for stream in (False, True):
        script(house, {"text": "said"})
        body = {"model": MODEL, "background": True, "input": "x", "conversation": conversation, "stream": stream}
        got = house.call("POST", "/v1/responses", body)
        response_id = read_events(got.body)[0]["response"]["id"] if stream else got.json()["id"]
        assert polled(house, response_id)["conversation"] == {"id": conversation}
    assert len(house.call("GET", f"/v1/conversations/{conversation}/items").json()["data"]) == 4


# ── cancelled and deleted ────────────────────────────────────────────────────────────────────────────────────────────


def test_one_in_flight_is_cancelled_for_good_and_its_reader_is_told(held: House) -> None:
    with Reader(held, "POST", "/v1/responses", STREAM) as stream:
        seen = [stream.next() for _ in range(3)]
        response_id = seen[0]["response"]["id"]
        for _ in range(2):
            got = held.call("POST", f"/v1/responses/{response_id}/cancel")
            assert got.status == 200
            check_answer("POST", f"/responses/{response_id}/cancel", 200, got.json())
            assert (got.json()["status"], got.json()["output"]) == ("cancelled", [])
        last = stream.next()
        assert (last["type"], last["response"]["status"]) == ("response.failed", "cancelled")
        assert last["sequence_number"] == 3 and stream.rest() == b""
    held.sandbox.control("faults", method="DELETE")
    assert polled(held, response_id) == got.json()
    assert held.refusal(400, input="x", previous_response_id=response_id)["code"] == "previous_response_not_found"
    assert held.items(response_id)["data"][0]["content"][0]["text"] == "x"
    assert held.call("DELETE", f"/v1/responses/{response_id}").status == 200
    assert held.call("GET", f"/v1/responses/{response_id}").status == 404
    assert held.call("GET", f"/v1/responses/{response_id}?stream=true").status == 404


def test_one_in_flight_is_not_deleted_and_one_that_ended_is_not_cancelled(held: House) -> None:
    begun = begin(held)
    refused = held.call("DELETE", f"/v1/responses/{begun['id']}")
    assert (refused.status, refused.json()["error"]["message"]) == (400, "Cannot delete an in-flight response.")
    held.sandbox.control("faults", method="DELETE")
    polled(held, begun["id"])
    refused = held.call("POST", f"/v1/responses/{begun['id']}/cancel")
    assert (refused.status, refused.json()["error"]["message"]) == (400, "Cannot cancel a completed response.")
    again = held.call("GET", f"/v1/responses/{begun['id']}?stream=true")
    assert (again.status, again.json()["error"]["param"]) == (400, "stream")
    assert held.call("DELETE", f"/v1/responses/{begun['id']}").status == 200
    tables = ("replies", "reply_runs")
    assert [held.rows(f"SELECT count(*) FROM {each} WHERE id = '{begun['id']}'") for each in tables] == [[(0,)]] * 2


def test_what_lets_us_into_a_server_of_tools_is_shown_and_kept_nowhere(house: House) -> None:
    """Gemini gets it; a response has none of it, nor has what is left of one that failed or was cancelled."""
    server = {"type": "mcp", "server_label": "s", "server_url": "https://a.example/mcp", "require_approval": "never"}
    tool = {**server, "authorization": "s3cret", "headers": {"X-Key": "s3cret"}, "server_description": "d" * 2000}
    shown = {**server, "headers": {"X-Key": "<redacted>"}, "server_description": "d" * 2000}
    got = house.ask(input="x", tools=[tool])
    sent_on = sent(house.sandbox)["tools"][0]["mcpServers"][0]["streamableHttpTransport"]["headers"]
    assert sent_on == {"X-Key": "s3cret", "Authorization": "Bearer s3cret"}
    assert got["tools"] == [shown] == house.call("GET", f"/v1/responses/{got['id']}").json()["tools"]
    script_failure(house, stream=False)
    failed = begin(house, tools=[tool])
    assert failed["tools"] == [shown] and polled(house, failed["id"])["status"] == "failed"
    house.sandbox.control("faults", {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": None})
    cancelled = begin(house, tools=[tool])
    polled(house, cancelled["id"], "in_progress")
    house.call("POST", f"/v1/responses/{cancelled['id']}/cancel")
    house.sandbox.control("faults", method="DELETE")
    for name in ("replies", "reply_settings", "reply_runs", "reply_events"):
        kept = [
            bytes(value) if isinstance(value, memoryview) else value
            for row in house.rows(f"SELECT * FROM {name}")
            for value in row
        ]
        assert "s3cret" not in str(kept), name
    for each in (failed, cancelled):
        assert house.items(each["id"])["data"][0]["content"] == [{"type": "input_text", "text": "x"}]


@pytest.mark.parametrize("stream", [False, True])
def test_what_fails_says_so_where_it_is_asked_for(house: House, stream: bool) -> None:
    script_failure(house, stream=stream)
    got = house.call("POST", "/v1/responses", {"model": MODEL, "background": True, "input": "x", "stream": stream})
    if stream:
        told = read_events(got.body)
        assert [each["type"] for each in told[-2:]] == ["error", "response.failed"]
        response_id = told[0]["response"]["id"]
    else:
        response_id = got.json()["id"]
    failed = polled(house, response_id)
    assert failed["status"] == "failed" and failed["error"]["code"] == "server_error"
    assert "OTHER" in failed["error"]["message"] and failed["error"]["type"]
    refused = house.call("POST", f"/v1/responses/{response_id}/cancel")
    assert refused.json()["error"]["message"] == "Cannot cancel a failed response."


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"store": False}, 400, "background"),
        ({"temperature": 9}, 400, "temperature"),
        ({"bogus": 1}, 400, "bogus"),
        ({"model": "no-such-model"}, 404, None),
        ({"input": [{"type": "soup"}]}, 400, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-" + "q" * 24}]}]}, 404,
         "input[0].content[0].file_id"),
        ({"previous_response_id": "resp_none"}, 400, "previous_response_id"),
        ({"background": "yes"}, 400, "background"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_request_is_said_at_once(
    house: House, body: dict[str, Any], status: int, param: str | None
) -> None:
    before = house.rows("SELECT count(*) FROM reply_runs")
    for stream in (False, True):
        got = house.call(
            "POST", "/v1/responses", {"model": MODEL, "background": True, "input": "x", "stream": stream, **body}
        )
        assert (got.status, got.json()["error"]["param"]) == (status, param), got.body
    assert house.rows("SELECT count(*) FROM reply_runs") == before


@pytest.mark.parametrize(
    ("query", "param"), [("stream=true&starting_after=x", "starting_after"), ("stream=maybe", "stream"),
                         ("stream=true&starting_after=-2", "starting_after")]
)  # fmt: skip
def test_a_wrong_number_is_refused_by_name(house: House, query: str, param: str) -> None:
    begun = begin(house)
    got = house.call("GET", f"/v1/responses/{begun['id']}?{query}")
    assert (got.status, got.json()["error"]["param"]) == (400, param)
    polled(house, begun["id"])


def test_another_owner_finds_nothing_of_it(held: House) -> None:
    begun = begin(held)
    for method, path in (
        ("GET", ""), ("GET", "?stream=true"), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items"),
    ):  # fmt: skip
        got = held.call(method, f"/v1/responses/{begun['id']}{path}", key="bob")
        assert (got.status, got.json()["error"]["message"]) == (404, f"Response with id '{begun['id']}' not found.")
    held.sandbox.control("faults", method="DELETE")
    assert polled(held, begun["id"])["status"] == "completed"


def test_the_official_client_makes_follows_and_cancels(house: House) -> None:
    with client_for(house.url) as client:
        begun = client.responses.create(model=MODEL, input="x", background=True)
        assert begun.status == "queued"
        while (got := client.responses.retrieve(begun.id)).status in ("queued", "in_progress"):
            time.sleep(0.05)
        assert got.status == "completed" and got.output_text
        chunked(house, 0, 30)
        raw = client.responses.create(model=MODEL, input="x", background=True, stream=True)
        events = iter(raw)
        first = next(events)
        assert first.type == "response.created"
        while next(events).type != "response.output_text.delta":
            pass  # until Gemini has begun
        assert client.responses.cancel(first.response.id).status == "cancelled"
        rest = list(client.responses.retrieve(first.response.id, stream=True, starting_after=0))
        assert rest[0].sequence_number == 1 and rest[-1].type == "response.failed"


class Heard:
    """The records of calls that have ended."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def ended(self, call: CallRecord) -> None:
        self.records.append(call)


def test_what_is_made_in_the_background_is_a_call_of_its_own(sandbox: SandboxServer, tmp_path: Path) -> None:
    """It counts for the key of its request, with Google's own counts, after the request's call has ended."""
    heard = Heard()
    with gateway_server(settings_for(sandbox, tmp_path), listeners=[heard]) as url:
        house = House(url, sandbox, "")
        for stream in (False, True):
            heard.records.clear()
            body = {"model": MODEL, "background": True, "input": "x", "stream": stream}
            got = house.call("POST", "/v1/responses", body)
            response_id = read_events(got.body)[0]["response"]["id"] if stream else got.json()["id"]
            assert polled(house, response_id)["status"] == "completed"
            for _ in range(600):
                made = [each for each in heard.records if each.usage is not None]
                if made and any(each.path == "/v1/responses" and each.usage is None for each in heard.records):
                    break
                time.sleep(0.01)
            [record] = made
            assert (record.owner, record.key, record.status, record.outcome) == ("ann", "ann", 200, "ok")
            assert record.usage is not None and record.usage["totalTokenCount"] > 0
        heard.records.clear()
        script_failure(house, stream=False)
        polled(house, begin(house)["id"])
        for _ in range(600):
            if failed := [each for each in heard.records if each.outcome == "failed"]:
                break
            time.sleep(0.01)
        assert [each.error for each in failed] == ["UpstreamAnswerBroken"]
