"""What clients send whose installation is large, or that live outside the registries tried here: recorded on a socket,
and said again in as few words as keep the form. LiteLLM 1.110 (aider and DSPy speak through it or alike), Semantic
Kernel 1.45, crewAI 1.15, LangChain's and LlamaIndex's classes for Gemini, Guzzle 7.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateways import SandboxServer
from raw_http import Answer, answers_of, call, connect, head
from serve import MODELS, serving

MODEL = MODELS[0]
KEY = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
GOOGLES_KEY = {"x-goog-api-key": "sk-ann", "Content-Type": "application/json"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQgaGVsbG8="
AT = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
CLOSED = {**AT, "additionalProperties": False}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, SandboxServer]]:
    with serving() as found:
        yield found


def chat(url: str, **request: Any) -> Any:
    answer = call(url, "POST", "/v1/chat/completions", json.dumps({"model": MODEL, **request}).encode(), KEY)
    assert answer.status == 200, answer.body
    return answer.json()["choices"][0]


def of_litellm(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answer's message without its nulls, and what LiteLLM's class adds."""
    made = [{"function": each["function"], "id": each["id"], "type": "function"} for each in calls]
    results = [{"role": "tool", "tool_call_id": each["id"], "name": "look", "content": "a wall"} for each in calls]
    return [{"role": "assistant", "tool_calls": made, "annotations": []}, *results]


def of_semantic_kernel(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = [{"id": each["id"], "type": "function", "function": each["function"]} for each in calls]
    results = [{"role": "tool", "content": "a wall", "tool_call_id": each["id"]} for each in calls]
    return [{"role": "assistant", "tool_calls": made}, *results]


def of_crewai(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**of_litellm(calls)[0], "content": None}, *of_litellm(calls)[1:]]


def of_agno(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Its text is empty, and behind the calls."""
    made = [{"id": each["id"], "function": each["function"], "type": "function"} for each in calls]
    results = [{"role": "tool", "content": "a wall", "tool_call_id": each["id"]} for each in calls]
    return [{"role": "assistant", "tool_calls": made, "content": ""}, *results]


@pytest.mark.parametrize(
    ("name", "function", "more", "history"),
    [
        ("look", {"parameters": AT}, {}, of_litellm),
        (
            "places-look",
            {"description": "", "parameters": AT},
            {"stream": False, "tool_choice": "auto"},
            of_semantic_kernel,
        ),
        ("look", {"strict": True, "parameters": CLOSED}, {"tool_choice": "auto"}, of_crewai),
        ("look", {"description": "Looks at a place.", "parameters": AT}, {}, of_agno),
    ],
    ids=["LiteLLM", "Semantic Kernel", "crewAI", "agno"],
)
def test_a_tool_loop(
    served: tuple[str, SandboxServer], name: str, function: dict[str, Any], more: dict[str, Any], history: Any
) -> None:
    url, sandbox = served
    messages: list[Any] = [{"role": "user", "content": f'call {name}({{"at": "1"}}) call {name}({{"at": "2"}})'}]
    tools = [{"type": "function", "function": {"name": name, **function}}]
    called = chat(url, messages=messages, tools=tools, **more)
    assert called["finish_reason"] == "tool_calls"
    calls = called["message"]["tool_calls"]
    assert [json.loads(each["function"]["arguments"]) for each in calls] == [{"at": "1"}, {"at": "2"}]
    done = chat(url, messages=messages + history(calls), tools=tools, **more)
    assert done["finish_reason"] == "stop" and "a wall" in done["message"]["content"]
    question, turn, results = sandbox.control("bodies")["bodies"][-1]["body"]["contents"]
    assert [part["functionCall"]["name"] for part in turn["parts"]] == [name, name]
    assert "thoughtSignature" in turn["parts"][0]
    assert [part["functionResponse"]["name"] for part in results["parts"]] == [name, name]
    assert question["role"] == results["role"] == "user"


@pytest.mark.parametrize("order", [["schema", "name", "strict"], ["name", "schema", "strict"]], ids=["SDK", "DSPy"])
def test_structured_output(served: tuple[str, SandboxServer], order: list[str]) -> None:
    """`title` at each level, as pydantic writes it."""
    age = {"age": {"title": "Age", "type": "integer"}}
    schema = {"additionalProperties": False, "properties": age, "required": ["age"], "title": "Out", "type": "object"}
    form = {"name": "Out", "schema": schema, "strict": True}
    wanted = {"type": "json_schema", "json_schema": {key: form[key] for key in order}}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How old?"}]
    found = json.loads(chat(served[0], messages=messages, response_format=wanted)["message"]["content"])
    assert isinstance(found["age"], int)


def test_aiders_stream(served: tuple[str, SandboxServer]) -> None:
    """Two system messages, turns of example by both sides, and `temperature: 0`."""
    roles = ("system", "user", "assistant", "user", "system")
    messages = [{"role": role, "content": f"the {number}."} for number, role in enumerate(roles)]
    body = {"model": MODEL, "messages": messages, "temperature": 0, "stream": True}
    answer = call(served[0], "POST", "/v1/chat/completions", json.dumps(body).encode(), KEY)
    assert answer.status == 200 and answer.body.rstrip().endswith(b"data: [DONE]")
    sent = served[1].control("bodies")["bodies"][-1]["body"]
    assert sent["generationConfig"]["temperature"] == 0
    assert "the 1." in json.dumps(sent["contents"]) and "the 0." in json.dumps(sent["systemInstruction"])


@pytest.mark.parametrize(
    ("base", "part", "more"),
    [
        ("/v1beta", {"inline_data": {"data": PNG, "mime_type": "image/png"}}, {}),
        ("", {"inline_data": {"data": PNG, "mime_type": "image/png"}}, {}),
        (
            "/v1",
            {"inlineData": {"data": PNG, "mimeType": "image/png"}},
            {"safetySettings": [], "generationConfig": {"candidateCount": 1}},
        ),
        ("/v1beta", {"inlineData": {"data": PDF, "mime_type": "application/pdf"}}, {"generationConfig": {}}),
    ],
    ids=["LiteLLM", "LiteLLM with the bare address", "LangChain", "LlamaIndex"],
)
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_geminis_own_form(
    served: tuple[str, SandboxServer], base: str, part: dict[str, Any], more: dict[str, Any], method: str
) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "What?"}, part]}], **more}
    answer = call(served[0], "POST", f"{base}/models/{MODEL}:{method}", json.dumps(body).encode(), GOOGLES_KEY)
    assert answer.status == 200, answer.body
    assert b"1 file" in answer.body


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_agnos_loop_in_geminis_form(served: tuple[str, SandboxServer], method: str) -> None:
    """No ids, types in capitals; the signature stands with the first of the calls."""
    parameters = {"type": "OBJECT", "properties": {"at": {"type": "STRING"}}, "required": ["at"]}
    more = {
        "tools": [{"functionDeclarations": [{"description": "Looks.", "name": "look", "parameters": parameters}]}],
        "generationConfig": {},
    }
    asked = {"parts": [{"text": 'call look({"at": "1"}) call look({"at": "2"})'}], "role": "user"}
    path = f"/v1/models/{MODEL}:{method}"

    def parts(*contents: dict[str, Any]) -> list[dict[str, Any]]:
        answer = call(served[0], "POST", path, json.dumps({"contents": contents, **more}).encode(), GOOGLES_KEY)
        assert answer.status == 200, answer.body
        lines = [line[6:] for line in answer.body.splitlines() if line.startswith(b"data: ")] or [answer.body]
        replies = [json.loads(line) for line in lines]
        return [part for reply in replies for part in reply["candidates"][0]["content"].get("parts", ())]

    calls = [part for part in parts(asked) if "functionCall" in part]
    assert len(calls) == 2 and "thoughtSignature" in calls[0]
    made = [
        {
            "functionCall": {name: part["functionCall"][name] for name in ("args", "name")},
            **{name: value for name, value in part.items() if name == "thoughtSignature"},
        }
        for part in calls
    ]
    results = [{"functionResponse": {"name": "look", "response": {"result": "a wall"}}} for _ in calls]
    done = parts(asked, {"parts": made, "role": "model"}, {"parts": results, "role": "user"})
    assert "a wall" in "".join(part.get("text", "") for part in done)


def test_agnos_schema_in_geminis_form(served: tuple[str, SandboxServer]) -> None:
    properties = {"name": {"title": "Name", "type": "STRING"}, "age": {"title": "Age", "type": "INTEGER"}}
    order = ["name", "age"]
    schema = {"properties": properties, "property_ordering": order, "required": order, "title": "P", "type": "OBJECT"}
    body = {
        "contents": [{"parts": [{"text": "Who?"}], "role": "user"}],
        "generationConfig": {"responseMimeType": "application/json", "responseSchema": schema},
    }
    answer = call(served[0], "POST", f"/v1/models/{MODEL}:generateContent", json.dumps(body).encode(), GOOGLES_KEY)
    assert answer.status == 200, answer.body
    assert set(json.loads(answer.json()["candidates"][0]["content"]["parts"][0]["text"])) == {"name", "age"}


def test_llamaindexs_files(served: tuple[str, SandboxServer]) -> None:
    """The Files API, with the file's own fields in snake_case, and its URI in `file_uri`."""
    url = served[0]
    start = {
        **GOOGLES_KEY,
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": "14",
        "X-Goog-Upload-Header-Content-Type": "application/pdf",
    }
    file = {"file": {"display_name": "a.pdf", "mime_type": "application/pdf", "size_bytes": 14}}
    begun = call(url, "POST", "/upload/v1beta/files", json.dumps(file).encode(), start)
    assert begun.status == 200, begun.body
    target = "/" + begun.headers["x-goog-upload-url"].split("/", 3)[3]
    finish = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    made = call(url, "POST", target, b"%PDF-1.4 hello", finish).json()["file"]
    assert (made["displayName"], made["mimeType"]) == ("a.pdf", "application/pdf")
    part = {"fileData": {"file_uri": made["uri"], "mime_type": "application/pdf"}}
    body = {"contents": [{"parts": [{"text": "What?"}, part], "role": "user"}], "generationConfig": {}}
    answer = call(url, "POST", f"/v1beta/models/{MODEL}:generateContent", json.dumps(body).encode(), GOOGLES_KEY)
    assert answer.status == 200 and b"1 file" in answer.body


def guzzles(url: str, name: str, declared: str, content: bytes) -> Iterator[Answer]:
    """Each part with its length. From 1 MiB on it waits for the answer to its `Expect`."""
    boundary = b"2e7f81cfb563966573695d3e0728b50a5ef669fa"
    line = b"--" + boundary + b"\r\nContent-Disposition: form-data; "
    body = line + b'name="purpose"\r\nContent-Length: 9\r\n\r\nuser_data\r\n'
    body += line + f'name="file"; filename="{name}"\r\nContent-Length: {len(content)}\r\n'.encode()
    body += f"Content-Type: {declared}\r\n\r\n".encode() + content + b"\r\n--" + boundary + b"--\r\n"
    headers = {
        **({"Expect": "100-Continue"} if len(content) >= 1 << 20 else {}),
        "Authorization": "Bearer sk-ann",
        "User-Agent": "GuzzleHttp/7",
        "Content-Type": f"multipart/form-data; boundary={boundary.decode()}",
        "Content-Length": str(len(body)),
    }
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/files", headers))
        if "Expect" in headers:
            assert connection.recv(64) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        yield next(answers_of(connection))


@pytest.mark.parametrize(("name", "content"), [("größe.txt", b"small"), ("main.rs", b"fn main() {} // " * 80_000)])
def test_guzzles_form(served: tuple[str, SandboxServer], name: str, content: bytes) -> None:
    declared = "application/rls-services+xml" if name.endswith(".rs") else "text/plain"
    (answer,) = guzzles(served[0], name, declared, content)
    assert answer.status == 200, answer.body
    made = answer.json()
    assert (made["filename"], made["bytes"]) == (name, len(content))
    assert call(served[0], "GET", f"/v1/files/{made['id']}/content", headers=KEY).body == content
    part = {"type": "file", "file": {"file_id": made["id"]}}
    chat(served[0], messages=[{"role": "user", "content": [{"type": "text", "text": "What?"}, part]}])
    assert "text/plain" in json.dumps(served[1].control("bodies")["bodies"][-1]["body"])
