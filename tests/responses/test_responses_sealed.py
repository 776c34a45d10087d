"""Thought signatures in sealed `encrypted_content`: what a client that keeps its history itself gets and gives back.

Two gateways share one catalogue, and each turn goes to the other one, so nothing that one remembers helps.
"""

from __future__ import annotations

import base64
import copy
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer, deployments, settings_for
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from responses_rig import answer, call, events, in_order, post, refusal, sent
from serving import serve

MODEL, OTHER_FAMILY = "gemini-3-flash-preview", "gemini-3.6-flash"
SEALED = ["reasoning.encrypted_content"]
SKIP = "skip_thought_signature_validator"
BOB = {"Authorization": "Bearer sk-bob"}
LOOK: dict[str, Any] = {
    "type": "function",
    "name": "look",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
CODE = {"type": "code_interpreter", "container": {"type": "auto"}}
COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed")


@pytest.fixture(scope="module")
def pair(sandbox: SandboxServer, place: Path) -> Iterator[tuple[str, str]]:
    models = (*deployments(sandbox.url, model=MODEL), *deployments(sandbox.url, ("key-b",), model=OTHER_FAMILY))
    settings = settings_for(sandbox, place, deployments=models)
    with (
        serve(build_app(Gateway(settings))) as one,
        serve(build_app(Gateway(settings))) as other,
    ):
        yield one, other


def scripted(sandbox: SandboxServer, *parts: dict[str, Any], streamed: bool) -> None:
    """What Gemini says next; in a stream each part is a chunk of its own."""
    ended: dict[str, Any] = {"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": COUNTS}
    if streamed:
        pieces = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
        sandbox.control("scripts", {"chunks": [*pieces, ended]})
    else:
        ended["candidates"][0]["content"] = {"role": "model", "parts": list(parts)}
        sandbox.control("scripts", {"response": ended})


def output_of(url: str, *, streamed: bool, **body: Any) -> list[dict[str, Any]]:
    """The items that a client has of an answer whose signatures it wants."""
    body = {"model": MODEL, "include": SEALED, **body}
    if not streamed:
        output: list[dict[str, Any]] = answer(url, **body)["output"]
        return output
    told = events(url, **body)
    in_order(told)
    done = [each["item"] for each in told if each["type"] == "response.output_item.done"]
    assert told[-1]["type"] == "response.completed" and told[-1]["response"]["output"] == done
    return done


def signatures(sandbox: SandboxServer, key: str = "functionCall") -> list[str | None]:
    """Of the parts of a kind that Gemini got last."""
    parts = [part for content in sent(sandbox)["contents"] for part in content["parts"]]
    return [part.get("thoughtSignature") for part in parts if key in part]


def is_googles(signature: str | None) -> bool:
    return signature is not None and base64.b64decode(signature).startswith(b"sandbox-thought-1:")


def a_turn_of_calls(pair: tuple[str, str], *, streamed: bool = False, key: str = "") -> list[dict[str, Any]]:
    """A question, the call with what stands in front of it, and the call's output."""
    question: dict[str, Any] = {"role": "user", "content": f'call look({{"at":"{key}"}})'}
    items = output_of(pair[0], streamed=streamed, input=[question], tools=[LOOK], store=False)
    (call,) = (item for item in items if item["type"] == "function_call")
    return [question, *items, {"type": "function_call_output", "call_id": call["call_id"], "output": "a wall"}]


@pytest.mark.parametrize("streamed", [False, True])
def test_three_turns_of_calls_without_anything_kept(
    pair: tuple[str, str], sandbox: SandboxServer, place: Path, streamed: bool
) -> None:
    """The model demands the signature of every call; a client takes its history from one gateway to the other."""
    items: list[dict[str, Any]] = [{"role": "user", "content": "Look around."}]
    for turn in range(3):
        got = output_of(pair[turn % 2], streamed=streamed, input=items, tools=[LOOK], tool_choice="required")
        assert [item["type"] for item in got] == ["reasoning", "function_call"]
        assert got[0]["summary"] == [] and got[0]["encrypted_content"]
        call_id = got[1]["call_id"]
        items += [*got, {"type": "function_call_output", "call_id": call_id, "output": f"wall {turn}"}]
    got = output_of(pair[1], streamed=streamed, input=items, tools=[LOOK], tool_choice="none")
    assert got[0]["type"] == "message"
    found = signatures(sandbox)
    assert len(found) == 3 and all(is_googles(each) for each in found)
    # The same history without what is sealed: nothing else knew those signatures.
    bare = [item for item in items if item.get("type") != "reasoning"]
    answer(pair[1], model=MODEL, input=bare, tools=[LOOK], tool_choice="none")
    # The second gateway made the call of the second turn, and remembers that one for a while.
    assert [each == SKIP for each in signatures(sandbox)] == [True, False, True]
    (database,) = place.rglob("*.db")
    with sqlite3.connect(database) as rows:
        assert rows.execute("SELECT count(*) FROM signatures").fetchone() == (0,)


def test_only_who_asks_gets_items_of_reasoning(pair: tuple[str, str]) -> None:
    got = answer(pair[0], model=MODEL, input="Look.", tools=[LOOK], tool_choice="required")
    assert [item["type"] for item in got["output"]] == ["function_call"]


@pytest.mark.parametrize("streamed", [False, True])
def test_thoughts_that_are_shown_carry_the_signature_of_their_call(
    pair: tuple[str, str], sandbox: SandboxServer, streamed: bool
) -> None:
    thought = {"text": "Hm", "thought": True}
    call = {"functionCall": {"name": "look", "args": {"at": "x"}}, "thoughtSignature": "c2ln"}
    scripted(sandbox, thought, call, streamed=streamed)
    shown = {"reasoning": {"summary": "auto"}, "tools": [LOOK]}
    items = output_of(pair[0], streamed=streamed, input="x", **shown)
    assert [item["type"] for item in items] == ["reasoning", "function_call"]
    assert items[0]["summary"] == [{"type": "summary_text", "text": "Hm"}] and items[0]["encrypted_content"]
    sandbox.control("unverified", {"foreign_signatures": "accept"})
    output = {"type": "function_call_output", "call_id": items[1]["call_id"], "output": "y"}
    answer(pair[1], model=MODEL, input=[{"role": "user", "content": "x"}, *items, output], tools=[LOOK])
    sandbox.control("unverified", {"foreign_signatures": "refuse"})
    assert signatures(sandbox) == ["c2ln"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_the_signature_of_a_text_stands_behind_its_message(
    pair: tuple[str, str], sandbox: SandboxServer, streamed: bool, alone: bool
) -> None:
    """On the text itself, or on an empty one behind it, as Gemini sends it in streams."""
    last = [{"text": "B"}, {"text": "", "thoughtSignature": "dGV4dA=="}]
    parts = [{"text": "A"}, *(last if alone else [{"text": "B", "thoughtSignature": "dGV4dA=="}])]
    scripted(sandbox, *parts, streamed=streamed)
    items = output_of(pair[0], streamed=streamed, input="x")
    assert [item["type"] for item in items] == ["message", "reasoning"]
    # As clients give it back that keep neither ids nor parts.
    said = {"role": "assistant", "content": items[0]["content"][0]["text"]}
    question, more = {"role": "user", "content": "x"}, {"role": "user", "content": "y"}
    answer(pair[1], model=MODEL, input=[question, said, items[1], more])
    assert sent(sandbox)["contents"][1]["parts"] == [{"text": "AB", "thoughtSignature": "dGV4dA=="}]
    # A reasoning item that has lost its message belongs to no other.
    answer(pair[1], model=MODEL, input=[question, items[1], more, {"role": "assistant", "content": "C"}, more])
    assert signatures(sandbox, "text") == [None] * 4


def test_of_several_messages_each_has_its_own(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    first, second = {"text": "A", "thoughtSignature": "YQ=="}, {"text": "B", "thoughtSignature": "Yg=="}
    ran: list[dict[str, Any]] = [
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
    ]
    scripted(sandbox, first, *ran, second, streamed=False)
    items = output_of(pair[0], streamed=False, input="x", tools=[CODE])
    kinds = ["message", "code_interpreter_call", "message", "reasoning"]
    assert [item["type"] for item in items] == kinds
    more = {"role": "user", "content": "y"}
    answer(pair[1], model=MODEL, input=[{"role": "user", "content": "x"}, *items, more])
    assert sent(sandbox)["contents"][1]["parts"] == [first, *ran, second]


def test_what_googles_tools_did_goes_back_as_gemini_made_it(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    """Items whose seal is lost are told as text, or not at all."""
    called: list[dict[str, Any]] = [
        {
            "toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}},
            "thoughtSignature": "dA==",
        },
        {"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}}},
    ]
    ran: list[dict[str, Any]] = [
        {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "c1"}, "thoughtSignature": "Yw=="},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1", "id": "c1"}},
    ]
    scripted(sandbox, *called, *ran, {"text": "Done"}, streamed=False)
    items = output_of(pair[0], streamed=False, input="x")
    assert [item["type"] for item in items] == ["web_search_call", "code_interpreter_call", "message", "reasoning"]
    question, more = {"role": "user", "content": "x"}, {"role": "user", "content": "y"}
    answer(pair[1], model=MODEL, input=[question, *items, more])
    assert sent(sandbox)["contents"][1]["parts"] == [*called, *ran, {"text": "Done"}]
    answer(pair[1], model=MODEL, input=[question, *items[:-1], more])
    assert sent(sandbox)["contents"][1]["parts"] == [{"text": "```python\nprint(1)\n```"}, {"text": "Done"}]


def test_an_image_goes_back_with_its_signature(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "aW1n"}
    scripted(sandbox, picture, streamed=False)
    items = output_of(pair[0], streamed=False, input="x")
    assert [item["type"] for item in items] == ["image_generation_call", "reasoning"]
    answer(pair[1], model=MODEL, input=[{"role": "user", "content": "x"}, *items, {"role": "user", "content": "y"}])
    assert sent(sandbox)["contents"][1]["parts"] == [picture]


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


# ── what is not ours to open ─────────────────────────────────────────────────────────────────────


def changed(items: list[dict[str, Any]], encrypted: Any) -> list[dict[str, Any]]:
    found = copy.deepcopy(items)
    found[1]["encrypted_content"] = encrypted
    return found


def test_what_cannot_be_opened_is_dropped_whoever_made_it(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    """Another owner's, a changed, a cut and a foreign one: one and the same answer, and Gemini hears of none."""
    items = a_turn_of_calls(pair, key="owners")
    text = items[1]["encrypted_content"]
    middle = len(text) // 2
    other = "A" if text[middle] != "A" else "B"
    foreign: list[Any] = [
        text[:middle] + other + text[middle + 1 :],
        text[:-8],
        text + text,
        text.removeprefix("liftgate1."),
        "liftgate1.",
        "gAAAAABpbm90aGVyIHNlcnZpY2UncyB0b2tlbg==",
        "gr\u00fc\u00dfe",
        "",
        None,
    ]
    answers = []
    for each in foreign:
        answer(pair[1], model=MODEL, input=changed(items, each), tools=[LOOK])
        assert signatures(sandbox) == [SKIP]
        answers.append(sent(sandbox))
    body = {"model": MODEL, "input": items, "tools": [LOOK], "store": False}
    assert post(pair[1], body, key=BOB).status == 200
    assert signatures(sandbox) == [SKIP]
    assert all(each == sent(sandbox) for each in answers)
    answer(pair[1], model=MODEL, input=items, tools=[LOOK])
    assert is_googles(*signatures(sandbox))


def test_no_bit_can_be_turned(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    items = a_turn_of_calls(pair, key="bits")
    prefix, sealed = items[1]["encrypted_content"].split(".")
    for place in itertools.chain(range(0, 60, 7), range(60, len(sealed) - 4, 41)):
        other = "A" if sealed[place] != "A" else "B"
        broken = f"{prefix}.{sealed[:place]}{other}{sealed[place + 1 :]}"
        answer(pair[1], model=MODEL, input=changed(items, broken), tools=[LOOK])
        assert signatures(sandbox) == [SKIP], place


def test_nothing_of_it_can_be_read(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    items = a_turn_of_calls(pair, key="read")
    text = items[1]["encrypted_content"].partition(".")[2]
    raw = base64.urlsafe_b64decode(text + "==")
    assert b"sandbox" not in raw and b"call_" not in raw and b"gemini" not in raw
    again = a_turn_of_calls(pair, key="read")
    assert again[1]["encrypted_content"] != items[1]["encrypted_content"]


def test_a_model_of_another_family_gets_no_signature_of_this_one(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    items = a_turn_of_calls(pair, key="family")
    # The gateway that made the call remembers its signature, and does not use it either.
    for gateway in pair:
        answer(gateway, model=OTHER_FAMILY, input=items, tools=[LOOK])
        assert signatures(sandbox) == [SKIP]


@pytest.mark.parametrize("wrong", [7, ["x"], {"a": 1}, True])
def test_what_is_no_text_is_refused_by_name(pair: tuple[str, str], wrong: Any) -> None:
    items = [{"role": "user", "content": "x"}, {"type": "reasoning", "summary": [], "encrypted_content": wrong}]
    error = refusal(pair[0], model=MODEL, input=items)
    assert (error["param"], error["code"]) == ("input[1].encrypted_content", "invalid_type")


def test_a_number_beyond_64_bits_is_sealed_too(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    """Gemini's parts hold any JSON."""
    called = {"toolCall": {"id": "a", "toolType": "GOOGLE_SEARCH_WEB", "args": {"n": 2**70}}}
    for streamed in (False, True):
        scripted(sandbox, called, {"text": "x"}, streamed=streamed)
        output = output_of(pair[0], streamed=streamed, input="x", tools=[{"type": "web_search"}])
        assert "reasoning" in {item["type"] for item in output}


# ── what is kept here needs no seal ──────────────────────────────────────────────────────────────

MADE: list[dict[str, Any]] = [
    {"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}}, "thoughtSignature": "dA=="},
    {"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}}},
    {"text": "First", "thoughtSignature": "Zmlyc3Q="},
    {"executableCode": {"language": "PYTHON", "code": "1", "id": "c1"}, "thoughtSignature": "Yw=="},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1", "id": "c1"}},
    {"text": "Last", "thoughtSignature": "bGFzdA=="},
    {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "aW1n"},
]


def stored(url: str, *, streamed: bool, **body: Any) -> dict[str, Any]:
    body = {"model": MODEL, "store": True, **body}
    if not streamed:
        return answer(url, **body)
    found: dict[str, Any] = events(url, **body)[-1]["response"]
    return found


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("way", ["previous_response_id", "conversation", "item_reference"])
def test_a_stored_answer_goes_back_as_gemini_made_it(
    pair: tuple[str, str], sandbox: SandboxServer, streamed: bool, sealed: bool, way: str
) -> None:
    """By every way that goes on from it, at another gateway; asked for the signatures, it is the same."""
    scripted(sandbox, *MADE, streamed=streamed)
    asked: dict[str, Any] = {"include": SEALED} if sealed else {}
    begun: dict[str, Any] = {}
    if way == "conversation":
        begun = {"conversation": call(pair[0], "POST", "/v1/conversations", {}).json()["id"]}
    first = stored(pair[0], streamed=streamed, input="x", **asked, **begun)
    more: list[dict[str, Any]] = [{"role": "user", "content": "y"}]
    if way == "previous_response_id":
        begun = {"previous_response_id": first["id"]}
    elif way == "item_reference":
        references = [{"type": "item_reference", "id": item["id"]} for item in first["output"]]
        more = [{"role": "user", "content": "x"}, *references, *more]
    answer(pair[1], model=MODEL, input=more, **begun)
    assert sent(sandbox)["contents"][1]["parts"] == MADE


def test_signatures_of_another_family_are_left_out_of_a_chain(pair: tuple[str, str], sandbox: SandboxServer) -> None:
    called = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}
    scripted(sandbox, *MADE, called, streamed=False)
    first = stored(pair[0], streamed=False, input="x", tools=[LOOK])
    output = {"type": "function_call_output", "call_id": first["output"][-1]["call_id"], "output": "y"}
    more = {"previous_response_id": first["id"], "input": [output], "tools": [LOOK]}
    sandbox.control("unverified", {"foreign_signatures": "accept"})
    answer(pair[1], model=OTHER_FAMILY, **more)
    parts = sent(sandbox)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [None] * (len(parts) - 1) + [SKIP]
    answer(pair[1], model=MODEL, **more)
    sandbox.control("unverified", {"foreign_signatures": "refuse"})
    returned = sent(sandbox)["contents"][1]["parts"]
    assert returned[:-1] == MADE and returned[-1]["thoughtSignature"] == "c2ln"
