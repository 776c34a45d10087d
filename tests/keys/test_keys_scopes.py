"""What a key may ask, at the doors of every API: models with patterns and aliases, routes, types."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from google import genai
from google.genai import errors as genai_errors

from gateways import SandboxServer, deployments
from key_calls import ask, client_for, make, refusal
from liftgate.errors import PermissionDenied
from liftgate.keys.key import Key, Place
from liftgate.keys.terms import Terms, written
from liftgate.records import KeyRecord

FLASH, PRO = "gemini-2.5-flash", "gemini-2.5-pro"
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def changes(sandbox: SandboxServer) -> dict[str, Any]:
    both = (*deployments(sandbox.url, ("key-a",), FLASH), *deployments(sandbox.url, ("key-b",), PRO))
    return {"deployments": both}


def genai_client(url: str, key: str) -> genai.Client:
    return genai.Client(api_key=key, http_options={"base_url": url})


CHAT_DOORS = [
    ("POST", "/v1/chat/completions", {"model": PRO, "messages": HELLO}, "openai"),
    ("POST", "/v1/chat/completions", {"model": PRO, "messages": HELLO, "stream": True}, "openai"),
    ("POST", "/chat/completions", {"model": PRO, "messages": HELLO}, "openai"),
    ("POST", "/v1/chat/completions/input_tokens", {"model": PRO, "messages": HELLO}, "openai"),
    ("POST", "/v1/responses", {"model": PRO, "input": "Hi"}, "openai"),
    ("POST", "/v1/responses", {"model": PRO, "input": "Hi", "stream": True}, "openai"),
    ("POST", "/v1/responses/input_tokens", {"model": PRO, "input": "Hi"}, "openai"),
    ("POST", "/v1/messages", {"model": PRO, "messages": HELLO, "max_tokens": 5}, "anthropic"),
    ("POST", "/v1/messages", {"model": PRO, "messages": HELLO, "max_tokens": 5, "stream": True}, "anthropic"),
    ("POST", "/v1/messages/count_tokens", {"model": PRO, "messages": HELLO}, "anthropic"),
    ("POST", f"/v1/engines/{PRO}/chat/completions", {"messages": HELLO}, "openai"),
    ("POST", f"/openai/deployments/{PRO}/chat/completions", {"messages": HELLO}, "openai"),
    ("POST", f"/v1beta/models/{PRO}:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}, "gemini"),
    ("POST", f"/v1beta/models/{PRO}:streamGenerateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}, "gemini"),
    ("POST", f"/v1beta/models/{PRO}:countTokens", {"contents": [{"parts": [{"text": "Hi"}]}]}, "gemini"),
    ("POST", f"/v1/models/{PRO}:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}, "gemini"),
]


@pytest.mark.parametrize(("method", "path", "body", "speaks"), CHAT_DOORS)
def test_no_door_asks_a_model_that_the_key_may_not(
    url: str, method: str, path: str, body: dict[str, Any], speaks: str
) -> None:
    made = make(url, models=[FLASH, "gemini-2.0-*"])
    refused = refusal(url, method, path, body, made["key"])
    assert refused.status == 403
    error = refused.error
    assert f"may not ask the model `{PRO}`" in error["message"] and FLASH in error["message"]
    if speaks == "anthropic":
        assert error["type"] == "permission_error"
    elif speaks == "gemini":
        assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    else:
        assert (error["code"], error["param"]) == ("key_model_access_denied", "model")


def test_the_official_clients_read_the_refusal_right(url: str) -> None:
    made = make(url, models=[FLASH])
    retrying = client_for(url, made["key"], retries=2)
    with pytest.raises(openai.PermissionDeniedError) as caught:
        retrying.chat.completions.create(model=PRO, messages=HELLO)
    assert caught.value.code == "key_model_access_denied"
    with genai_client(url, made["key"]) as google:
        with pytest.raises(genai_errors.ClientError) as told:
            google.models.generate_content(model=PRO, contents="Hi")
        assert (told.value.code, told.value.status) == (403, "PERMISSION_DENIED")
        assert google.models.generate_content(model=FLASH, contents="Hi").text


def test_lists_show_the_models_of_the_key(url: str) -> None:
    made = make(url, models=["*-flash"])
    client = client_for(url, made["key"])
    assert [model.id for model in client.models.list()] == [FLASH]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(PRO)
    assert [entry["model_name"] for entry in ask(url, "GET", "/model/info", key=made["key"])["data"]] == [FLASH]
    with genai_client(url, made["key"]) as google:
        assert [model.name for model in google.models.list()] == [f"models/{FLASH}"]
    assert {model.id for model in client_for(url, make(url)["key"]).models.list()} == {FLASH, PRO}


def test_an_alias_of_the_key_is_the_model_it_stands_for(url: str) -> None:
    made = make(url, models=[FLASH], aliases={"gpt-4o": FLASH, "gpt-5": PRO})
    client = client_for(url, made["key"])
    assert client.chat.completions.create(model="gpt-4o", messages=HELLO).model == FLASH
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model="gpt-5", messages=HELLO)
    with genai_client(url, made["key"]) as google:
        assert google.models.generate_content(model="gpt-4o", contents="Hi").text
    with pytest.raises(openai.NotFoundError):
        client_for(url, make(url)["key"]).chat.completions.create(model="gpt-4o", messages=HELLO)


def test_a_file_goes_to_no_model_that_the_key_may_not_ask(url: str) -> None:
    client = client_for(url, make(url, models=[FLASH])["key"])
    with pytest.raises(openai.PermissionDeniedError):
        client.files.create(file=b"x", purpose="user_data", extra_body={"target_model_names": PRO})
    assert client.files.create(file=b"x", purpose="user_data", extra_body={"target_model_names": FLASH}).id


def test_no_models_at_all_are_none(url: str) -> None:
    client = client_for(url, make(url, models=["no-default-models"])["key"])
    assert list(client.models.list()) == []
    with pytest.raises(openai.PermissionDeniedError, match="It may ask none"):
        client.chat.completions.create(model=FLASH, messages=HELLO)


def test_routes_are_opened_one_by_one(url: str) -> None:
    only_chat = make(url, allowed_routes=["/chat/completions"])["key"]
    assert client_for(url, only_chat).chat.completions.create(model=FLASH, messages=HELLO).choices
    with pytest.raises(openai.PermissionDeniedError):
        client_for(url, only_chat).files.list()
    refused = refusal(url, "GET", "/v1beta/files", key=only_chat)
    assert (refused.status, refused.error["status"]) == (403, "PERMISSION_DENIED")
    files = make(url, allowed_routes=["/v1/files*", "/v1beta/files*"])["key"]
    assert list(client_for(url, files).files.list()) == []
    assert ask(url, "GET", "/v1beta/files", key=files) == {}
    assert refusal(url, "POST", "/v1/chat/completions", {"model": FLASH, "messages": HELLO}, files).status == 403
    # A type that does not open them is not widened by naming them.
    assert refusal(url, "POST", "/key/generate", {}, make(url, allowed_routes=["/key/*"])["key"]).status == 403


def test_a_read_only_key_looks_and_does_nothing(url: str) -> None:
    key = make(url, key_type="read_only")["key"]
    for path in ("/v1/models", "/model/info", "/health", "/key/list"):
        ask(url, "GET", path, key=key)
    for method, path in (("GET", "/v1/files"), ("POST", "/v1/chat/completions"), ("POST", "/v1/uploads")):
        assert refusal(url, method, path, {}, key).status == 403


def key_with(**terms: Any) -> Key:
    return Key(KeyRecord("key_x", "t", "sk-...x", None, "o", 0, 0, 0, None, None, None, written(Terms(**terms))))


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("gemini/*", ["gemini/a", "gemini/"], ["gemini", "xgemini/a"]),
        ("*-flash", ["a-flash", "-flash"], ["a-flash-lite"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("g*2.*-f*", ["gemini-2.5-flash"], ["gemini-3-flash", "g2.-"]),
        ("gemini-2.5-flash", ["gemini-2.5-flash"], ["gemini-2x5-flash", "gemini-2.5-flash\n"]),
        ("**", ["", "x"], []),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, fits: list[str], fails: list[str]) -> None:
    key = key_with(models=(pattern,))
    assert [name for name in (*fits, *fails) if key.may_ask(name)] == fits


@pytest.mark.parametrize(
    ("allowed", "dialect", "path", "template", "opens"),
    [
        ("llm_api_routes", "gemini", "/v1beta/files", "/v1beta/files", True),
        ("openai_routes", "gemini", "/v1beta/files", "/v1beta/files", False),
        ("google_routes", "gemini", "/v1beta/files", "/v1beta/files", True),
        ("/v1/files/{file_id}", "openai", "/files/file-x", "/files/{file_id}", True),
        ("/files/*", "openai", "/v1/files/file-x", "/v1/files/{file_id}", True),
        ("/files", "openai", "/v1/files/file-x", "/v1/files/{file_id}", False),
        ("/v1/files", "gemini", "/v1beta/files", "/v1beta/files", False),
    ],
)
def test_routes_are_named_by_path_pattern_or_group(
    allowed: str, dialect: str, path: str, template: str, opens: bool
) -> None:
    key = key_with(allowed_routes=(allowed,))
    place = Place(dialect, path, template, ("llm_api",))
    if opens:
        key.check_route(place)
    else:
        with pytest.raises(PermissionDenied):
            key.check_route(place)
