"""Tool calls while the catalogue is away: answers go out, their signatures stay in memory, and nothing is refused."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat_wire import SIGNING, chat_settings, chunks_of, post, put_together, streamed
from gateways import SandboxServer, gateway_server
from liftgate.sandbox.answers.signatures import signature_of
from liftgate.settings import StorageSettings
from postgres_cluster import PostgresCluster

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_loop_of_calls_outlives_the_catalogue(
    stream: bool, postgres_cluster: PostgresCluster, postgres_url: str, sandbox: SandboxServer, tmp_path: Path
) -> None:
    settings = chat_settings(sandbox, tmp_path)
    storage = StorageSettings(data_dir=tmp_path, database_url=postgres_url)
    with gateway_server(replace(settings, storage=storage)) as url:
        messages: list[Any] = [{"role": "user", "content": 'call look({"far": true})'}]
        body = {"model": SIGNING, "messages": messages, "tools": [LOOK]}
        postgres_cluster.stop(at_once=True)
        try:
            if stream:
                message = put_together(chunks_of(streamed(url, body)))[0]["message"]
            else:
                status, _, answer = post(url, body)
                assert status == 200, answer
                message = answer["choices"][0]["message"]
            [call] = message["tool_calls"]
            sent_back = {key: call[key] for key in ("id", "type", "function")}
            unknown = {**sent_back, "id": "call_" + "x" * 24}
            results = [
                {"role": "tool", "tool_call_id": each["id"], "content": "a lake"} for each in (sent_back, unknown)
            ]
            messages += [{"role": "assistant", "tool_calls": [sent_back]}, results[0]]
            messages += [{"role": "assistant", "tool_calls": [unknown]}, results[1]]
            status, _, answer = post(url, body)
            assert status == 200, answer
        finally:
            postgres_cluster.start()
    turns = [
        content["parts"][0]
        for content in sandbox.control("bodies")["bodies"][-1]["body"]["contents"]
        if content["role"] == "model"
    ]
    real = base64.b64encode(signature_of("look", {"far": True})).decode()
    assert [turn["thoughtSignature"] for turn in turns] == [real, "skip_thought_signature_validator"]
