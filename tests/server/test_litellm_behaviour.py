"""What LiteLLM's settings do to requests, by the wire, and its routes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from gateways import SandboxServer, gateway_server
from liftgate.settings import load_settings
from litellm_configs import switch_off
from raw_http import Answer, call
from serving import serve


@pytest.fixture(autouse=True)
def fresh(sandbox: SandboxServer) -> None:
    sandbox.control("reset", {})
    switch_off(sandbox)


def entry(name: str, model: str = "gemini-2.5-flash", **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": f"gemini/{model}", "api_key": "key-a", **params}}


@contextmanager
def gateway(base: str, directory: Path, *entries: dict[str, Any], **sections: Any) -> Iterator[str]:
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump({"model_list": list(entries), **sections}))
    environ = {"GEMINI_API_BASE": base, "HOME": str(directory)}
    settings, _ = load_settings(path, {"data_dir": str(directory / "data")}, environ)
    with gateway_server(settings) as url:
        yield url


def chat(url: str, model: str = "g", target: str = "/v1/chat/completions", **more: Any) -> Answer:
    body = {"model": model, "messages": [{"role": "user", "content": "Tell me a story"}], **more}
    return call(url, "POST", target, json.dumps(body).encode())


def sent(sandbox: SandboxServer) -> dict[str, Any]:
    """Gemini's generationConfig of the last request."""
    body: dict[str, Any] = sandbox.control("bodies")["bodies"][-1]["body"]
    return dict(body.get("generationConfig", {}))


# ── defaults ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_defaults_of_a_deployment_hold_where_the_request_says_nothing(sandbox: SandboxServer, tmp_path: Path) -> None:
    defaults: dict[str, Any] = {
        "max_tokens": 7,
        "temperature": 0.25,
        "top_k": 5,
        "reasoning_effort": "low",
        "stop": ["END"],
    }
    with gateway(sandbox.url, tmp_path, entry("g", **defaults), entry("h")) as url:
        assert chat(url).status == 200
        found = sent(sandbox)
        assert (found["maxOutputTokens"], found["temperature"], found["topK"]) == (7, 0.25, 5)
        assert found["stopSequences"] == ["END"] and found["thinkingConfig"]["thinkingBudget"] == 1024
        assert chat(url, max_tokens=9, temperature=None, stream=True).status == 200
        assert (sent(sandbox)["maxOutputTokens"], sent(sandbox)["temperature"]) == (9, 0.25)
        assert chat(url, max_completion_tokens=11).status == 200
        assert sent(sandbox)["maxOutputTokens"] == 11
        assert chat(url, thinking={"type": "disabled"}).status == 200
        assert sent(sandbox)["thinkingConfig"]["thinkingBudget"] == 0
        assert chat(url, "h").status == 200
        assert "maxOutputTokens" not in sent(sandbox)


def test_an_answer_of_one_token_ends_with_length(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway(sandbox.url, tmp_path, entry("g", max_tokens=1)) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)
        reply = client.chat.completions.create(model="g", messages=[{"role": "user", "content": "A story, please"}])
        assert reply.choices[0].finish_reason == "length"


def test_extra_body_and_dropped_parameters_are_defaults_too(sandbox: SandboxServer, tmp_path: Path) -> None:
    params: dict[str, Any] = {"extra_body": {"labels": {"team": "red"}, "top_k": 3}, "additional_drop_params": ["seed"]}
    with gateway(sandbox.url, tmp_path, entry("g", **params)) as url:
        assert chat(url, seed=5).status == 200
        body = sandbox.control("bodies")["bodies"][-1]["body"]
        assert body["labels"] == {"team": "red"} and body["generationConfig"]["topK"] == 3
        assert "seed" not in body["generationConfig"]
        assert chat(url, top_k=9, additional_drop_params=["stop"], stop="x").status == 200
        body = sandbox.control("bodies")["bodies"][-1]["body"]
        assert body["generationConfig"] == {"topK": 9}


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deployment_has_times_of_its_own(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The slow one is given up, and its stand-in answers; streams by their own time."""
    slow = {"kind": "slow", "operation": "generate", "model": "gemini-2.5-pro", "seconds": 5, "times": None}
    sandbox.control("faults", slow)
    sandbox.control("faults", {**slow, "operation": "stream"})
    entries = (entry("g", "gemini-2.5-pro", timeout=0.2), entry("s", "gemini-2.5-pro", stream_timeout=0.2), entry("h"))
    settings = {"num_retries": 0, "fallbacks": [{"g": ["h"]}, {"s": ["h"]}]}
    with gateway(sandbox.url, tmp_path, *entries, router_settings=settings) as url:
        assert chat(url, "g").status == 200
        assert chat(url, "g", stream=True).status == 200
        assert chat(url, "s", stream=True).status == 200
    assert sandbox.control("bodies")["bodies"][-1]["model"] == "gemini-2.5-flash"


# ── a model that is gone ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_gone_is_answered_by_its_stand_in(sandbox: SandboxServer, tmp_path: Path, stream: bool) -> None:
    entries = (entry("g", "gemini-1.5-flash"), entry("h"))
    with gateway(sandbox.url, tmp_path, *entries, litellm_settings={"fallbacks": [{"g": ["h"]}]}) as url:
        for _ in range(3):
            assert chat(url, stream=stream).status == 200
        body = json.dumps({"contents": [{"parts": [{"text": "a"}]}]}).encode()
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        assert call(url, "POST", f"/v1beta/models/g:{method}", body).status == 200
        assert chat(url, target="/v1/chat/completions/input_tokens").status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_the_other_deployment_of_a_group_answers_every_time(
    sandbox: SandboxServer, tmp_path: Path, stream: bool
) -> None:
    entries = (entry("g", "gemini-1.5-flash"), entry("g"), entry("g", "gemini-1.0-pro"))
    with gateway(sandbox.url, tmp_path, *entries, router_settings={"cooldown_time": 600}) as url:
        assert [chat(url, stream=stream).status for _ in range(12)] == [200] * 12
        unhealthy = call(url, "GET", "/health").json()["unhealthy_endpoints"]
    asked = sandbox.control("stats")["statuses"]
    # Each of the two was asked at most once, and left alone then.
    assert sum(count for status, count in _flat(asked) if status == "404") == len(unhealthy) <= 2


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _flat(each, str(key))
    elif isinstance(value, int):
        yield name, value


def test_alone_it_is_a_404_that_is_not_tried_again(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway(sandbox.url, tmp_path, entry("g", "gemini-1.5-flash"), router_settings={"num_retries": 5}) as url:
        answer = chat(url)
    assert answer.status == 404 and answer.error()["code"] == "model_not_found"
    assert "models/gemini-1.5-flash is not found" in answer.error()["message"]
    assert sum(count for status, count in _flat(sandbox.control("stats")["statuses"]) if status == "404") == 1


def test_a_name_that_a_client_made_up_leaves_a_wildcard_as_it_is(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway(sandbox.url, tmp_path, entry("*", "*"), router_settings={"cooldown_time": 600}) as url:
        for _ in range(5):
            assert chat(url, "gemini-nosuch").status == 404
        assert chat(url, "gemini-2.5-flash").status == 200
        assert call(url, "GET", "/health").json()["unhealthy_count"] == 0


# ── other names ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_aliases_answer_and_are_listed_unless_hidden(sandbox: SandboxServer, tmp_path: Path) -> None:
    aliases = {"gpt-4": "g", "quiet": {"model": "g", "hidden": True}, "gone": "claude"}
    claude = {"model_name": "claude", "litellm_params": {"model": "anthropic/claude", "api_key": "os.environ/NO"}}
    with gateway(sandbox.url, tmp_path, entry("g"), claude, router_settings={"model_group_alias": aliases}) as url:
        for name in ("g", "gpt-4", "quiet"):
            answer = chat(url, name)
            assert (answer.status, answer.json()["model"]) == (200, name)
        for name in ("claude", "gone"):
            said = chat(url, name).error()
            assert said["code"] == "model_not_found" and "anthropic" in said["message"]
        listed = [model["id"] for model in call(url, "GET", "/v1/models").json()["data"]]
        assert listed == ["g", "gpt-4"]
        assert call(url, "GET", "/v1/models/quiet").status == 200
        native = call(url, "POST", "/v1beta/models/claude:generateContent", b"{}")
        assert native.status == 404 and "anthropic" in native.json()["error"]["message"]
        body = json.dumps({"contents": [{"parts": [{"text": "a"}]}]}).encode()
        assert call(url, "POST", "/v1beta/models/gpt-4:generateContent", body).status == 200


def test_a_wildcard_of_another_provider_says_whose_models_they_are(sandbox: SandboxServer, tmp_path: Path) -> None:
    other = {"model_name": "openai/*", "litellm_params": {"model": "openai/*", "api_key": "os.environ/NO"}}
    with gateway(sandbox.url, tmp_path, entry("g"), other) as url:
        assert "another provider's (openai)" in chat(url, "openai/gpt-4o").error()["message"]
        assert "another provider's" not in chat(url, "gpt-4o").error()["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_default_fallbacks_answer_for_every_model(sandbox: SandboxServer, tmp_path: Path, stream: bool) -> None:
    entries = (entry("g", "gemini-1.5-flash"), entry("h"))
    with gateway(sandbox.url, tmp_path, *entries, litellm_settings={"default_fallbacks": ["h"]}) as url:
        assert chat(url, stream=stream).status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_too_long_goes_to_the_model_that_takes_it(
    sandbox: SandboxServer, tmp_path: Path, stream: bool
) -> None:
    words = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
    said = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": words}}
    for operation in ("generate", "stream"):
        order = {"kind": "status", "operation": operation, "code": 400, "body": said, "times": None}
        sandbox.control("faults", {**order, "model": "gemini-2.5-flash"})
    entries = (entry("g"), entry("mid"), entry("long", "gemini-2.5-pro"))
    settings = {"context_window_fallbacks": [{"g": ["mid", "long"]}], "fallbacks": [{"mid": ["long"]}]}
    with gateway(sandbox.url, tmp_path, *entries, litellm_settings=settings) as url:
        assert chat(url, stream=stream).status == 200
        refused = chat(url, "mid", stream=stream)
        # Its fallbacks are for failures; a prompt that is too long is none.
        assert (refused.status, refused.error()["code"]) == (400, "context_length_exceeded")


# ── the wire to Gemini ───────────────────────────────────────────────────────────────────────────────────────────────


class Recorder:
    """An upstream that notes paths and headers, and answers as Gemini does."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append((scope["path"], {name.decode(): value.decode() for name, value in scope["headers"]}))
        text = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(text).encode()})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("/v1beta", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("/v1", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("/v1/publishers/google", "/v1/publishers/google/models/gemini-2.5-flash:generateContent"),
        ("/gemini", "/gemini/models/gemini-2.5-flash:generateContent"),
        ("/gemini/v1beta/", "/gemini/v1beta/models/gemini-2.5-flash:generateContent"),
    ],
)
def test_a_base_with_a_path_is_what_stands_before_models(tmp_path: Path, path: str, expected: str) -> None:
    upstream = Recorder()
    headers = {"X-Team": "red", "User-Agent": "ours"}
    with (
        serve(upstream, lifespan="off") as base,
        gateway(base, tmp_path, entry("g", api_base=base + path, extra_headers=headers)) as url,
    ):
        assert chat(url).status == 200
    ((asked, found),) = upstream.seen
    assert asked == expected
    assert (found["x-team"], found["user-agent"], found["x-goog-api-key"]) == ("red", "ours", "key-a")


# ── LiteLLM's routes ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_model_info_tells_limits_and_no_secret(sandbox: SandboxServer, tmp_path: Path) -> None:
    own = {**entry("g"), "model_info": {"id": "mine", "max_input_tokens": 77, "note": "ours"}}
    with gateway(sandbox.url, tmp_path, own, entry("h", "gemini-2.5-pro")) as url:
        for target in ("/model/info", "/v1/model/info"):
            first, second = call(url, "GET", target).json()["data"]
            assert (first["model_name"], first["litellm_params"]) == ("g", {"model": "gemini/gemini-2.5-flash"})
            info = first["model_info"]
            assert (info["id"], info["max_input_tokens"], info["note"]) == ("mine", 77, "ours")
            assert second["model_info"]["max_input_tokens"] == 1048576
            assert second["model_info"]["supports_vision"] is True
        one = call(url, "GET", "/v1/model/info?litellm_model_id=mine").json()["data"]
        assert [each["model_name"] for each in one] == ["g"]
        assert b"key-a" not in call(url, "GET", "/model/info").body


def test_health_tells_which_deployments_answer_and_needs_a_key(sandbox: SandboxServer, tmp_path: Path) -> None:
    entries = (entry("g"), entry("h", "gemini-1.5-flash"))
    sections = {"general_settings": {"master_key": "sk-the-master-key"}, "router_settings": {"cooldown_time": 600}}
    with gateway(sandbox.url, tmp_path, *entries, **sections) as url:
        key = {"Authorization": "Bearer sk-the-master-key"}
        for target in ("/health", "/model/info", "/v1/model/info"):
            assert call(url, "GET", target).status == 401
        before = sandbox.stats()
        found = call(url, "GET", "/health", headers=key).json()
        assert (found["healthy_count"], found["unhealthy_count"]) == (2, 0)
        assert sandbox.stats() == before
        body = json.dumps({"model": "h", "messages": [{"role": "user", "content": "a"}]}).encode()
        assert call(url, "POST", "/v1/chat/completions", body, key).status == 404
        found = call(url, "GET", "/health", headers=key).json()
        assert [each["model"] for each in found["unhealthy_endpoints"]] == ["gemini/gemini-1.5-flash"]
        assert [each["model_name"] for each in found["healthy_endpoints"]] == ["g"]


def test_the_paths_of_azure_and_of_engines_name_the_model(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway(sandbox.url, tmp_path, entry("team/g")) as url:
        body = json.dumps({"messages": [{"role": "user", "content": "a"}]}).encode()
        for target in (
            "/openai/deployments/team/g/chat/completions?api-version=2024-10-21",
            "/engines/team/g/chat/completions",
            "/v1/engines/team%2Fg/chat/completions",
        ):
            answer = call(url, "POST", target, body)
            assert (answer.status, answer.json().get("model")) == (200, "team/g"), answer.body
        client = openai.AzureOpenAI(azure_endpoint=url, api_key="any", api_version="2024-10-21", max_retries=0)
        reply = client.chat.completions.create(model="team/g", messages=[{"role": "user", "content": "a"}])
        assert reply.choices[0].finish_reason == "stop"
