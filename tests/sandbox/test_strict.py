"""Strict request checking: proto3 JSON as docs/protocol/gemini.md, "Ground rules" describes it, and the rules behind
it, over the wire."""

import base64
import json
from typing import Any

import pytest

import media_samples as samples
from sandbox_wire import Answer, Wire, file_part

FLASH = "gemini-2.5-flash"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


def post(wire: Wire, body: Any, model: str = FLASH) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.call("POST", f"/v1beta/models/{model}:generateContent", raw, {"content-type": "application/json"})


def config(**fields: Any) -> dict[str, Any]:
    return HELLO | {"generationConfig": fields}


ACCEPTED = {
    "camel": config(maxOutputTokens=9, topP=0.5, topK=4, thinkingConfig={"thinkingBudget": 0}),
    "snake": HELLO | {"generation_config": {"max_output_tokens": 9, "thinking_config": {"thinking_budget": 0}}},
    "mixed": config(thinkingConfig={"include_thoughts": True}, response_mime_type="text/plain"),
    "one object for a list": {"contents": {"parts": {"text": "hello"}}, "tools": {"googleSearch": {}}},
    "null fields": HELLO | {"systemInstruction": None, "tools": None, "generationConfig": {"temperature": None}},
    "enum in lower case": HELLO | {"toolConfig": {"functionCallingConfig": {"mode": "auto"}}},
    "enum by number": HELLO | {"toolConfig": {"functionCallingConfig": {"mode": 1}}},
    "numbers as strings": config(maxOutputTokens="9", temperature="0.5", seed="7"),
    "whole float for an integer": config(maxOutputTokens=9.0),
    "int64 as string": config(responseMimeType="application/json", responseSchema={"type": "string", "maxLength": "9"}),
    "service fields": HELLO | {"labels": {"a": "b"}, "serviceTier": "FLEX", "store": True, "model": FLASH},
    "role omitted": {"contents": [{"parts": [{"text": "hello"}]}]},
    "null then value": b'{"contents": [{"parts": [{"text": "hello"}]}], "model": null, "model": "m"}',
    "two tool configs": b'{"contents": [{"parts": [{"text": "x"}]}], "toolConfig": {"functionCallingConfig": {}}, '
    b'"toolConfig": {"retrievalConfig": {"languageCode": "de"}}}',
    "single quotes": b"{'contents': [{'parts': [{'text': 'it\\'s'}]}]}",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_lenient_forms_are_accepted(sandbox: Wire, name: str) -> None:
    answer = post(sandbox, ACCEPTED[name])
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_either_base64_alphabet_is_read(sandbox: Wire, encode: Any, padded: bool) -> None:
    content = bytes(range(248, 256)) + b"?>~"
    text = encode(content).decode()
    data = {"mimeType": "text/plain", "data": text if padded else text.rstrip("=")}
    answer = sandbox.ask(FLASH, {"inlineData": data})
    assert f"{len(content)} bytes" in answer.json()["candidates"][0]["content"]["parts"][0]["text"]


UNKNOWN = "Invalid JSON payload received. Unknown name"
SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING", "const": 1}}}
V1BETA = "type.googleapis.com/google.ai.generativelanguage.v1beta"
REFUSED: dict[str, tuple[Any, str, str]] = {
    "unknown at the top": (HELLO | {"frequency": 1}, "", f'{UNKNOWN} "frequency": Cannot find field.'),
    "unknown in a part": (
        {"contents": [{"parts": [{"text": "a"}, {"txt": "b"}]}]},
        "contents[0].parts[1]",
        f"{UNKNOWN} \"txt\" at 'contents[0].parts[1]': Cannot find field.",
    ),
    "unknown in a map of schemas": (
        config(responseMimeType="application/json", responseSchema=SCHEMA),
        "generation_config.response_schema.properties[1].value",
        f"{UNKNOWN} \"const\" at 'generation_config.response_schema.properties[1].value': Cannot find field.",
    ),
    "additionalProperties in a Schema": (
        HELLO | {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"additionalProperties": False}}]}]},
        "tools[0].function_declarations[0].parameters",
        f"{UNKNOWN} \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
    ),
    "Vertex only": (
        HELLO | {"tools": [{"enterpriseWebSearch": {}}]},
        "tools[0]",
        f"{UNKNOWN} \"enterpriseWebSearch\" at 'tools[0]': Cannot find field.",
    ),
    "Vertex only argument streaming": (
        HELLO | {"toolConfig": {"functionCallingConfig": {"streamFunctionCallArguments": True}}},
        "tool_config.function_calling_config",
        f"{UNKNOWN} \"streamFunctionCallArguments\" at 'tool_config.function_calling_config': Cannot find field.",
    ),
    "text for a float": (
        config(temperature="hot"),
        "generation_config.temperature",
        "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"",
    ),
    "number for a text": (
        {"contents": [{"parts": [{"text": 5}]}]},
        "contents[0].parts[0].text",
        "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5",
    ),
    "fraction for an integer": (
        config(maxOutputTokens=1.5),
        "generation_config.max_output_tokens",
        "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 1.5",
    ),
    "number for a bool": (
        config(responseLogprobs=1),
        "generation_config.response_logprobs",
        "Invalid value at 'generation_config.response_logprobs' (TYPE_BOOL), 1",
    ),
    "text for a message": (
        {"contents": ["hello"]},
        "contents[0]",
        f"Invalid value at 'contents[0]' ({V1BETA}.Content), \"hello\"",
    ),
    "list for one message": (
        HELLO | {"systemInstruction": [{"parts": [{"text": "x"}]}]},
        "",
        f'{UNKNOWN} "systemInstruction": Proto field is not repeating, cannot start list.',
    ),
    "unknown enum value": (
        HELLO | {"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}},
        "tool_config.function_calling_config.mode",
        "Invalid value at 'tool_config.function_calling_config.mode' "
        f'({V1BETA}.FunctionCallingConfig.Mode), "SOMETIMES"',
    ),
    "broken base64": (
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "é"}}]}]},
        "contents[0].parts[0].inline_data.data",
        "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"é\"",
    ),
    "two kinds of data": (
        {"contents": [{"parts": [{"text": "a", "inlineData": {"mimeType": "image/png", "data": ""}}]}]},
        "contents[0].parts[0]",
        "Invalid value at 'contents[0].parts[0]' (oneof), oneof field 'data' is already set. Cannot set 'inlineData'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_forms_are_googles_400(sandbox: Wire, name: str) -> None:
    body, field, sentence = REFUSED[name]
    answer = post(sandbox, body)
    assert answer.status == 400
    error = answer.json()["error"]
    assert (error["status"], error["message"]) == ("INVALID_ARGUMENT", sentence)
    violation = {"description": sentence} | ({"field": field} if field else {})
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]


def test_every_wrong_field_is_named(sandbox: Wire) -> None:
    error = post(sandbox, HELLO | {"one": 1, "two": 2}).json()["error"]
    assert len(error["details"][0]["fieldViolations"]) == 2
    assert error["message"].count("Unknown name") == 2


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"contents": \xff}', b"[1,2", b"[" * 100_000])
def test_malformed_json_is_400(sandbox: Wire, body: bytes) -> None:
    answer = post(sandbox, body)
    assert answer.status == 400
    assert answer.message.startswith("Invalid JSON payload received.")


def test_two_system_instructions_are_refused(sandbox: Wire) -> None:
    part = b'"systemInstruction": {"parts": [{"text": "x"}]}'
    body = b'{"contents": [{"parts": [{"text": "x"}]}], ' + part + b", " + part + b"}"
    answer = post(sandbox, body)
    assert answer.status == 400
    assert "oneof field '_system_instruction' is already set" in answer.message


def call_part(name: str = "f", **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


def result_part(name: str = "f") -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": {"ok": True}}}


def turns(*contents: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {"contents": [{"role": role, "parts": parts} for role, parts in contents]}


USER = ("user", [{"text": "hello"}])
FUNCTION = {"functionDeclarations": [{"name": "f"}]}
BROKEN_RULES: dict[str, tuple[dict[str, Any], str]] = {
    "no contents": ({"contents": []}, "contents is not specified"),
    "no parts": ({"contents": [{"role": "user", "parts": []}]}, "contents.parts must not be empty"),
    "role": (turns(("system", [{"text": "x"}])), "Please use a valid role: user, model."),
    "empty function name": (turns(USER, ("model", [call_part()]), ("user", [result_part("")])), "Name cannot be empty"),
    "response without call": (turns(USER, ("user", [result_part()])), "immediately after a function call turn"),
    "fewer responses": (
        turns(USER, ("model", [call_part(), call_part()]), ("user", [result_part()])),
        "number of function response parts is equal to the number of function call parts",
    ),
    "temperature": (config(temperature=2.1), "temperature must be in the range [0.0, 2.0]"),
    "topP": (config(topP=1.5), "top_p must be in the range"),
    "candidateCount": (config(candidateCount=9), "candidate_count must be in the range [1, 8]"),
    "no candidates": (config(candidateCount=0), "candidate_count must be in the range [1, 8]"),
    "stop sequences": (config(stopSequences=list("abcdef")), "at most 5 stop sequences"),
    "logprobs range": (config(responseLogprobs=True, logprobs=21), "logprobs must be in the range [0, 20]"),
    "logprobs alone": (config(logprobs=2), "response_logprobs is true"),
    "max tokens": (config(maxOutputTokens=0), "max_output_tokens must be positive"),
    "schema without type": (config(responseSchema={"type": "STRING"}), "is unsupported with response schema"),
    "output type": (config(responseMimeType="image/png"), "allowed mimetypes are"),
    "array without items": (
        config(responseMimeType="application/json", responseSchema={"type": "ARRAY"}),
        "response_schema.items: missing field",
    ),
    "required without property": (
        config(responseMimeType="application/json", responseSchema={"type": "OBJECT", "required": ["a"]}),
        "required[0]: property is not defined",
    ),
    "modalities": (config(responseModalities=["AUDIO"]), "combination of response modalities (AUDIO) is not supported"),
    "budget and level": (
        config(thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}),
        "only set only one of thinking budget and thinking level",
    ),
    "level on 2.5": (config(thinkingConfig={"thinkingLevel": "LOW"}), "Thinking level is not supported"),
    "function name": (HELLO | {"tools": [{"functionDeclarations": [{"name": "1 f"}]}]}, "Invalid function name"),
    "twice declared": (HELLO | {"tools": [FUNCTION, FUNCTION]}, "Duplicate function declaration found: f"),
    "allowed names without ANY": (
        HELLO | {"tools": [FUNCTION], "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}},
        "function calling mode is not ANY",
    ),
    "cache with tools": (
        HELLO | {"cachedContent": "cachedContents/1", "tools": [FUNCTION]},
        "CachedContent can not be used with GenerateContent request setting",
    ),
    "fps": (turns(("user", [{"videoMetadata": {"fps": 25}, "text": "x"}])), "fps must be in the range (0.0, 24.0]"),
}


@pytest.mark.parametrize("name", BROKEN_RULES)
def test_broken_rules_are_400(sandbox: Wire, name: str) -> None:
    body, words = BROKEN_RULES[name]
    answer = post(sandbox, body)
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT"), answer.body
    assert words in answer.message


def test_unknown_cache_is_403(sandbox: Wire) -> None:
    answer = post(sandbox, HELLO | {"cachedContent": "cachedContents/1"})
    assert (answer.status, answer.message) == (403, "CachedContent not found (or permission denied)")


def test_thinking_cannot_be_stopped_on_pro_nor_begun_on_2_0(sandbox: Wire) -> None:
    answer = post(sandbox, config(thinkingConfig={"thinkingBudget": 0}), "gemini-2.5-pro")
    assert answer.message == "Budget 0 is invalid. This model only works in thinking mode."
    assert post(sandbox, config(thinkingConfig={"includeThoughts": True}), "gemini-2.0-flash").status == 400


def test_count_tokens_takes_contents_or_a_whole_request(sandbox: Wire) -> None:
    url = f"/v1beta/models/{FLASH}:countTokens"
    inner = HELLO | {"model": f"models/{FLASH}", "systemInstruction": {"parts": {"text": "x" * 40}}}
    alone = sandbox.call("POST", url, HELLO)
    assert alone.json() == {"totalTokens": 2, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}]}
    assert sandbox.call("POST", url, {"generateContentRequest": inner}).json()["totalTokens"] == 12
    assert sandbox.call("POST", url, HELLO | {"generateContentRequest": inner}).status == 400
    assert sandbox.call("POST", url, {"generateContentRequest": inner | {"model": FLASH}}).status == 400


def test_batch_embeddings_need_the_models_full_name(sandbox: Wire) -> None:
    url = "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    request = {"content": {"parts": [{"text": "x"}]}}
    assert sandbox.call("POST", url, {"requests": [request]}).status == 400
    named = request | {"model": "models/gemini-embedding-001", "taskType": "RETRIEVAL_QUERY"}
    assert len(sandbox.call("POST", url, {"requests": [named] * 2}).json()["embeddings"]) == 2
    single = sandbox.call("POST", url.replace("batchEmbedContents", "embedContent"), request)
    assert len(single.json()["embedding"]["values"]) == 3072


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────

LOCKED = samples.pdf(3).replace(b"%%EOF", b"trailer << /Root 1 0 R /Encrypt 9 0 R /Size 10 >>\n%%EOF")
DOCUMENTS = {
    "1,000 pages": (samples.pdf(1000), None),
    "1,001 pages": (samples.pdf(1001), "1001 pages"),
    "1,200 packed pages": (samples.packed_pdf(1200), "1200 pages"),
    "encrypted": (LOCKED, "The document has no pages."),
    "encrypted, in a stream's dictionary": (
        samples.packed_pdf(2) + b"\n7 0 obj << /Type /XRef /Encrypt << /Filter /Standard >> >> endobj",
        "The document has no pages.",
    ),
    "a text that speaks of it": (samples.pdf(1) + b"(how to /Encrypt a document)", None),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("method", ["generateContent", "countTokens"])
def test_documents_that_gemini_does_not_read(sandbox: Wire, name: str, method: str) -> None:
    content, refused = DOCUMENTS[name]
    data = {"inlineData": {"mimeType": "application/pdf", "data": base64.b64encode(content).decode()}}
    stored = file_part(sandbox.upload(content, "application/pdf"))
    for parts in ([data], [{"text": "?"}, data, {"text": "!"}], [stored]):
        answer = sandbox.call(
            "POST", f"/v1beta/models/{FLASH}:{method}", {"contents": [{"role": "user", "parts": parts}]}
        )
        if refused is None:
            assert answer.status == 200, answer.body
        else:
            error = answer.json()["error"]
            assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT") and refused in error["message"]
