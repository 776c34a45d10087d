"""A key that Google rejects is named by its place in the config: in the answer and in the log."""

from __future__ import annotations

import json
from pathlib import Path

from gateways import sandbox_server
from processes import gateway_processes
from raw_http import call

CHAT = json.dumps({"model": "flash", "messages": [{"role": "user", "content": "Hello"}]}).encode()
NATIVE = b'{"contents":[{"parts":[{"text":"a"}]}]}'


def test_the_entry_of_a_rejected_key_is_named(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        entries = [
            {
                "model_name": name,
                "litellm_params": {"model": f"gemini/{model}", "api_key": key, "api_base": sandbox.url},
            }
            for name, model, key in (("other", "gemini-2.5-pro", "key-ok"), ("flash", "gemini-2.5-flash", "key-bad"))
        ]
        (tmp_path / "c.yaml").write_text(json.dumps({"model_list": entries}))
        body = {
            "error": {
                "code": 400,
                "status": "INVALID_ARGUMENT",
                "message": "API key not valid. Please pass a valid API key.",
                "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
            }
        }
        order = {"kind": "status", "operation": "*", "key": "key-bad", "code": 400, "body": body, "times": None}
        sandbox.control("faults", order)
        with gateway_processes(tmp_path / "c.yaml", tmp_path / "data") as (gateway,):
            answer = call(gateway.url, "POST", "/v1/chat/completions", CHAT)
            native = call(
                gateway.url, "POST", "/v1beta/models/flash:generateContent", b'{"contents":[{"parts":[{"text":"a"}]}]}'
            )
            gateway.stop()
            log = gateway.log.read_text()
    place = "'model_list[1] (flash)'"
    assert answer.status == 401 and answer.error()["code"] == "upstream_api_key_invalid"
    for message in (answer.error()["message"], native.json()["error"]["message"], log):
        assert place in message and "API key not valid" in message
        assert "key-bad" not in message and "key:" not in message
    assert "model_list[1] (flash): Google rejects the API key" in log
