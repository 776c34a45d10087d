"""What a call cost, where its caller and its record say it: headers, the usage of a stream, `CallRecord.cost`.

gemini-2.5-flash has one price on all days: $0.30 in, $1.00 for sound, $0.03 from a cache, $2.50 out.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateways import MODEL, client_for, deployments, gateway_server, sandbox_server, settings_for
from liftgate.errors import ConfigError
from liftgate.settings import CountingSettings, RouterSettings, load_settings
from processes import gateway_processes, write_config
from raw_http import call
from running import eventually
from test_meter import DOORS, KEY, STREAM, Door, Heard, Rig, every_door, hello, reply

USAGE = {
    "promptTokenCount": 112,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "AUDIO", "tokenCount": 100}],
    "cachedContentTokenCount": 60,
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}],
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 120,
    "serviceTier": "standard",
}
NANOS = 12 * 300 + 40 * 1000 + 60 * 100 + 8 * 2500
DOLLARS = "0.000069600"
HEADERS = ("x-liftgate-response-cost", "x-litellm-response-cost")


def ended(usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**reply("two", finish="STOP"), "usageMetadata": usage, "modelVersion": MODEL, **more}


def script(rig: Rig, door: Door, *answers: dict[str, Any]) -> None:
    for answer in answers:
        rig.sandbox.control("scripts", {"chunks": [reply("one "), answer]} if door.streamed else {"response": answer})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    heard = Heard()
    with sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path_factory.mktemp("cost"),
            router=RouterSettings(num_retries=1, allowed_fails=10**6),
            counting=CountingSettings(spend=True),
        )
        with gateway_server(settings, listeners=(heard,)) as url:
            yield Rig(url, sandbox, heard)


@pytest.fixture
def rig(shared: Rig) -> Iterator[Rig]:
    shared.heard.calls.clear()
    yield shared
    shared.sandbox.control("faults", method="DELETE")
    shared.sandbox.control("scripts", method="DELETE")


def post(rig: Rig, door: Door, body: dict[str, Any]) -> Any:
    return call(rig.url, "POST", door.path, json.dumps(door.body(body)).encode(), KEY)


@every_door
def test_record_has_the_cost_of_googles_usage_and_a_whole_answer_tells_it(door: Door, rig: Rig) -> None:
    script(rig, door, ended(USAGE))
    answer = post(rig, door, hello())
    assert answer.status == 200
    assert rig.heard.one().cost == NANOS
    for name in HEADERS:
        assert answer.headers.get(name) == (None if door.streamed else DOLLARS)


def test_usage_of_a_chat_tells_it_to_official_clients(rig: Rig) -> None:
    client = client_for(rig.url)
    messages: list[Any] = [{"role": "user", "content": "hello"}]
    script(rig, DOORS[0], ended(USAGE))
    whole = client.chat.completions.create(model=MODEL, messages=messages)
    assert whole.usage is not None and whole.usage.model_dump()["cost"] == NANOS / 1e9
    ChatCompletion.model_validate(whole.model_dump(), strict=True)
    script(rig, STREAM, ended(USAGE))
    stream = client.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert [chunk.usage.model_dump()["cost"] for chunk in chunks if chunk.usage] == [NANOS / 1e9]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True)


@every_door
def test_answers_that_were_of_no_use_are_paid_too(door: Door, rig: Rig) -> None:
    """Gemini gave up the first one for a reason that lies in no content, and it is asked once more."""
    if door.dialect != "openai":
        pytest.skip("Gemini's own clients are given the broken answer as it is")
    broken = {**reply("x", finish="MALFORMED_FUNCTION_CALL"), "usageMetadata": {"promptTokenCount": 1000}}
    rig.sandbox.control("scripts", {"chunks": [broken]} if door.streamed else {"response": broken})
    script(rig, door, ended(USAGE))
    assert post(rig, door, hello()).status == 200
    assert rig.heard.one().cost == NANOS + 1000 * 300


@every_door
def test_tier_that_google_served_decides(door: Door, rig: Rig) -> None:
    script(rig, door, ended({**USAGE, "serviceTier": "priority"}))
    assert post(rig, door, hello()).status == 200
    # 1.8 times each of the prices.
    assert rig.heard.one().cost == 12 * 540 + 40 * 1800 + 60 * 180 + 8 * 4500


@every_door
def test_what_google_did_not_answer_costs_nothing(door: Door, rig: Rig) -> None:
    rig.sandbox.control("scripts", {"status": 400, "body": {"error": {"code": 400, "message": "no", "status": "X"}}})
    answer = post(rig, door, hello())
    assert answer.status == 400 and not any(name in answer.headers for name in HEADERS)
    assert rig.heard.one().cost == 0


def test_what_asks_no_model_costs_nothing_and_says_nothing(rig: Rig) -> None:
    answer = call(rig.url, "GET", "/v1/files", b"", KEY)
    assert answer.status == 200 and not any(name in answer.headers for name in HEADERS)
    assert rig.heard.one().cost == 0
    rig.heard.calls.clear()
    counted = call(rig.url, "POST", "/v1/chat/completions/input_tokens", json.dumps(hello()).encode(), KEY)
    assert counted.status == 200 and not any(name in counted.headers for name in HEADERS)
    assert rig.heard.one().cost == 0


def test_model_without_a_price_has_no_cost_rather_than_none(tmp_path: Path) -> None:
    heard = Heard()
    with sandbox_server() as sandbox:
        named = deployments(sandbox.url, model="gemini-2.0-flash")
        settings = settings_for(sandbox, tmp_path, deployments=named, counting=CountingSettings(spend=True))
        with gateway_server(settings, listeners=(heard,)) as url:
            body = {**hello(), "model": "gemini-2.0-flash"}
            sandbox.control("scripts", {"response": {**ended(USAGE), "modelVersion": "gemini-2.0-flash"}})
            answer = call(url, "POST", "/v1/chat/completions", json.dumps(body).encode(), KEY)
    assert answer.status == 200 and not any(name in answer.headers for name in HEADERS)
    assert "cost" not in answer.json()["usage"]
    assert heard.one().cost is None


def test_without_the_setting_nothing_is_told(tmp_path: Path) -> None:
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path)) as url:
        sandbox.control("scripts", {"response": ended(USAGE)})
        answer = call(url, "POST", "/v1/chat/completions", json.dumps(hello()).encode(), KEY)
    assert answer.status == 200 and not any(name in answer.headers for name in HEADERS)
    assert "cost" not in answer.json()["usage"]


@pytest.mark.parametrize("section", ["litellm_params", "model_info"])
def test_operators_prices_in_litellms_names_go_before_the_list(section: str, tmp_path: Path) -> None:
    prices = {"input_cost_per_token": 0.0000001, "output_cost_per_token": "5e-6"}
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, spend=True)

        document = yaml.safe_load(config.read_text())
        document["model_list"][0].setdefault(section, {}).update(prices)
        config.write_text(yaml.safe_dump(document))
        with gateway_processes(config, tmp_path / "data") as [gateway]:
            sandbox.control("scripts", {"response": ended({"promptTokenCount": 1000, "candidatesTokenCount": 10})})
            answer = call(gateway.url, "POST", "/v1/chat/completions", json.dumps(hello()).encode(), KEY)
            assert answer.headers[HEADERS[0]] == "0.000150000"
            info = call(gateway.url, "GET", "/model/info", b"", KEY).json()["data"][0]["model_info"]
            assert float(info["input_cost_per_token"]) == 1e-7 and float(info["output_cost_per_token"]) == 5e-6
        assert "input_cost_per_token" not in gateway.log.read_text()


@pytest.mark.parametrize("value", [-1, "free", True, [1], "nan", "inf", 0.3, "1e300", 10**400])
def test_price_that_is_none_ends_the_start_and_is_named(value: object, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.yaml", "http://127.0.0.1:9")

    document = yaml.safe_load(config.read_text())
    document["model_list"][0]["litellm_params"]["output_cost_per_token_above_200k_tokens"] = value
    config.write_text(yaml.safe_dump(document))

    with pytest.raises(ConfigError, match=r"model_list\[0\]\.litellm_params\.output_cost_per_token_above_200k_tokens"):
        load_settings(config, {}, {})


def counted(rig: Rig, text: str) -> int:
    """The tokens of a text as Google counts them."""
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode()
    found: int = call(rig.url, "POST", f"/v1beta/models/{MODEL}:countTokens", body, KEY).json()["totalTokens"]
    rig.heard.one()
    rig.heard.calls.clear()
    return found


@every_door
def test_client_that_leaves_pays_for_what_it_asked(door: Door, rig: Rig) -> None:
    """Google said nothing of it yet: its own count of the prompt decides."""
    tokens = counted(rig, "hello there")
    answer = ended(USAGE)
    slow = {"chunks": [answer], "delay": 60} if door.streamed else {"response": answer, "delay": 60}
    rig.sandbox.control("scripts", slow)
    before = sum(rig.sandbox.stats()["operations"].values())
    with rig.asking(door, hello()):
        assert eventually(lambda: sum(rig.sandbox.stats()["operations"].values()) > before)
    record = rig.heard.one()
    assert (record.outcome, record.estimated, record.cost) == ("left", True, tokens * 300)


def test_client_that_leaves_a_stream_pays_for_what_came(rig: Rig) -> None:
    tokens = counted(rig, "hello there")
    rig.sandbox.control("scripts", {"chunks": [reply("twelve chars"), ended(USAGE)], "delays": [0, 60]})
    with rig.asking(STREAM, hello()) as connection:
        assert b"twelve chars" in read_until(connection, b"twelve chars")
    record = rig.heard.one()
    assert (record.outcome, record.estimated) == ("left", True)
    assert record.cost == tokens * 300 + 3 * 2500


@pytest.mark.parametrize("door", [STREAM, DOORS[3]], ids=["stream", "gemini stream"])
def test_what_google_has_reported_by_then_goes_before_any_reckoning(door: Door, rig: Rig) -> None:
    first = {**reply("one "), "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 2}}
    rig.sandbox.control("scripts", {"chunks": [first, ended(USAGE)], "delays": [0, 60]})
    with rig.asking(door, hello()) as connection:
        read_until(connection, b"one ")
    record = rig.heard.one()
    assert (record.outcome, record.estimated, record.cost) == ("left", False, 1000 * 300 + 2 * 2500)


def test_embeddings_without_usage_are_reckoned_by_their_length(tmp_path: Path) -> None:
    heard = Heard()
    model = "gemini-embedding-001"
    with sandbox_server() as sandbox:
        settings = settings_for(
            sandbox, tmp_path, deployments=deployments(sandbox.url, model=model), counting=CountingSettings(spend=True)
        )
        with gateway_server(settings, listeners=(heard,)) as url:
            body = json.dumps({"content": {"parts": [{"text": "some text goes here"}]}}).encode()
            answer = call(url, "POST", f"/v1beta/models/{model}:embedContent", body, KEY)
            assert answer.status == 200 and "usageMetadata" not in answer.json()
            record = heard.one()
            counted = call(
                url, "POST", f"/v1beta/models/{model}:countTokens", b'{"contents": [{"parts": [{"text": "x"}]}]}', KEY
            )
    assert record.estimated and record.cost is not None
    assert {answer.headers[name] for name in HEADERS} == {f"{record.cost / 1e9:.9f}"}
    assert not any(name in counted.headers for name in HEADERS)
    assert record.cost == record.tokens.prompt["TEXT"] * 150 > 0


def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    found = b""
    while wanted not in found:
        piece = connection.recv(65536)
        assert piece, found
        found += piece
    return found
