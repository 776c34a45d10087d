"""A model's name is one segment at every door: a wildcard lets nobody walk out of `models/` with the operator's key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import liftgate
from gateways import SandboxServer, gateway_server
from liftgate.settings import load_settings
from raw_http import Answer, call

NAMES = [
    "flash-x/../models/gemini-2.5-pro",
    "flash-../../v1beta/models/gemini-2.5-pro",
    "flash-x/..",
    "flash-x/.",
    "flash-x/y",
    "flash-x%2fy",
    "flash-x%2F..%2Fy",
    "flash-x%252fy",
    "flash-x?key=1",
    "flash-x#y",
    "flash-x\\..\\y",
    "flash-x:generateContent",
    "flash-x\r\nHost: evil",
    "flash-x\u2028y",
    "flash-x\x00",
    "flash-x\x7f",
    "flash-x y",
    "flash-é",
    "flash-" + "x" * 5000,
    "gemini/../tunedModels/x",
    "gemini/tunedModels/../x",
    "gemini/tunedModels/x/y",
    "gemini/..",
    "gemini/.",
    "gemini//x",
    "gemini///x",
    "gemini/x/",
    "gemini/a/b",
    "..",
    ".",
    "x/../..",
    "openai/gpt-4o",
    "any-x/../y",
    "any-a?b",
    "any-\n",
]


@pytest.fixture(scope="module")
def base(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("models")
    (directory / "config.yaml").write_text(
        "model_list:\n"
        "  - {model_name: 'flash-*', litellm_params: {model: 'gemini/gemini-2.5-flash-*', api_key: key-a}}\n"
        "  - {model_name: 'gemini/*', litellm_params: {model: 'gemini/*', api_key: key-a}}\n"
        "  - {model_name: 'any-*', litellm_params: {model: gemini/gemini-2.5-flash, api_key: key-a}}\n"
        "  - {model_name: '*', litellm_params: {model: '*', api_key: key-a}}\n"
    )
    environ = {"GEMINI_API_BASE": sandbox.url, "HOME": "/"}
    settings, _ = load_settings(directory / "config.yaml", {"data_dir": str(directory / "data")}, environ)
    with gateway_server(settings) as url:
        yield url


def post(base: str, target: str, value: Any, headers: dict[str, str] | None = None) -> Answer:
    return call(base, "POST", target, json.dumps(value).encode(), headers)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_more_than_one_segment_is_404_and_nothing_is_sent(
    base: str, sandbox: SandboxServer, name: str
) -> None:
    before = sandbox.stats()
    chat = {"model": name, "messages": [{"role": "user", "content": "Hello"}]}
    for target in ("/v1/chat/completions", "/v1/chat/completions/input_tokens", "/chat/completions"):
        for body in (chat, {**chat, "stream": True}):
            answer = post(base, target, body)
            assert answer.status == 404, answer.body
            assert answer.error()["code"] == "model_not_found"
    reply = {"model": name, "input": "Hello"}
    responses: list[tuple[str, dict[str, object]]] = [("", {}), ("", {"stream": True}), ("", {"background": True})]
    for below, more in (*responses, ("/input_tokens", {}), ("/compact", {})):
        answer = post(base, f"/v1/responses{below}", {**reply, **more})
        assert answer.status == 404, (below, more, answer.body)
        assert answer.error()["code"] == "model_not_found"
    messages: list[tuple[str, dict[str, object]]] = [("", {"max_tokens": 9}), ("", {"max_tokens": 9, "stream": True})]
    for below, more in (*messages, ("/count_tokens", {})):
        answer = post(base, f"/v1/messages{below}", {**chat, **more}, {"anthropic-version": "2023-06-01"})
        assert answer.status == 404, (below, more, answer.body)
        assert answer.json()["error"]["type"] == "not_found_error"
    native = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    for method in ("generateContent", "streamGenerateContent", "countTokens", "embedContent"):
        answer = post(base, f"/v1beta/models/{quote(name, safe='')}:{method}", native)
        assert answer.status in (404, 431), answer.body
    for target in (f"/v1/models/{quote(name, safe='')}", f"/v1beta/models/{quote(name, safe='')}"):
        answer = call(base, "GET", target)
        assert answer.status in (404, 431), answer.body
    assert sandbox.stats() == before


@pytest.mark.parametrize(
    "name", ["gemini/gemini-2.5-flash", "gemini/models/gemini-2.5-flash", "gemini-2.5-flash", "any-thing"]
)
def test_a_plain_name_is_served(base: str, name: str) -> None:
    chat = {"model": name, "messages": [{"role": "user", "content": "Hello"}]}
    assert post(base, "/v1/chat/completions", chat).status == 200
    native = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    assert post(base, f"/v1beta/models/{quote(name, safe='')}:generateContent", native).status == 200


@pytest.mark.parametrize("name", ["gemini/../x", "a/b", "gemini/tunedModels/../x", "a?b", "..", "a\nb"])
def test_the_sdk_asks_for_no_such_name(name: str, sandbox: SandboxServer, tmp_path: Path) -> None:
    before = sandbox.stats()
    messages = [{"role": "user", "content": "Hello"}]
    with pytest.raises((liftgate.NotFoundError, liftgate.BadRequestError)):
        liftgate.completion(name, messages, api_key="key-a", api_base=sandbox.url)
    assert sandbox.stats() == before
