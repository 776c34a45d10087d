"""`truncation: auto`: a history with more tokens than the model takes loses its first whole turns, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateways import SandboxServer, client_for, deployments, sandbox_server, settings_for
from liftgate.gateway import Gateway
from liftgate.sandbox.settings import SandboxSettings
from liftgate.server.app import build_app
from responses_rig import answer, events, refusal, sent
from serving import serve

LIMIT = 1000
MODELS = ("gemini-3-flash-preview", "gemma-3-27b-it")
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def small() -> Iterator[SandboxServer]:
    """Its models take a thousand tokens: four characters are one."""
    with sandbox_server(SandboxSettings(input_tokens=LIMIT)) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(small: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models = [each for model in MODELS for each in deployments(small.url, (f"key-{model}",), model=model)]
    settings = settings_for(small, tmp_path_factory.mktemp("small"), deployments=tuple(models))
    with serve(build_app(Gateway(settings))) as url:
        yield url


def words(letter: str, tokens: int) -> str:
    return letter * (4 * tokens)


def said(role: str, letter: str, tokens: int) -> dict[str, Any]:
    return {"role": role, "content": words(letter, tokens)}


def turns(*letters: str, tokens: int = 200) -> list[dict[str, Any]]:
    """Questions with answers of a few tokens."""
    return [item for letter in letters for item in (said("user", letter, tokens), said("assistant", letter, 1))]


def left(small: SandboxServer) -> list[str]:
    """What each content that Gemini got last begins with."""
    return [next(iter(content["parts"][0].values()))[:1] for content in sent(small)["contents"]]


@pytest.mark.parametrize("stream", [False, True])
def test_as_few_turns_go_as_must(gateway: str, small: SandboxServer, stream: bool) -> None:
    items = [*turns("a", "b", "c", "d", "e"), said("user", "f", 200)]
    given: dict[str, Any] = {"model": MODELS[0], "input": items, "truncation": "auto", "instructions": words("i", 50)}
    before = small.stats()["operations"].get("countTokens", 0)
    told = events(gateway, **given)[-1]["response"] if stream else answer(gateway, **given)
    # 50 of instruction, 200 of the last turn and three of 201 fit; a fourth does not.
    assert left(small) == ["c", "c", "d", "d", "e", "e", "f"]
    assert sent(small)["systemInstruction"]["parts"] == [{"text": words("i", 50)}]
    assert told["status"] == "completed" and told["truncation"] == "auto"
    # One look at the last turn alone, and a halving for each doubling of five.
    assert small.stats()["operations"]["countTokens"] - before <= 4


def test_what_fits_is_sent_whole_without_a_count(gateway: str, small: SandboxServer) -> None:
    before = small.stats()["operations"].get("countTokens", 0)
    answer(gateway, model=MODELS[0], input=[*turns("a", "b"), said("user", "c", 200)], truncation="auto")
    assert left(small) == ["a", "a", "b", "b", "c"]
    assert small.stats()["operations"].get("countTokens", 0) == before


@pytest.mark.parametrize("truncation", ["disabled", None])
def test_who_does_not_let_turns_go_gets_googles_refusal(gateway: str, truncation: str | None) -> None:
    items = [*turns("a", "b", "c", "d", "e"), said("user", "f", 200)]
    error = refusal(gateway, model=MODELS[0], input=items, truncation=truncation)
    assert error["code"] == "context_length_exceeded"


def test_the_last_turn_stays_whole_or_the_request_is_refused(gateway: str) -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": words("o", 900)}
    items = [*turns("a"), said("user", "b", 200), call, output]
    error = refusal(gateway, model=MODELS[0], input=items, tools=[LOOK], truncation="auto")
    assert error["code"] == "context_length_exceeded"
    assert refusal(gateway, model=MODELS[0], input=words("z", 1100), truncation="auto")["code"] == error["code"]


def test_calls_go_with_their_results(gateway: str, small: SandboxServer) -> None:
    """A turn with two rounds of calls, and what the user said behind the last result, is one."""
    items = turns("a")
    for number in (1, 2):
        items += [
            {"type": "function_call", "call_id": f"call_{number}", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": f"call_{number}", "output": words("o", 300)},
        ]
    items += [said("user", "b", 100), *turns("c"), said("user", "d", 200)]
    answer(gateway, model=MODELS[0], input=items, tools=[LOOK], truncation="auto")
    assert left(small) == ["b", "c", "c", "d"]


def test_a_history_that_begins_with_the_models_turn(gateway: str, small: SandboxServer) -> None:
    items = [said("assistant", "a", 900), *turns("b"), said("user", "c", 200)]
    answer(gateway, model=MODELS[0], input=items, truncation="auto")
    assert left(small) == ["b", "b", "c"]


def test_an_instruction_among_the_contents_stays(gateway: str, small: SandboxServer) -> None:
    """The model has no place of its own for it."""
    items = [*turns("a", "b", "c", "d", "e"), said("user", "f", 200)]
    answer(gateway, model=MODELS[1], input=items, instructions=words("i", 50), truncation="auto")
    assert left(small)[0] == "i" and left(small)[-1] == "f"
    assert "systemInstruction" not in sent(small) and "a" not in left(small)


def test_files_of_a_tool_stay(gateway: str, small: SandboxServer) -> None:
    file = client_for(gateway).files.create(file=("a.txt", b"kept"), purpose="user_data")
    code = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [file.id]}}
    items = [*turns("a", "b", "c", "d", "e"), said("user", "f", 200)]
    answer(gateway, model=MODELS[0], input=items, tools=[code], truncation="auto")
    first = sent(small)["contents"][0]["parts"][0]
    assert "fileData" in first and sent(small)["contents"][1]["parts"][0]["text"][0] != "a"
