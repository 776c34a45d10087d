"""LiteLLM's key routes as its users' scripts call them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import openai

from gateways import MODEL
from waiting import until

MASTER = "sk-master"
CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
_CLIENTS: list[openai.OpenAI] = []


def client_for(url: str, key: str, *, retries: int = 0, timeout: float = 60.0) -> openai.OpenAI:
    """The official client. It is closed at the end of the test."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=retries, timeout=timeout)
    _CLIENTS.append(client)
    return client


def close_clients() -> None:
    while _CLIENTS:
        _CLIENTS.pop().close()


class Refused(Exception):
    def __init__(self, status: int, error: dict[str, Any], headers: dict[str, str]) -> None:
        super().__init__(f"{status}: {error}")
        self.status = status
        self.error = error
        self.headers = headers


def ask(url: str, method: str, path: str, body: object = None, key: str = MASTER) -> Any:
    """The JSON of the answer. Raises Refused. The key goes where the clients of the path's API put it."""
    data = None if body is None else json.dumps(body).encode()
    gemini = path.startswith("/v1beta/") or ":" in path
    headers = {"x-goog-api-key": key} if gemini else {"Authorization": f"Bearer {key}"}
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(error.code, json.load(error)["error"], dict(error.headers)) from None


def make(url: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = ask(url, "POST", "/key/generate", fields)
    return made


def refusal(url: str, method: str, path: str, body: object = None, key: str = MASTER) -> Refused:
    try:
        answer = ask(url, method, path, body, key)
    except Refused as refused:
        return refused
    raise AssertionError(f"it was answered: {answer}")


def settled(url: str, key: str) -> dict[str, Any]:
    """What is known of a key, once nothing of its budgets is held any more: half a second after its last answer."""
    found: dict[str, Any] = {}

    def nothing_held() -> bool:
        found.update(ask(url, "GET", "/key/info", key=key)["info"])
        return not found["budgets"][0]["held"]

    until(nothing_held)
    return found


def spend(url: str, key: str) -> float:
    """Chats until one is refused; what they cost, in US dollars."""
    total = 0.0
    while True:
        try:
            usage = ask(url, "POST", CHAT, BODY, key)["usage"]
        except Refused as refused:
            assert refused.status == 429
            return total
        total += usage["prompt_tokens"] * 0.30e-6 + usage["completion_tokens"] * 2.50e-6
