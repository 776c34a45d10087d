"""What Gemini gets of a request: the sandbox tells the body that came, and refuses what Google refuses."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from messages_rig import (
    LOOK,
    MODEL,
    SIGNED,
    UNFILLED,
    assistant,
    message,
    post,
    refused,
    sent,
    text,
    user,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
INLINE = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
FIRST, SECOND = ({"type": "tool_use", "id": f"toolu_{name}", "name": "look", "input": {"at": name}} for name in "ab")


def result(call: dict[str, Any], content: Any = "nothing", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": content, **more}


def contents(gateway: str, sandbox: SandboxServer, *messages: Any, **body: Any) -> Any:
    message(gateway, messages=list(messages), **body)
    return sent(sandbox)["contents"]


def file_id(gateway: str, name: str = "a.png", content: bytes = PNG) -> str:
    with client_for(gateway) as client:
        return client.files.create(file=(name, content), purpose="user_data").id


# ── turns ────────────────────────────────────────────────────────────────────────────────────────


def test_results_stand_alone_in_the_order_of_the_calls(gateway: str, sandbox: SandboxServer) -> None:
    got = contents(
        gateway,
        sandbox,
        user("x"),
        assistant(text("I look."), FIRST, SECOND),
        user(text("Here:"), result(SECOND, "b"), result(FIRST, "a", is_error=True), text("Go on.")),
        tools=[LOOK],
    )
    assert [content["role"] for content in got] == ["user", "model", "user", "user"]
    responses = [part["functionResponse"] for part in got[2]["parts"]]
    assert [(each["id"], each["response"]) for each in responses] == [
        ("toolu_a", {"error": "a"}),
        ("toolu_b", {"output": "b"}),
    ]
    assert got[3]["parts"] == [{"text": "Here:"}, {"text": "Go on."}]


def test_messages_of_one_role_are_one_turn(gateway: str, sandbox: SandboxServer) -> None:
    got = contents(
        gateway,
        sandbox,
        user("x"),
        assistant(FIRST),
        assistant(SECOND),
        user(result(SECOND), text("One.")),
        user(result(FIRST)),
        {"role": "system", "content": "Be brief."},
        user("Two."),
        tools=[LOOK],
    )
    assert [len(content["parts"]) for content in got] == [1, 2, 2, 1, 1, 1]
    assert [part["functionResponse"]["id"] for part in got[2]["parts"]] == ["toolu_a", "toolu_b"]
    assert got[4]["parts"] == [{"text": "<system>\nBe brief.\n</system>"}]


@pytest.mark.parametrize(
    ("given", "response"),
    [
        (..., {"output": ""}),
        (None, {"output": ""}),
        ("", {"output": ""}),
        ('{"a": 1}', {"a": 1}),
        ([text("one"), text(""), text("two")], {"output": ["one", "two"]}),
        ([{"type": "search_result", "source": "s", "title": "t", "content": [text("found")]}],
         {"output": "Search result: t\nSource: s\nfound"}),
    ],
)  # fmt: skip
def test_what_a_tool_gave(gateway: str, sandbox: SandboxServer, given: Any, response: Any) -> None:
    answer = {key: value for key, value in result(FIRST, given).items() if value is not ...}
    got = contents(gateway, sandbox, user("x"), assistant(FIRST), user(answer), tools=[LOOK])
    assert got[2]["parts"][0]["functionResponse"]["response"] == response


@pytest.mark.parametrize("model", [MODEL, SIGNED])
def test_files_in_a_result_go_where_the_model_takes_them(gateway: str, sandbox: SandboxServer, model: str) -> None:
    by_id = {"type": "image", "source": {"type": "file", "file_id": file_id(gateway)}}
    got = contents(
        gateway,
        sandbox,
        user("x"),
        assistant(FIRST),
        user(result(FIRST, [text("see"), by_id, {"type": "image", "source": INLINE}])),
        tools=[LOOK],
        model=model,
    )
    response = got[2]["parts"][0]["functionResponse"]
    inside = response.get("parts", [])
    behind = got[3]["parts"] if len(got) > 3 else []
    assert (len(inside), len(behind)) == ((0, 2) if model == MODEL else (2, 0))
    kinds = [next(iter(part)) for part in (*inside, *behind)]
    assert kinds == ["fileData", "inlineData"] and len(got[2]["parts"]) == 1


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([user("x"), assistant(FIRST), user("What?")], "`tool_use` ids were found without `tool_result` blocks"),
        ([user("x"), assistant(FIRST, SECOND), user(result(FIRST))], "toolu_b"),
        ([user("x"), assistant(FIRST)], "`tool_use` ids were found without"),
        ([user("x"), assistant(FIRST), assistant("no"), user("x")], "`tool_use` ids were found without"),
        ([user(result(FIRST))], "unexpected `tool_use_id`"),
        ([user("x"), assistant(FIRST), user(result(FIRST), result(FIRST))], "unexpected `tool_use_id`"),
        ([user("x"), assistant(FIRST, FIRST), user(result(FIRST))], "unique"),
        ([user("")], "non-empty content"),
        ([user(text(""))], "non-empty content"),
        ([], "at least one message"),
        ([{"role": "tool", "content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content: Field required"),
    ],
)
def test_a_history_that_cannot_be_is_refused_in_anthropics_words(gateway: str, messages: list[Any], words: str) -> None:
    got = refused(post(gateway, messages=messages, tools=[LOOK]))
    assert got["type"] == "invalid_request_error" and words in got["message"], got


def test_a_prefill_goes_on_where_the_model_can(gateway: str, sandbox: SandboxServer) -> None:
    got = contents(gateway, sandbox, user("Finish it."), assistant("The sky is"))
    assert got[-1] == {"role": "model", "parts": [{"text": "The sky is"}]}
    refusal = refused(post(gateway, model=UNFILLED, messages=[user("x"), assistant("The sky is")]))
    assert refusal["message"] == "Prefilling assistant messages is not supported for this model."


def test_empty_texts_and_foreign_thoughts_are_left_out(gateway: str, sandbox: SandboxServer) -> None:
    """As coding tools echo another model's turn."""
    foreign = [
        {"type": "thinking", "thinking": "Claude's", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk"},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"},
        text(""),
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [
                {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "Eo8B"}
            ],
        },
        {**FIRST, "caller": {"type": "direct"}, "cache_control": None},
    ]
    got = contents(gateway, sandbox, user("x"), assistant(*foreign), user(result(FIRST)), tools=[LOOK], model=SIGNED)
    (part,) = got[1]["parts"]
    assert part["thoughtSignature"] == "skip_thought_signature_validator"
    got = contents(gateway, sandbox, user("x"), assistant(*foreign[:2]), user("y"))
    assert [content["role"] for content in got] == ["user", "user"]


def test_instructions_are_systeminstruction(gateway: str, sandbox: SandboxServer) -> None:
    message(gateway, system=[{**text("One."), "cache_control": {"type": "ephemeral"}}, text("Two.")])
    assert sent(sandbox)["systemInstruction"]["parts"] == [{"text": "One."}, {"text": "Two."}]
    message(gateway, system="One.", messages=[{"role": "system", "content": "Two."}, user("x")])
    assert sent(sandbox)["systemInstruction"]["parts"] == [{"text": "One."}, {"text": "Two."}]


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_documents_of_every_source(gateway: str, sandbox: SandboxServer) -> None:
    stored = file_id(gateway, "a.txt", b"hello")
    content = [text("see"), {"type": "image", "source": {"type": "file", "file_id": stored}}, text("that")]
    sources: list[Any] = [
        {"type": "file", "file_id": stored},
        {"type": "url", "url": f"{gateway}/v1/files/{stored}"},
        {"type": "text", "media_type": "text/plain", "data": "words"},
        {"type": "content", "content": "plain"},
        {"type": "content", "content": content},
        INLINE,
    ]
    blocks = [{"type": "document", "source": each} for each in sources]
    (got,) = contents(gateway, sandbox, user(*blocks, {**blocks[0], "title": "T", "context": "C"}))
    kinds = [part["text"] if "text" in part else next(iter(part)) for part in got["parts"]]
    assert kinds == [
        "fileData", "fileData", "words", "plain", "see", "fileData", "that", "inlineData", "Document: T\nC", "fileData"
    ]  # fmt: skip


def test_the_bytes_of_an_image_say_what_it_is(gateway: str, sandbox: SandboxServer) -> None:
    wrong = {**INLINE, "media_type": "image/jpeg"}
    (got,) = contents(gateway, sandbox, user({"type": "image", "source": wrong, "transformations": {}}))
    assert got["parts"][0]["inlineData"]["mimeType"] == "image/png"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"type": "base64", "media_type": "image/png", "data": "%%%"}, "source.data"),
        ({"type": "base64", "media_type": "image/png"}, "source.data: Field required"),
        ({"type": "url", "url": "ftp://a.example/x"}, "source.url"),
        ({"type": "url", "url": "file-" + "0" * 24}, "source.url"),
        ({"type": "file"}, "source.file_id: Field required"),
        ({"type": "text", "data": "x"}, "source.type"),
        ({"type": "file", "file_id": "a", "foo": 1}, "source.foo: Extra inputs are not permitted"),
    ],
)
def test_a_source_that_cannot_be_read_is_named(gateway: str, source: dict[str, Any], words: str) -> None:
    got = post(gateway, messages=[user({"type": "image", "source": source})])
    error = refused(got, 404 if got.status == 404 else 400)
    assert got.status == 404 or ("messages.0.content.0." + words).split(":")[0] in _dotted(error["message"]), error


def _dotted(words: str) -> str:
    return words.replace("[", ".").replace("]", "")


def test_citations_are_refused_unless_they_may_be_dropped(gateway: str) -> None:
    cited = {"type": "document", "source": INLINE, "citations": {"enabled": True}}
    assert "citations.enabled" in refused(post(gateway, messages=[user(cited)]))["message"]
    message(gateway, messages=[user(cited)], drop_params=True)
    message(gateway, messages=[user({**cited, "citations": {"enabled": False}}, {**cited, "citations": None})])


def test_what_stands_in_citations_and_results_is_looked_at(gateway: str) -> None:
    document = {"type": "document", "source": INLINE, "citations": "all"}
    found = {"type": "search_result", "source": "s", "title": "t", "content": [{**text("x"), "foo": 1}]}
    assert "citations" in refused(post(gateway, messages=[user(document)]))["message"]
    assert "content.0.content.0.foo: Extra" in refused(post(gateway, messages=[user(found)]))["message"]
    message(gateway, messages=[user(found)], drop_params=True)


def test_code_whose_output_another_service_sealed_has_not_failed(gateway: str, sandbox: SandboxServer) -> None:
    code = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "print(1)"}}
    sealed = {"type": "encrypted_code_execution_result", "encrypted_stdout": "x", "stderr": "", "content": []}
    for status, outcome in ((0, "OUTCOME_OK"), (1, "OUTCOME_FAILED")):
        got = {
            "type": "code_execution_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {**sealed, "return_code": status},
        }
        turns = contents(gateway, sandbox, user("x"), assistant(code, got, text("1")), user("y"))
        assert turns[1]["parts"][1] == {"codeExecutionResult": {"outcome": outcome, "output": ""}}


def test_a_container_upload_needs_code(gateway: str, sandbox: SandboxServer) -> None:
    upload = {"type": "container_upload", "file_id": file_id(gateway)}
    refused(post(gateway, messages=[user(upload, text("x"))]))
    code = {"type": "code_execution_20260521", "name": "code_execution"}
    (got,) = contents(gateway, sandbox, user(upload, text("x")), tools=[code])
    assert "fileData" in got["parts"][0]
