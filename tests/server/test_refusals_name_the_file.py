"""What Gemini refuses of one of several files says which: by id, name, type and parameter, at every door."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from liftgate import errors
from liftgate.sdk.client import Liftgate
from running import MODEL, Running

UNSUPPORTED = "Unsupported MIME type: audio/flac"
NO_PAGES = "The document has no pages."
NO_IMAGE = "Unable to process input image. Please retry or report in https://developers.generativeai.google"


def refuse(gateway: Running, operation: str, message: str) -> None:
    body = {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
    gateway.order("faults", kind="status", operation=operation, code=400, body=body)


def files(gateway: Running) -> dict[str, str]:
    """One of each type: the id by its name."""
    contents = {
        "a.txt": b"text",
        "b.flac": b"no signature",
        "c.pdf": b"%PDF-1.4\n",
        "d.png": b"\x89PNG\r\n\x1a\n" + bytes(9),
    }
    with gateway.client() as client:
        return {
            name: client.files.create(file=(name, data, "application/octet-stream"), purpose="user_data").id
            for name, data in contents.items()
        }


def about(ids: dict[str, str]) -> Any:
    return [{"role": "user", "content": [{"type": "file", "file": {"file_id": each}} for each in ids.values()]}]


CASES = [
    (UNSUPPORTED, "b.flac", "audio/flac", 1),
    (NO_PAGES, "c.pdf", "application/pdf", 2),
    (NO_IMAGE, "d.png", "image/png", 3),
]


@pytest.mark.parametrize("form", ["plain", "stream", "count"])
@pytest.mark.parametrize(("message", "name", "mime_type", "place"), CASES, ids=lambda value: str(value)[:12])
def test_refusal_names_the_file(
    form: str, message: str, name: str, mime_type: str, place: int, gateway: Running
) -> None:
    ids = files(gateway)
    refuse(gateway, {"plain": "generate", "stream": "stream", "count": "countTokens"}[form], message)
    path = "/v1/chat/completions" + ("/input_tokens" if form == "count" else "")
    body = {"model": MODEL, "messages": about(ids)} | ({"stream": True} if form == "stream" else {})
    answer = gateway.post(path, body)
    error = answer.json()["error"]
    assert answer.status == 400
    assert error["param"] == f"messages[0].content[{place}].file.file_id"
    assert all(word in error["message"] for word in (ids[name], f"'{name}'", mime_type, message)), error
    assert error["code"] == ("unsupported_file" if message == UNSUPPORTED else None)


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent", "countTokens"])
def test_refusal_names_the_file_in_googles_form(method: str, gateway: Running) -> None:
    ids = files(gateway)
    operation = {"generateContent": "generate", "streamGenerateContent": "stream"}.get(method, method)
    refuse(gateway, operation, UNSUPPORTED)
    uris = [f"https://generativelanguage.googleapis.com/v1beta/files/{each[5:]}" for each in ids.values()]
    body = {"contents": [{"parts": [{"fileData": {"fileUri": uri}} for uri in uris]}]}
    answer = gateway.post(f"/v1beta/models/{MODEL}:{method}", body, {"x-goog-api-key": "any"})
    error = answer.json()["error"]
    assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert all(word in error["message"] for word in (ids["b.flac"], "'b.flac'", UNSUPPORTED)), error


def test_refusal_names_the_place_of_inline_data(gateway: Running) -> None:
    data = base64.b64encode(b"no signature").decode()
    parts = [{"type": "file", "file": {"file_data": data, "filename": name}} for name in ("a.txt", "b.flac", "c.mp3")]
    refuse(gateway, "generate", UNSUPPORTED)
    answer = gateway.post("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": parts}]})
    error = answer.json()["error"]
    assert (answer.status, error["param"], error["code"]) == (
        400,
        "messages[0].content[1].file.file_data",
        "unsupported_file",
    )
    assert "'b.flac'" in error["message"]


def test_refusal_about_any_of_several_or_none_stays_as_it_is(gateway: Running) -> None:
    with gateway.client() as client:
        ids = {
            f"{place}.pdf": client.files.create(
                file=(f"{place}.pdf", b"%PDF-1." + place.encode()), purpose="user_data"
            ).id
            for place in ("1", "2")
        }
    for message in (NO_PAGES, "Request contains an invalid argument."):
        refuse(gateway, "generate", message)
        error = gateway.post("/v1/chat/completions", {"model": MODEL, "messages": about(ids)}).json()["error"]
        assert (error["message"], error["param"]) == (message, None)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Unsupported file URI type: gs://bucket/film.mp4", 1),
        ("Unsupported file URI type: gs://bucket/other.mp4", None),
        ("Cannot fetch content from the provided URL.", 1),
        ("Cannot fetch content from the provided URL. Status: URL_ROBOTED-ROBOTED_DENIED", 1),
        ("The file is broken.", None),
    ],
)
def test_refusal_of_what_gemini_fetches_names_its_place(message: str, found: int | None, gateway: Running) -> None:
    """And never the file beside it."""
    ids = files(gateway)
    film = {"type": "video_url", "video_url": {"url": "gs://bucket/film.mp4"}}
    stored = {"type": "file", "file": {"file_id": ids["a.txt"]}}
    refuse(gateway, "generate", message)
    asked = {"model": MODEL, "messages": [{"role": "user", "content": [stored, film]}]}
    error = gateway.post("/v1/chat/completions", asked).json()["error"]
    assert error["param"] == (None if found is None else f"messages[0].content[{found}].video_url.url")
    assert (ids["a.txt"] in error["message"]) is False and message in error["message"]


def test_refusal_of_one_of_two_that_gemini_fetches_stays_as_it_is(gateway: Running) -> None:
    films = [{"type": "video_url", "video_url": {"url": f"gs://bucket/{name}.mp4"}} for name in "ab"]
    asked = {"model": MODEL, "messages": [{"role": "user", "content": films}]}
    refuse(gateway, "generate", "Cannot fetch content from the provided URL.")
    assert gateway.post("/v1/chat/completions", asked).json()["error"]["param"] is None
    refuse(gateway, "generate", "Unsupported file URI type: gs://bucket/b.mp4")
    error = gateway.post("/v1/chat/completions", asked).json()["error"]
    assert error["param"] == "messages[0].content[1].video_url.url"


def test_sdk_names_the_file(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_BASE", gateway.sandbox)
    monkeypatch.setenv("GEMINI_API_KEY", "key-a1")
    with Liftgate() as client:
        made = {name: client.create_file(file=(name, b"no signature")).id for name in ("a.txt", "b.flac")}
        refuse(gateway, "generate", UNSUPPORTED)
        with pytest.raises(errors.FileUnusable) as refused:
            client.completion(MODEL, about(made))
    assert refused.value.param == "messages[0].content[1].file.file_id"
    assert made["b.flac"] in refused.value.message
