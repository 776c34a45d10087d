"""What clients of chat met with and had mended, at the door of Messages: one rule in one place serves each API."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from liftgate.dialects.messages.errors import in_anthropics_words
from liftgate.errors import ModelNotFound
from messages_rig import (
    LOOK,
    MODEL,
    SIGNED,
    UNFILLED,
    assistant,
    built,
    call,
    events,
    message,
    post,
    refused,
    sent,
    text,
    user,
)

USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
WAV = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
SEARCH = {"type": "web_search_20260318", "name": "web_search"}
FILM = "https://www.youtube.com/watch?v=abcdefghijk"


def used(name: str = "look", given: Any = None, use_id: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": use_id, "name": name, "input": {} if given is None else given}


def result(content: Any = "1", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **more}


def data(kind: str, content: bytes, block: str = "document") -> dict[str, Any]:
    encoded = base64.b64encode(content).decode()
    return {"type": block, "source": {"type": "base64", "media_type": kind, "data": encoded}}


def linked(url: str, block: str = "document") -> dict[str, Any]:
    return {"type": block, "source": {"type": "url", "url": url}}


def says(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, **more}
    return {"candidates": [candidate], "usageMetadata": USAGE}


# ── at most one call (T1) ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["auto", "any", "tool"])
@pytest.mark.parametrize("tools", [[LOOK], [LOOK, SEARCH]], ids=["functions", "google's beside them"])
def test_one_call_at_most(gateway: str, sandbox: SandboxServer, tools: list[Any], kind: str) -> None:
    calls = [{"functionCall": {"name": "look", "args": {"at": place}}} for place in ("a", "b", "c")]
    spread = [says(calls[0], finish=None), says({"text": "and"}, *calls[1:])]
    choice = {"type": kind, "disable_parallel_tool_use": True, **({"name": "look"} if kind == "tool" else {})}
    for answer in ({"response": says(*calls)}, {"chunks": spread}):
        for asked, shown in ((True, ["a"]), (False, ["a", "b", "c"])):
            sandbox.control("scripts", answer)
            body = {"tools": tools, "tool_choice": {**choice, "disable_parallel_tool_use": asked}}
            got = message(gateway, **body) if "response" in answer else built(events(gateway, **body))
            assert [each["input"]["at"] for each in got["content"] if each["type"] == "tool_use"] == shown
            assert got["stop_reason"] == "tool_use"
    history = [user("x"), assistant(used(given={"at": "a"})), user(result())]
    message(gateway, messages=history, tools=tools, tool_choice=choice)


# ── turns, calls and results (T2 to T4, F7) ──────────────────────────────────────────────────────────────────────────

ROUND = [assistant(used()), user(result())]
SYSTEM = {"role": "system", "content": "S"}
ORDERS: dict[str, list[Any]] = {
    "opens with a call": ROUND,
    "opens with words": [assistant("hm"), user("x")],
    "opens with words and a call": [assistant(text("hm"), used()), ROUND[1]],
    "an instruction in front of a call": [SYSTEM, *ROUND],
    "an instruction between call and result": [user("x"), ROUND[0], SYSTEM, ROUND[1]],
    "an instruction alone": [SYSTEM],
    "an empty assistant": [user("x"), assistant("")],
    "several of each in a row": [user("x"), user("x"), assistant("a"), assistant("b"), *ROUND, user("y")],
}


@pytest.mark.parametrize("model", [MODEL, SIGNED, UNFILLED])
def test_orders_of_turns(gateway: str, sandbox: SandboxServer, model: str) -> None:
    for order, messages in ORDERS.items():
        message(gateway, model=model, messages=messages, tools=[LOOK])
        assert sent(sandbox)["contents"][0]["role"] == "user" or order == "opens with words"


@pytest.mark.parametrize(
    ("given", "args"),
    [
        ('{"at": "x', {"arguments": '{"at": "x'}),
        ('{"at":1}{"at":2}', {"arguments": '{"at":1}{"at":2}'}),
        ("look around", {"arguments": "look around"}),
        ([1, 2], {"arguments": "[1,2]"}),
        (5, {"arguments": "5"}),
        ('{"at":"x"}', {"at": "x"}),
        ("", {}),
    ],
    ids=str,
)
def test_input_of_another_models_call_that_is_no_object(
    gateway: str, sandbox: SandboxServer, given: Any, args: dict[str, Any]
) -> None:
    """A stream that was cut leaves a text; it must not end the conversation."""
    message(gateway, messages=[user("x"), assistant(used(given=given)), user(result())], tools=[LOOK])
    assert sent(sandbox)["contents"][1]["parts"][0]["functionCall"]["args"] == args


@pytest.mark.parametrize(
    ("words", "response"),
    [
        ('{"schema":{"$ref":"#/$defs/A","$defs":{"A":{}}}}', None),
        ('[{"$ref": 1}]', None),
        ('{"\\u0024ref":"#/a"}', None),
        ('{"output":1,"code":0}', {"output": 1, "code": 0}),
        ('{"error":"no","detail":"d"}', {"error": "no", "detail": "d"}),
    ],
)
def test_a_result_whose_keys_mean_something_to_gemini(
    gateway: str, sandbox: SandboxServer, words: str, response: Any
) -> None:
    for content in (words, [text(words)]):
        for failed, key in ((False, "output"), (True, "error")):
            asked = [user("x"), assistant(used()), user(result(content, is_error=failed))]
            message(gateway, model=SIGNED, messages=asked, tools=[LOOK])
            made = sent(sandbox)["contents"][2]["parts"][0]["functionResponse"]["response"]
            assert made == {key: words if response is None or failed else response}


@pytest.mark.parametrize("model", [MODEL, SIGNED])
@pytest.mark.parametrize(
    "block", [data("audio/wav", WAV), data("video/mp4", b"\x00\x00\x00\x18ftypmp42"), linked(FILM)]
)
def test_sound_and_video_in_a_result(gateway: str, sandbox: SandboxServer, model: str, block: dict[str, Any]) -> None:
    asked = [user("x"), assistant(used()), user(result([text("t"), block]))]
    message(gateway, model=model, messages=asked, tools=[LOOK])
    responses, media = sent(sandbox)["contents"][2:]
    assert "parts" not in responses["parts"][0]["functionResponse"] and media["role"] == "user"


# ── tools and schemas (T5, T7, T9, T12) ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tools", "switched"),
    [
        ([LOOK, SEARCH], True),
        ([{"type": "bash_20250124", "name": "bash"}, {"type": "web_fetch_20250910", "name": "web_fetch"}], True),
        ([{"type": "code_execution_20260521", "name": "code_execution"}, LOOK], True),
        ([LOOK], False),
        ([SEARCH], False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_googles_tools_beside_functions(gateway: str, sandbox: SandboxServer, tools: list[Any], switched: bool) -> None:
    message(gateway, model=SIGNED, tools=tools)
    assert ("includeServerSideToolInvocations" in sent(sandbox).get("toolConfig", {})) is switched


@pytest.mark.parametrize("name", ["21st_magic", "-x", "0", "1" * 64])
def test_a_name_that_gemini_refuses(gateway: str, sandbox: SandboxServer, name: str) -> None:
    tools = [{**LOOK, "name": name}, {**LOOK, "name": "_" + name.lstrip("_")}]
    asked: dict[str, Any] = {"model": SIGNED, "tools": tools, "tool_choice": {"type": "tool", "name": name}}
    for said in (message(gateway, **asked), built(events(gateway, **asked))):
        (block,) = said["content"]
        assert block["name"] == name
    message(
        gateway,
        model=SIGNED,
        tools=tools,
        messages=[user("x"), assistant(block), user({**result(), "tool_use_id": block["id"]})],
    )
    body = sent(sandbox)
    names = [each["name"] for each in body["tools"][0]["functionDeclarations"]]
    assert len(set(names)) == 2 and name not in names
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == names[0]
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == names[0]


def test_a_name_of_another_models_history(gateway: str, sandbox: SandboxServer) -> None:
    for name in ("with space", "größe", "a/b", "x" * 300):
        message(gateway, messages=[user("x"), assistant(used(name)), user(result())], tools=[LOOK])
        contents = sent(sandbox)["contents"]
        assert contents[1]["parts"][0]["functionCall"]["name"] == contents[2]["parts"][0]["functionResponse"]["name"]
        assert "tools.0.name" in refused(post(gateway, tools=[{**LOOK, "name": name}]))["message"].replace("[0]", ".0")


def test_neighbours_of_a_reference(gateway: str, sandbox: SandboxServer) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/X", "type": "string", "examples": ["x"]}, "b": {"$ref": "#/$defs/X"}},
        "$defs": {"X": {"type": "string", "enum": ["x", "y"]}},
    }
    spelled_out = {"type": "string", "enum": ["x", "y"], "examples": ["x"]}
    for asked in (
        {"tools": [{**LOOK, "input_schema": schema}]},
        {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
        {"output_format": {"type": "json_schema", "schema": schema}},
    ):
        message(gateway, model=SIGNED, **asked)
        body = sent(sandbox)
        found = (
            body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
            if "tools" in body
            else body["generationConfig"]["responseJsonSchema"]
        )
        assert found["properties"] == {"a": spelled_out, "b": {"$ref": "#/$defs/X"}}
    wrong = {"type": "object", "properties": {"a": {"$ref": "#/$defs/none", "title": "T"}}}
    told = refused(post(gateway, tools=[{**LOOK, "input_schema": wrong}]))["message"]
    assert told.startswith("tools.0.input_schema.properties.a.$ref: ")


@pytest.mark.parametrize("model", [MODEL, SIGNED])
def test_json_beside_functions(gateway: str, model: str) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    asked = {"model": model, "tools": [LOOK], "output_config": {"format": {"type": "json_schema", "schema": schema}}}
    for said in (message(gateway, **asked), built(events(gateway, **asked))):
        assert json.loads(said["content"][-1]["text"]).keys() == {"name"}
    (block,) = message(gateway, **asked, tool_choice={"type": "any"})["content"]
    assert block["type"] == "tool_use" and block["name"] == "look"


# ── fields, ends, citations (T8, T10, T11, D1, D5, D15) ──────────────────────────────────────────────────────────────


def test_geminis_own_fields_win_in_either_spelling(gateway: str, sandbox: SandboxServer) -> None:
    asked = {"model": SIGNED, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    for own in (
        {"thinking_config": {"include_thoughts": False}},
        {"generationConfig": {"thinkingConfig": {"includeThoughts": False}}},
        {"generation_config": {"thinking_config": {"include_thoughts": False}}},
    ):
        message(gateway, **asked, **own)
        config = sent(sandbox)["generationConfig"]["thinkingConfig"]
        assert config == {"thinkingLevel": "LOW", "includeThoughts": False}


def test_null_is_absent_in_every_object(gateway: str) -> None:
    nulls = dict.fromkeys(("cache_control", "citations", "foo"))
    image = data("image/png", PNG, "image")
    image["source"] |= {"url": None, "file_id": None}
    words = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x", "foo": None}}
    message(
        gateway,
        system=[{**text("S"), **nulls}],
        messages=[
            {**user({**text("x"), **nulls}, {**image, **nulls}, {**words, **nulls, "title": None}), "id": None},
            {**assistant({**used(), **nulls, "caller": None}, {**text("x"), **nulls}), "stop_reason": None},
            user({**result(), **nulls, "is_error": None}),
        ],
        tools=[
            {**LOOK, **nulls, "type": None, "description": None, "strict": None, "input_examples": None},
            {**SEARCH, "max_uses": None, "allowed_domains": None, "user_location": None, "foo": None},
        ],
        tool_choice={"type": "auto", "name": None, "disable_parallel_tool_use": None, "foo": None},
        thinking={"type": "disabled", "budget_tokens": None, "foo": None},
        output_config=dict.fromkeys(("effort", "format", "task_budget", "foo")),
        metadata={"user_id": None},
        container=None,
        google=None,
    )


def test_whole_numbers_in_either_spelling(gateway: str, sandbox: SandboxServer) -> None:
    message(gateway, max_tokens=2000.0, top_k=20.0, thinking={"type": "enabled", "budget_tokens": 1024.0})
    config = sent(sandbox)["generationConfig"]
    assert (config["maxOutputTokens"], config["topK"], config["thinkingConfig"]["thinkingBudget"]) == (2000, 20, 1024)


def test_ends_that_lie_in_no_content_are_tried_again(gateway: str, sandbox: SandboxServer) -> None:
    for reason in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER"):
        for ask in (message, lambda url: built(events(url))):
            sandbox.control("scripts", {"response": says(finish=reason)})
            said = ask(gateway)
            assert said["stop_reason"] == "end_turn" and said["content"][0]["text"]
    for absent in (None, "FINISH_REASON_UNSPECIFIED"):
        sandbox.control("scripts", {"response": says({"text": "x"}, finish=absent)})
        assert message(gateway)["content"][0]["text"] == "x"


def test_citations_that_a_stream_brings_in_pieces(gateway: str, sandbox: SandboxServer) -> None:
    cited = [
        {"startIndex": 0, "endIndex": 3, "uri": "https://a.example/1"},
        {"startIndex": 4, "endIndex": 7, "uri": "https://b.example/2"},
    ]
    first = says({"text": "one "}, citationMetadata={"citationSources": cited[:1]})
    del first["candidates"][0]["finishReason"]
    last = says({"text": "two"}, citationMetadata={"citationSources": cited})
    sandbox.control("scripts", {"chunks": [first, last]})
    streamed = built(events(gateway))["content"]
    sandbox.control("scripts", {"response": says({"text": "one two"}, citationMetadata={"citationSources": cited})})
    assert message(gateway)["content"] == streamed
    told = [(each["url"], each["cited_text"]) for each in streamed[0]["citations"]]
    assert told == [("https://a.example/1", "one"), ("https://b.example/2", "two")]


# ── files (F3 to F17) ────────────────────────────────────────────────────────────────────────────────────────────────

FILES = [
    ("main.rs", "application/rls-services+xml", b"fn main() {}\n", "text/plain"),
    ("v.ts", "application/octet-stream", (b"\x47\x40\x00\x10" + bytes(184)) * 5, "video/mpeg"),
    ("shot.txt", "text/plain", PNG, "image/png"),
    ("logo.svg", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "text/plain"),
    ("blob", "application/octet-stream", "hello\n".encode("utf-16"), "text/plain"),
    ("voice.m4a", "audio/mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(40), "audio/m4a"),
    ("x.bin", "application/octet-stream", b"\x01\x02\x03\x00\xff", None),
    ("a.gif", "image/gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", None),
]


def upload(gateway: str, disposition: bytes, content: bytes, *lines: bytes) -> Any:
    head = b"\r\n".join((b'Content-Disposition: form-data; name="file"; ' + disposition, *lines))
    body = b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    key = {"x-api-key": "sk-ann", "anthropic-version": "2023-06-01"}
    return call(gateway, "POST", "/v1/files", body, {**key, "content-type": "multipart/form-data; boundary=b"})


@pytest.mark.parametrize(("name", "declared", "content", "found"), FILES, ids=[name for name, *_ in FILES])
def test_a_file_has_one_type(
    gateway: str, sandbox: SandboxServer, name: str, declared: str, content: bytes, found: str | None
) -> None:
    got = upload(gateway, b'filename="%b"' % name.encode(), content, b"Content-Type: " + declared.encode())
    stored = got.json()["id"]
    if found is not None:
        assert got.json()["mime_type"] == found
    with client_for(gateway) as client:
        assert client.files.content(stored).read() == content
    for block, key in (
        (data(declared, content), "source.data"),
        (data(declared, content, "image"), "source.data"),
        ({"type": "document", "source": {"type": "file", "file_id": stored}}, "source.file_id"),
    ):
        if found is not None:
            message(gateway, messages=[user(block)])
            (part,) = sent(sandbox)["contents"][0]["parts"]
            assert next(iter(part.values()))["mimeType"] == found
            continue
        before = len(sandbox.control("bodies")["bodies"])
        told = refused(post(gateway, messages=[user(block)]))["message"].replace("[0]", ".0")
        assert f"messages.0.content.0.{key}" in told and "Gemini does not take" in told
        assert len(sandbox.control("bodies")["bodies"]) == before, "nothing was sent"


@pytest.mark.parametrize(
    ("disposition", "lines", "name", "size"),
    [
        (b"filename*=UTF-8''caf%C3%A9.csv", (), "café.csv", 8),
        (b"filename=\"=?utf-8?B?w7xiZXIuY3N2?=\"; filename*=utf-8''%C3%BCber.csv", (), "über.csv", 8),
        (b"filename=caf\xe9.csv", (), "café.csv", 8),
        (b'filename="a.csv"', (b"Content-Transfer-Encoding: base64",), "a.csv", 6),
        (b'filename="a.csv"', (b"Content-Transfer-Encoding: 8bit",), "a.csv", 8),
    ],
)
def test_names_and_encodings_of_a_form(
    gateway: str, disposition: bytes, lines: tuple[bytes, ...], name: str, size: int
) -> None:
    got = upload(gateway, disposition, b"YSxiCjEs" if size == 6 else b"a,b\n1,2\n", *lines)
    assert (got.json()["filename"], got.json()["mime_type"], got.json()["size_bytes"]) == (name, "text/csv", size)
    for line, words in (
        (b"Content-Transfer-Encoding: x-uuencode", "Content-Transfer-Encoding"),
        (b"Content-Encoding: gzip", "Content-Encoding"),
    ):
        assert words in refused(upload(gateway, disposition, b"x", line))["message"]


@pytest.mark.parametrize("spelling", ["png", ".PNG", "image/x-png", "application/octet-stream"])
def test_a_type_in_any_spelling(gateway: str, sandbox: SandboxServer, spelling: str) -> None:
    message(gateway, messages=[user(data(spelling, PNG, "image"))])
    assert sent(sandbox)["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "image/png"


def test_a_url_where_data_belong_says_where_it_goes(gateway: str) -> None:
    for url in ("https://a.example/x.png", "HTTP://a.example/x.png", "gs://bucket/x.png"):
        block = data("image/png", b"", "image")
        block["source"]["data"] = url
        told = refused(post(gateway, messages=[user(block)]))["message"]
        assert "It is a URL" in told and "'url'" in told


def test_films_at_youtube_in_any_spelling(gateway: str, sandbox: SandboxServer) -> None:
    for url in ("http://www.youtube.com/watch?v=abcdefghijk", "https://www.youtube.com/embed/abcdefghijk"):
        for block in ("document", "image"):
            message(gateway, messages=[user(linked(url, block))])
            assert sent(sandbox)["contents"][0]["parts"][0]["fileData"]["fileUri"] == FILM
    assert "source.url" in refused(post(gateway, messages=[user(linked("https://www.youtube.com/@x"))]))["message"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_refusal_names_the_file(gateway: str, sandbox: SandboxServer, path: str) -> None:
    contents = {"a.txt": b"text", "b.flac": b"no signature", "c.pdf": b"%PDF-1.4\n"}
    ids = {
        name: upload(gateway, b'filename="%b"' % name.encode(), data).json()["id"] for name, data in contents.items()
    }
    blocks = [{"type": "document", "source": {"type": "file", "file_id": each}} for each in ids.values()]
    told = [user("x"), assistant(used()), user(result(blocks))]
    for said, name in (("Unsupported MIME type: audio/flac", "b.flac"), ("The document has no pages.", "c.pdf")):
        place = list(ids).index(name)
        for messages, at in (([user(*blocks)], "messages.0.content"), (told, "messages.2.content.0.content")):
            body = {"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}}
            operation = "generate" if path.endswith("messages") else "countTokens"
            sandbox.control("faults", {"kind": "status", "operation": operation, "code": 400, "body": body})
            more: dict[str, Any] = {} if path.endswith("messages") else {"max_tokens": ...}
            words = refused(post(gateway, path, messages=messages, tools=[LOOK], **more))["message"]
            assert words.startswith(f"{at}.{place}.source.file_id: ") and ids[name] in words and said in words


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_that_google_has_no_more_is_told_in_words_that_clients_here_can_follow(
    gateway: str, sandbox: SandboxServer
) -> None:
    said = (
        f"models/{MODEL} is not found for API version v1beta. Call ModelService.ListModels to see the list of "
        "available models and their supported methods."
    )
    body = {"error": {"code": 404, "message": said, "status": "NOT_FOUND"}}
    for operation, stream in (("generate", False), ("stream", True)):
        sandbox.control("faults", {"kind": "status", "operation": operation, "code": 404, "body": body})
        told = refused(post(gateway, stream=stream), 404)
        assert told["type"] == "not_found_error" and "ListModels" not in told["message"]
        assert told["message"].endswith("GET /v1/models lists those that can be asked.")


def test_a_wildcard_is_no_name_to_copy() -> None:
    missing = ModelNotFound("claude")
    missing.served = ("gemini-flash-latest", "gemini/*", "*")
    told = in_anthropics_words(missing)
    assert "This gateway serves: gemini-flash-latest. GET /v1/models lists those that can be asked." in told
    missing.served = ("*",)
    assert "*" not in in_anthropics_words(missing)
