"""The recorded generateContent exchanges, and a recorded Gemini request said again in OpenAI's words.

`said_in_openai` is written from the two contracts, not from the translator: it is the translator's judge. It raises
`Inexpressible`, with the reason, for a request that OpenAI's form has no words for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evidence import RECORDINGS
from liftgate.sse import EventDecoder

TRUNCATED = re.compile(r"__base64_truncated__ len=\d+ sha256=\w+ head=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Exchange:
    name: str
    model: str
    streamed: bool
    request: dict[str, Any]
    replies: list[dict[str, Any]]


@lru_cache(maxsize=1)
def exchanges() -> list[Exchange]:
    """Every recorded call with status 200 and a body that was kept."""
    return list(_read())


def _read() -> Iterator[Exchange]:
    for path in sorted(RECORDINGS.glob("*enerateContent--*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        if recorded["response"]["status"] != 200 or recorded["response"]["body"] is None:
            continue
        name, method = recorded["request"]["path"].split("?")[0].rsplit("/", 1)[1].split(":")
        yield Exchange(
            name=path.stem,
            model=name,
            streamed=method == "streamGenerateContent",
            request=_whole(recorded["request"]["body"]),
            replies=[_whole(reply) for reply in _replies(recorded["response"]["body"])],
        )


def _replies(body: Any) -> list[dict[str, Any]]:
    if isinstance(body, str):
        decoder = EventDecoder()
        return [json.loads(data) for data in decoder.feed(body.encode())]
    if isinstance(body, dict) and "__segments__" in body:
        return list(body["__segments__"])
    return body if isinstance(body, list) else [body]


def _whole(value: Any) -> Any:
    """Long base64 was cut when the recordings were stored: what is left of it, as valid base64."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, str) and (cut := TRUNCATED.match(value)):
        return cut[1][: len(cut[1]) // 4 * 4]
    return value


class Inexpressible(Exception):
    """OpenAI's form cannot say this request."""


@dataclass
class Said:
    """The OpenAI request, and what each of its files is at Gemini: path → (URI, MIME type)."""

    request: dict[str, Any]
    uris: dict[str, tuple[str, str]]


_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}
_SAMPLING = {"temperature": "temperature", "topP": "top_p", "maxOutputTokens": "max_tokens", "seed": "seed"}
_EXTRA = ("safetySettings", "cachedContent", "labels")


def said_in_openai(request: dict[str, Any], model: str, *, stream: bool) -> Said:
    """`request` in its normal form (`normal_request`)."""
    said = Said({"model": model, "messages": []}, {})
    for part in request.get("systemInstruction", {}).get("parts", []):
        said.request["messages"].append({"role": "system", "content": part["text"]})
    for content in request["contents"]:
        _content(said, content)
    for key in _EXTRA:
        if key in request:
            said.request[key] = request[key]
    if stream:
        said.request["stream"] = True
    _generation(said.request, request.get("generationConfig", {}))
    _tools(said.request, request)
    return said


def _generation(out: dict[str, Any], config: dict[str, Any]) -> None:
    native = dict(config)
    for gemini, openai in _SAMPLING.items():
        if gemini in native:
            out[openai] = native.pop(gemini)
    if "stopSequences" in native:
        out["stop"] = native.pop("stopSequences")
    if (count := native.pop("candidateCount", 1)) != 1:
        out["n"] = count
    schema = native.pop("responseJsonSchema", None)
    if native.get("responseMimeType") == "application/json" and "responseSchema" not in native:
        del native["responseMimeType"]
        kind: dict[str, Any] = {"type": "json_object"}
        if schema is not None:
            kind = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        out["response_format"] = kind
    if native:
        out["generation_config"] = native


def _tools(out: dict[str, Any], request: dict[str, Any]) -> None:
    tools: list[dict[str, Any]] = []
    config = dict(request.get("toolConfig", {}))
    calling = config.pop("functionCallingConfig", None)
    mode = (calling or {}).get("mode", "AUTO").upper()
    for tool in request.get("tools", []):
        for kind, value in tool.items():
            if kind != "functionDeclarations":
                tools.append({kind: value})
                continue
            tools.extend(_function(each, strict=mode == "VALIDATED") for each in value)
    if tools:
        out["tools"] = tools
    names = (calling or {}).get("allowedFunctionNames", [])
    if names:
        chosen = [{"type": "function", "function": {"name": name}} for name in names]
        one = chosen[0] if len(names) == 1 else None
        out["tool_choice"] = one or {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": chosen}}
    elif calling is not None and mode in _MODES:
        out["tool_choice"] = _MODES[mode]
    if config:
        out["tool_config"] = config


def _function(declared: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    if set(declared) - {"name", "description", "parametersJsonSchema"}:
        return {"functionDeclarations": [declared]}
    function: dict[str, Any] = {key: declared[key] for key in ("name", "description") if key in declared}
    if "parametersJsonSchema" in declared:
        function["parameters"] = declared["parametersJsonSchema"]
    if strict:
        if '"uniqueItems"' in json.dumps(declared):
            raise Inexpressible("a strict schema with a keyword that is not enforced")
        function["strict"] = True
    return {"type": "function", "function": function}


def _content(said: Said, content: dict[str, Any]) -> None:
    messages = said.request["messages"]
    if content.get("role") == "model":
        messages.append(_assistant(content["parts"]))
        return
    results = [part for part in content["parts"] if "functionResponse" in part]
    others = [part for part in content["parts"] if "functionResponse" not in part]
    waiting = _waiting(messages)
    for part in results:
        response = part["functionResponse"]
        call = next((call for call in waiting if _answers(call, response)), None)
        if call is None:
            raise Inexpressible("a result without its call")
        waiting.remove(call)
        where = f"messages[{len(messages)}].content"
        text = {"type": "text", "text": json.dumps(response["response"])}
        media = [_media(said, each, f"{where}[{i + 1}]") for i, each in enumerate(response.get("parts", []))]
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": [text, *media]})
    if waiting:
        raise Inexpressible("a call without its result")
    if others:
        where = f"messages[{len(messages)}].content"
        parts = [_user_part(said, part, f"{where}[{i}]") for i, part in enumerate(others)]
        messages.append({"role": "user", "content": parts})


def _waiting(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(messages[-1].get("tool_calls", [])) if messages else []


def _answers(call: dict[str, Any], response: dict[str, Any]) -> bool:
    if "id" in response:
        return bool(call["id"] == response["id"])
    return bool(call["function"]["name"] == response["name"])


def _user_part(said: Said, part: dict[str, Any], where: str) -> dict[str, Any]:
    if "text" in part:
        if set(part) != {"text"}:
            raise Inexpressible(f"text with {sorted(part)}")
        return {"type": "text", "text": part["text"]}
    return _media(said, part, where)


def _media(said: Said, part: dict[str, Any], where: str) -> dict[str, Any]:
    file: dict[str, Any] = {}
    if set(part) <= {"inlineData", "videoMetadata"} and "inlineData" in part:
        blob = part["inlineData"]
        file["file_data"] = f"data:{blob['mimeType']};base64,{blob['data']}"
    elif set(part) <= {"fileData", "videoMetadata"} and "fileData" in part:
        data = part["fileData"]
        file["file_id"] = data["fileUri"]
        said.uris[f"{where}.file.file_id"] = (data["fileUri"], data.get("mimeType", "x/unknown"))
        if "mimeType" in data:
            file["format"] = data["mimeType"]
    else:
        raise Inexpressible(f"a part of {sorted(part)}")
    if "videoMetadata" in part:
        file["video_metadata"] = part["videoMetadata"]
    return {"type": "file", "file": file}


def _assistant(parts: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    text, thoughts = "", ""
    raw: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    served = {part["functionResponse"]["name"] for part in parts if "functionResponse" in part}
    for part in parts:
        called = part.get("functionCall")
        if called is not None and called["name"] not in served:
            calls.append(_call(part, called, len(calls)))
            continue
        if calls:
            raise Inexpressible("words behind a call")
        if part.get("thought"):
            if text or raw:
                raise Inexpressible("a thought behind words")
            thoughts += part["text"]
        elif "text" in part:
            text += part["text"]
            if "thoughtSignature" in part:
                raw.append({"content_index": len(text), "thoughtSignature": part["thoughtSignature"]})
        else:
            raw.append({"content_index": len(text), **part})
    if text or not (calls or raw or thoughts):
        message["content"] = text
    if thoughts:
        message["reasoning_content"] = thoughts
    if raw:
        message["extra_content"] = {"google": {"parts": raw}}
    if calls:
        message["tool_calls"] = calls
    return message


def _call(part: dict[str, Any], called: dict[str, Any], place: int) -> dict[str, Any]:
    call: dict[str, Any] = {
        "id": called.get("id", f"call_{place}"),
        "type": "function",
        "function": {"name": called["name"], "arguments": json.dumps(called.get("args", {}))},
    }
    if "thoughtSignature" in part:
        call["extra_content"] = {"google": {"thought_signature": part["thoughtSignature"]}}
    return call
