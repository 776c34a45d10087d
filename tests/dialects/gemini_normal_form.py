"""One spelling for Gemini requests that mean the same: camelCase, lists, no nulls, no defaults, joined texts.

The rules are docs/protocol/gemini.md, "Ground rules", "Requests"; ids of function calls are left out where the recorded
request has none.
"""

from __future__ import annotations

import base64
import re
from typing import Any

_OPAQUE = frozenset(
    {
        "args",
        "response",
        "parametersJsonSchema",
        "responseJsonSchema",
        "parameters",
        "responseSchema",
        "headers",
        "labels",
    }
)
_BYTES = frozenset({"data", "thoughtSignature"})


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def _spelled(value: Any, key: str = "") -> Any:
    if isinstance(value, dict) and key not in _OPAQUE:
        return {_camel(name): _spelled(each, _camel(name)) for name, each in value.items() if each is not None}
    if isinstance(value, list) and key not in _OPAQUE:
        return [_spelled(each) for each in value]
    if key in _BYTES and isinstance(value, str):
        plain = value.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64encode(base64.b64decode(plain + "=" * (-len(plain) % 4))).decode()
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def normal_request(request: dict[str, Any]) -> dict[str, Any]:
    """A copy in the normal form."""
    body = _spelled(request)
    body.pop("model", None)
    contents: list[dict[str, Any]] = []
    for content in _listed(body["contents"]):
        parts = _joined(_listed(content.get("parts", [])))
        role = "model" if content.get("role") == "model" else "user"
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] = _joined(contents[-1]["parts"] + parts)
        elif parts:
            contents.append({"role": role, "parts": parts})
    body["contents"] = contents
    if "systemInstruction" in body:
        body["systemInstruction"] = {"parts": _listed(body["systemInstruction"]["parts"])}
    if "tools" in body:
        body["tools"] = _tools(_listed(body["tools"]))
    config = body.get("generationConfig", {})
    if config.get("responseModalities") == ["TEXT"]:
        del config["responseModalities"]
    if config.get("candidateCount") == 1:
        del config["candidateCount"]
    calling = body.get("toolConfig", {}).get("functionCallingConfig")
    if calling is not None:
        if not calling.get("allowedFunctionNames"):
            calling.pop("allowedFunctionNames", None)
        calling["mode"] = calling.get("mode", "AUTO").upper()
        if calling == {"mode": "AUTO"}:
            del body["toolConfig"]["functionCallingConfig"]
    return {key: value for key, value in body.items() if value not in ({}, [], None)}


def _tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per kind and declaration, so that grouping does not matter; functions first."""
    functions: list[Any] = []
    others: list[dict[str, Any]] = []
    for tool in tools:
        for kind, value in tool.items():
            if kind == "functionDeclarations":
                functions.extend(_listed(value))
            else:
                others.append({kind: value})
    return [*([{"functionDeclarations": functions}] if functions else []), *others]


def _joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Texts that follow each other said as one, a signature closing it; an empty text beside others says nothing."""
    found: list[dict[str, Any]] = []
    said = [part for part in parts if part != {"text": ""}]
    for part in said or parts[:1]:
        last = found[-1] if found else None
        plain = set(part) <= {"text", "thoughtSignature"} and "text" in part
        if last is not None and plain and set(last) == {"text"}:
            found[-1] = {**part, "text": last["text"] + part["text"]}
        elif last is not None and part.get("thought") and last.get("thought") and set(part) == {"text", "thought"}:
            found[-1] = {**last, "text": last["text"] + part["text"]}
        else:
            found.append(part)
    return found


def without_call_ids(request: dict[str, Any]) -> dict[str, Any]:
    """For requests whose calls had no ids: OpenAI's form needs some, and Gemini takes them."""
    contents = []
    for content in request["contents"]:
        parts = []
        for part in content["parts"]:
            named = {key: part[key] for key in ("functionCall", "functionResponse") if key in part}
            bare = {key: {k: v for k, v in value.items() if k != "id"} for key, value in named.items()}
            parts.append({**part, **bare})
        contents.append({**content, "parts": parts})
    return {**request, "contents": contents}


def has_call_ids(request: dict[str, Any]) -> bool:
    return any(
        "id" in part["functionCall"] for c in request["contents"] for part in c["parts"] if "functionCall" in part
    )
