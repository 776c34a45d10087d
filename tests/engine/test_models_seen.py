"""Which models a gateway shows: those of its config, and behind a wildcard what Google lists, at both doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from google import genai

from gateways import SandboxServer, client_for, deployments, gateway_server, sandbox_server, settings_for
from liftgate.clock import SystemClock
from liftgate.deployments import Account, Deployment
from liftgate.engine.google_models import FRESH_SECONDS
from liftgate.gateway import Gateway
from liftgate.sandbox.app import SandboxSettings
from liftgate.server.app import build_app
from owners_house import Answer, send
from serving import serve

MODELS = ("gemini-flash-latest", "gemini-2.5-flash", "gemini-embedding-001", "gemini-2.5-flash-preview-tts")
ANN = {"Authorization": "Bearer sk-ann"}
ANN_NATIVE = {"x-goog-api-key": "sk-ann"}


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server(SandboxSettings(models=MODELS)) as server:
        yield server


def wildcard(url: str, name: str = "*", model: str = "*", key: str = "key-a") -> Deployment:
    [made] = deployments(url, (key,), model=model)
    return replace(made, id=f"{name} {key}", model_name=name)


def get(url: str, path: str, headers: dict[str, str] | None = None) -> Answer:
    return send(url, "GET", path, None, headers or (ANN_NATIVE if "v1beta" in path else ANN))


def listed(url: str) -> list[str]:
    """By OpenAI's door; Gemini's lists the same ones in the same order."""
    answer = get(url, "/v1/models")
    assert answer.status == 200, answer.body
    names = [model["id"] for model in json.loads(answer.body)["data"]]
    native = json.loads(get(url, "/v1beta/models?pageSize=1000").body)["models"]
    assert [model["name"] for model in native] == [f"models/{name}" for name in names]
    return names


def with_models(sandbox: SandboxServer, data_dir: Path, *served: Deployment) -> Any:
    return gateway_server(settings_for(sandbox, data_dir, deployments=served))


def asked(sandbox: SandboxServer) -> int:
    return int(sandbox.stats()["operations"].get("models", 0))


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wildcard_lists_googles_models(sandbox: SandboxServer, tmp_path: Path) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url)) as url, client_for(url) as client:
        assert listed(url) == list(MODELS)
        assert [model.id for model in client.models.list()] == list(MODELS)
        assert client.models.retrieve("gemini-flash-latest").id == "gemini-flash-latest"
        with genai.Client(api_key="sk-ann", http_options={"base_url": url}) as native:
            found = native.models.get(model="gemini-2.5-flash")
        assert (found.name, found.input_token_limit) == ("models/gemini-2.5-flash", 1_048_576)
        assert asked(sandbox) == 1, "kept, by one list for both doors"


@pytest.mark.parametrize(
    ("name", "model", "shown"),
    [
        ("gemini/*", "*", [f"gemini/{name}" for name in MODELS]),
        ("our-*", "gemini-2.5-*", ["our-flash", "our-flash-preview-tts"]),
        ("flash-*", "gemini-2.5-flash", []),
    ],
)
def test_names_are_those_that_the_wildcard_makes(
    sandbox: SandboxServer, tmp_path: Path, name: str, model: str, shown: list[str]
) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url, name, model)) as url, client_for(url) as client:
        assert listed(url) == shown
        for each in [name for name in shown if name.endswith("flash")]:
            assert client.chat.completions.create(model=each, messages=[{"role": "user", "content": "hi"}]).choices
            assert client.models.retrieve(each).id == each


def test_names_of_the_config_come_first_and_once(sandbox: SandboxServer, tmp_path: Path) -> None:
    named = replace(deployments(sandbox.url)[0], id="named", model_name="gemini-2.5-flash")
    ours = replace(named, id="ours", model_name="ours")
    narrow = wildcard(sandbox.url, "gemini-flash-*", "gemini-2.5-flash-*", "key-b")
    with with_models(sandbox, tmp_path, wildcard(sandbox.url), named, ours, narrow) as url:
        names = listed(url)
        assert names[:2] == ["gemini-2.5-flash", "ours"]
        assert sorted(names) == sorted({*names, "gemini-embedding-001"})
        # The closer pattern has that name: what it stands for is another model.
        assert "gemini-flash-latest" not in names and "gemini-flash-preview-tts" in names


def test_a_config_without_a_wildcard_asks_nobody(sandbox: SandboxServer, tmp_path: Path) -> None:
    with with_models(sandbox, tmp_path, *deployments(sandbox.url)) as url:
        assert listed(url) == ["gemini-2.5-flash"]
        [model] = json.loads(get(url, "/v1beta/models").body)["models"]
        assert model["supportedGenerationMethods"] == ["generateContent", "countTokens"]
        assert (model["inputTokenLimit"], model["outputTokenLimit"]) == (1_048_576, 65_536)
        assert asked(sandbox) == 0


def test_pages_are_googles(sandbox: SandboxServer, tmp_path: Path) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url)) as url:
        names, token = [], ""
        while True:
            page = json.loads(get(url, f"/v1beta/models?pageSize=3{token}").body)
            names += [model["name"].removeprefix("models/") for model in page["models"]]
            if "nextPageToken" not in page:
                break
            token = f"&pageToken={page['nextPageToken']}"
        assert names == list(MODELS)


def test_what_cannot_be_asked_here_is_not_listed(tmp_path: Path) -> None:
    with (
        upstream(
            {"models": [model("veo-3", "predictLongRunning"), model("x"), model("gemini-9", "generateContent")]}
        ) as (
            url,
            _,
        ),
        gateway_server(replace(settings_for(SandboxServer(url), tmp_path), deployments=(wildcard(url),))) as base,
    ):
        assert listed(base) == ["gemini-9"]


# ── what is no model ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "veo-3.1-lite-generate-preview/operations/umz7sqimep69",
        "gemini-2.5-flash/operations",
        "gemini-2.5-flash/permissions/x",
        "gemini-2.5-flash/versions",
        "gemini-none",
        "*",
    ],
)
def test_nothing_below_models_is_invented(sandbox: SandboxServer, tmp_path: Path, name: str) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url)) as url:
        native = get(url, f"/v1beta/models/{name}")
        assert (native.status, json.loads(native.body)["error"]["status"]) == (404, "NOT_FOUND")
        openai_ = get(url, f"/v1/models/{name}")
        assert openai_.status == 404 and set(json.loads(openai_.body)["error"]) == {"message", "type", "param", "code"}


def test_a_resource_name_below_models_is_no_model(sandbox: SandboxServer, tmp_path: Path) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url)) as url:
        for name in ("models/gemini-2.5-flash", "models/models/gemini-2.5-flash", "models%2Fgemini-2.5-flash"):
            assert get(url, f"/v1beta/models/{name}").status == 404, name
        assert json.loads(get(url, "/v1/models/models%2Fgemini-2.5-flash").body)["object"] == "model"


def test_a_model_that_google_serves_and_does_not_list_is_there(sandbox: SandboxServer, tmp_path: Path) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url)) as url:
        for _ in range(3):
            found = json.loads(get(url, "/v1beta/models/gemini-2.0-flash-001").body)
            assert found["name"] == "models/gemini-2.0-flash-001"
            assert get(url, "/v1/models/gemini-2.0-flash-001").status == 200
        assert asked(sandbox) == 2, "the list, and once the model"


# ── when Google is away ──────────────────────────────────────────────────────────────────────────────────────────────


class MovedClock(SystemClock):
    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + type(self).ahead


def test_a_list_is_told_stale_rather_than_empty(sandbox: SandboxServer, tmp_path: Path) -> None:
    class Clock(MovedClock):
        pass

    settings = settings_for(sandbox, tmp_path, deployments=(wildcard(sandbox.url),))
    with serve(build_app(Gateway(settings, clock=Clock()))) as url:
        assert listed(url) == list(MODELS)
        Clock.ahead = FRESH_SECONDS + 1
        sandbox.control("faults", {"kind": "status", "operation": "models", "code": 503, "times": None})
        assert listed(url) == list(MODELS)
        assert get(url, "/v1beta/models/gemini-2.5-flash").status == 200
        times = asked(sandbox)
        assert listed(url) == list(MODELS) and asked(sandbox) == times, "a failure is not asked for again at once"
        sandbox.control("faults", method="DELETE")
        Clock.ahead += FRESH_SECONDS
        assert listed(url) == list(MODELS) and asked(sandbox) == times + 1


def test_without_any_list_the_failure_is_told(sandbox: SandboxServer, tmp_path: Path) -> None:
    with with_models(sandbox, tmp_path, wildcard(sandbox.url)) as url, client_for(url) as client:
        sandbox.control("faults", {"kind": "status", "operation": "models", "code": 503, "times": None})
        with pytest.raises(openai.InternalServerError) as caught:
            client.models.list()
        assert caught.value.status_code == 503
        native = get(url, "/v1beta/models")
        assert (native.status, json.loads(native.body)["error"]["status"]) == (503, "UNAVAILABLE")
        # Chat has no part in it.
        assert client.chat.completions.create(model=MODELS[1], messages=[{"role": "user", "content": "hi"}]).choices
        sandbox.control("faults", method="DELETE")
        assert listed(url) == list(MODELS)


def test_an_account_that_cannot_be_asked_has_no_say(sandbox: SandboxServer, tmp_path: Path) -> None:
    refused = wildcard(sandbox.url, key="invalid-key")
    with with_models(sandbox, tmp_path, refused, wildcard(sandbox.url)) as url:
        assert listed(url) == list(MODELS)
    named = replace(deployments(sandbox.url)[0], id="named")
    with with_models(sandbox, tmp_path / "named", refused, named) as url:
        assert listed(url) == ["gemini-2.5-flash"]
    with with_models(sandbox, tmp_path / "alone", refused) as url:
        assert get(url, "/v1/models").status == 401


def test_lists_of_several_accounts_are_merged(tmp_path: Path) -> None:
    one = {"models": [model("gemini-a", "generateContent"), model("gemini-b", "generateContent")]}
    other = {"models": [model("gemini-b", "generateContent"), model("gemini-c", "generateContent")]}
    with upstream(one) as (first, _), upstream(other) as (second, _):
        served = (wildcard(first), replace(wildcard(second), account=Account("b", ("k",), second), id="b"))
        settings = replace(settings_for(SandboxServer(first), tmp_path), deployments=served)
        with gateway_server(settings) as url:
            assert listed(url) == ["gemini-a", "gemini-b", "gemini-c"]


def test_many_who_ask_at_once_are_one_call(tmp_path: Path) -> None:
    with upstream({"models": [model("gemini-a", "generateContent")]}, seconds=0.3) as (url, seen):
        settings = replace(settings_for(SandboxServer(url), tmp_path), deployments=(wildcard(url),))
        with gateway_server(settings) as base, ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: get(base, "/v1/models").status, range(12)))
        assert answers == [200] * 12
        assert len(seen) == 1


@pytest.mark.parametrize(
    "page",
    [
        {"models": "x"},
        {"models": [3]},
        {"models": [{"name": 3}, {}, {"name": "models/a"}, {"name": "models/b", "supportedGenerationMethods": 3}]},
        [],
    ],
)
def test_garbage_for_a_list_is_no_defect_of_ours(tmp_path: Path, page: object) -> None:
    with upstream(page) as (url, _):
        settings = replace(settings_for(SandboxServer(url), tmp_path), deployments=(wildcard(url),))
        with gateway_server(settings) as base:
            answer = get(base, "/v1/models")
            assert answer.status == 502 or json.loads(answer.body)["data"] == []
            assert get(base, "/v1beta/models/gemini-x").status in (404, 502)


def model(name: str, *methods: str) -> dict[str, Any]:
    return {"name": f"models/{name}", "supportedGenerationMethods": list(methods)}


@contextmanager
def upstream(page: object, *, seconds: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    """An upstream that lists this page, after so long; its URL, and the paths that were asked for."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await asyncio.sleep(seconds)
        whole = scope["path"] == "/v1beta/models"
        body = json.dumps(page if whole else {"error": {"code": 404, "status": "NOT_FOUND", "message": "m"}})
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200 if whole else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    with serve(app, lifespan="off") as url:
        yield url, seen
