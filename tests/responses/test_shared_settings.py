"""Large instructions and tools, which clients send with every turn: stored once, shown whole, gone with the last."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from stored_house import House, script

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": f"tool_{number}",
        "description": f"What it does, at length ({number}). " + "ä word " * 100,
        "parameters": {"type": "object", "properties": {"path": {"type": "string", "description": "é" * 300}}},
    }
    for number in range(40)
]
INSTRUCTIONS = "You are a coding tool. " * 1000
FORMAT = {
    "type": "json_schema",
    "name": "plan",
    "schema": {
        "type": "object",
        "properties": {f"step_{number}": {"type": "string", "description": "a step"} for number in range(60)},
    },
}
SETTINGS: dict[str, Any] = {"instructions": INSTRUCTIONS, "tools": TOOLS, "text": {"format": FORMAT}}


def stored(house: House, owner: str) -> tuple[int, int, int]:
    """Bytes of the owner's responses without their items, bytes of their settings, what is counted."""
    [(bodies,)] = house.rows(f"SELECT coalesce(sum(length(body)), 0) FROM replies WHERE owner = '{owner}'")
    [(settings,)] = house.rows(f"SELECT coalesce(sum(length(value)), 0) FROM reply_settings WHERE owner = '{owner}'")
    counted = house.rows(f"SELECT bytes FROM reply_usage WHERE owner = '{owner}'")
    return int(bodies), int(settings), int(counted[0][0]) if counted else 0


def ended(house: House, response_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while True:
        found: dict[str, Any] = house.call("GET", f"/v1/responses/{response_id}", key="bob").json()
        if found["status"] not in ("queued", "in_progress"):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
def test_a_turn_stores_what_is_new_in_it(house: House, stream: bool) -> None:
    before = stored(house, "bob")
    turns: list[dict[str, Any]] = []
    for turn in range(5):
        script(house, {"text": "{}"})
        more = {"previous_response_id": turns[-1]["id"]} if turns else {}
        turns.append(house.ask(stream=stream, key="bob", input=f"turn {turn}", **SETTINGS, **more))
        if turn == 0:
            first = stored(house, "bob")
            assert first[1] - before[1] > len(json.dumps(TOOLS, ensure_ascii=False)) + len(INSTRUCTIONS)
    after = stored(house, "bob")
    assert after[1] == first[1]
    # Four turns: each its own row, of less than 2 kB, and its two items.
    assert after[0] - first[0] < 4 * 2000 and after[2] - first[2] < 4 * 3000
    for each in turns:
        shown = house.call("GET", f"/v1/responses/{each['id']}", key="bob")
        assert json.dumps(shown.json()) == json.dumps(each)
        assert (shown.json()["instructions"], len(shown.json()["tools"])) == (INSTRUCTIONS, 40)
    for each in turns[:-1]:
        assert house.call("DELETE", f"/v1/responses/{each['id']}", key="bob").status == 200
    assert stored(house, "bob")[1] == first[1]
    assert house.call("GET", f"/v1/responses/{turns[-1]['id']}", key="bob").json() == turns[-1]
    assert house.call("DELETE", f"/v1/responses/{turns[-1]['id']}", key="bob").status == 200
    assert stored(house, "bob") == before
    assert house.rows(f"SELECT count(*) FROM reply_setting_uses WHERE holder = '{turns[-1]['id']}'") == [(0,)]


def test_one_setting_changes_and_the_others_are_shared(house: House) -> None:
    first = house.ask(input="x", **SETTINGS)
    [(before,)] = house.rows("SELECT count(*) FROM reply_settings WHERE owner = 'ann'")
    changed = house.ask(input="x", **{**SETTINGS, "instructions": INSTRUCTIONS + "It is Sunday."})
    [(after,)] = house.rows("SELECT count(*) FROM reply_settings WHERE owner = 'ann'")
    assert after == before + 1
    for each in (first, changed):
        assert house.call("GET", f"/v1/responses/{each['id']}").json() == each


def test_owners_share_nothing(house: House) -> None:
    ours = house.ask(input="x", **SETTINGS)
    before = stored(house, "bob")
    theirs = house.ask(key="bob", input="x", **SETTINGS)
    assert stored(house, "bob")[1] > before[1] + 40_000
    assert house.call("DELETE", f"/v1/responses/{ours['id']}").status == 200
    assert house.call("GET", f"/v1/responses/{theirs['id']}", key="bob").json() == theirs
    assert house.call("DELETE", f"/v1/responses/{theirs['id']}", key="bob").status == 200
    assert stored(house, "bob") == before


def test_settings_of_one_in_the_background_and_in_a_conversation(house: House) -> None:
    before = stored(house, "bob")
    conversation = house.call("POST", "/v1/conversations", {}, key="bob").json()["id"]
    there = house.ask(key="bob", input="x", conversation=conversation, **SETTINGS)
    begun = house.ask(key="bob", input="x", background=True, **SETTINGS)
    made = ended(house, begun["id"])
    assert (made["instructions"], made["tools"], made["text"]) == tuple(
        there[name] for name in ("instructions", "tools", "text")
    )
    for each in (begun, there):
        assert house.call("DELETE", f"/v1/responses/{each['id']}", key="bob").status == 200
    assert house.call("DELETE", f"/v1/conversations/{conversation}", key="bob").status == 200
    assert stored(house, "bob") == before


def test_very_large_settings_are_shown_whole(house: House) -> None:
    """Such as are read and written in steps: a text, and a list."""
    large: dict[str, Any] = {
        "instructions": "wörds " * 300_000,
        "tools": [{**TOOLS[0], "description": "long " * 300_000}],
    }
    got = house.ask(input="x", **large)
    shown = house.call("GET", f"/v1/responses/{got['id']}").json()
    assert shown == got and shown["instructions"] == large["instructions"]
    assert house.call("DELETE", f"/v1/responses/{got['id']}").status == 200
