"""Every request by which something of an owner's can be named. `test_owner_routes` holds it to the table of routes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from gateways import MODEL
from owners_house import Door

GOOGLE = "https://generativelanguage.googleapis.com"


def file_id(code: str) -> str:
    return f"file-{code}"


def page_token(code: str) -> str:
    return base64.urlsafe_b64encode(f"file-{code}".encode()).decode().rstrip("=")


# ── by the path or the query: `{}` is made of the 24 characters ─────────────────────────────────────────────────────

FILES: dict[str, Door] = {
    f"{what}, {prefix or 'bare'}": Door(method, prefix + path, spelled=file_id)
    for prefix in ("/v1", "")
    for what, method, path in (
        ("retrieve", "GET", "/files/{}"),
        ("head", "HEAD", "/files/{}"),
        ("delete", "DELETE", "/files/{}"),
        ("content", "GET", "/files/{}/content"),
        ("content head", "HEAD", "/files/{}/content"),
        ("list after", "GET", "/files?after={}"),
        ("list's head after", "HEAD", "/files?after={}"),
        ("list after, ascending", "GET", "/files?after={}&order=asc&limit=1&purpose=user_data"),
    )
}
FILES["content range"] = Door("GET", "/v1/files/{}/content", headers={"Range": "bytes=0-1"}, spelled=file_id)
FILES |= {
    f"{method} on a condition, {name}": Door(
        method, "/v1/files/{}" + "/content" * (method != "DELETE"), headers={name: value, **more}, spelled=file_id
    )
    for method in ("GET", "HEAD", "DELETE")
    for name, value, more in (
        ("If-Match", "*", {}),
        ("If-Match", '"x"', {"Range": "bytes=0-1"}),
        ("If-None-Match", "*", {}),
        ("If-Range", '"x"', {"Range": "bytes=99-"}),
        ("If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT", {}),
    )
}

FILES |= {
    f"{what}, {method}": Door(method, "/liftgate/files" + path, spelled=file_id)
    for method in ("GET", "HEAD")
    for what, path in (
        ("what the page shows", "/{}"),
        ("its copies", "/{}/copies"),
        ("its preview", "/{}/preview"),
        ("found after", "?after={}&search=a"),
        ("found after, by name", "?after={}&sort=filename"),
        ("found after, by size", "?after={}&sort=bytes&order=asc&type=text/"),
    )
}

NATIVE_NAMES: dict[str, Door] = {
    f"{what}, {prefix}": Door(method, prefix + path, speaks="gemini")
    for prefix in ("/v1beta", "/v1")
    for what, method, path in (
        ("native get", "GET", "/files/{}"),
        ("native head", "HEAD", "/files/{}"),
        ("native delete", "DELETE", "/files/{}"),
        ("native download", "GET", "/files/{}:download?alt=media"),
        ("native download's head", "HEAD", "/files/{}:download?alt=media"),
        ("native download without alt", "GET", "/files/{}:download"),
    )
}
"""These take a name of the owner's choice too."""

NATIVE_FILES: dict[str, Door] = {
    **NATIVE_NAMES,
    "native get by id": Door("GET", "/v1beta/files/{}", speaks="gemini", spelled=file_id),
    "native delete by id": Door("DELETE", "/v1beta/files/{}", speaks="gemini", spelled=file_id),
    "native list": Door("GET", "/v1beta/files?pageToken={}", speaks="gemini", spelled=page_token),
    "native list's head": Door("HEAD", "/v1beta/files?pageToken={}", speaks="gemini", spelled=page_token),
    "native list's head, v1": Door("HEAD", "/v1/files?pageToken={}", speaks="gemini", spelled=page_token),
    "native list, v1": Door("GET", "/v1/files?pageSize=1&pageToken={}", speaks="gemini", spelled=page_token),
}

# ── by the body: `{}` is a file in any spelling ─────────────────────────────────────────────────────────────────────


def chat(part: Mapping[str, Any], **more: object) -> dict[str, Any]:
    text = {"type": "text", "text": "What is it?"}
    return {"model": MODEL, "messages": [{"role": "user", "content": [text, part]}], **more}


BY_FILE_ID = {"type": "file", "file": {"file_id": "{}"}}

CHATS: dict[str, Door] = {
    "file_id": Door("POST", "/v1/chat/completions", chat(BY_FILE_ID)),
    "file_id, bare": Door("POST", "/chat/completions", chat(BY_FILE_ID)),
    "file_id, streamed": Door("POST", "/v1/chat/completions", chat(BY_FILE_ID, stream=True)),
    "file_id with format": Door(
        "POST", "/v1/chat/completions", chat({"type": "file", "file": {"file_id": "{}", "format": "audio/mpeg"}})
    ),
    "file_data": Door("POST", "/v1/chat/completions", chat({"type": "file", "file": {"file_data": "{}"}})),
    "file_url": Door("POST", "/v1/chat/completions", chat({"type": "file", "file": {"file_url": "{}"}})),
    "image_url": Door("POST", "/v1/chat/completions", chat({"type": "image_url", "image_url": {"url": "{}"}})),
    "image_url, a bare text": Door("POST", "/v1/chat/completions", chat({"type": "image_url", "image_url": "{}"})),
    "video_url": Door("POST", "/v1/chat/completions", chat({"type": "video_url", "video_url": {"url": "{}"}})),
    "audio_url": Door("POST", "/v1/chat/completions", chat({"type": "audio_url", "audio_url": {"url": "{}"}})),
    "an engine's": Door("POST", f"/v1/engines/{MODEL}/chat/completions", chat(BY_FILE_ID)),
    "an engine's, bare": Door("POST", f"/engines/{MODEL}/chat/completions", chat(BY_FILE_ID)),
    "Azure's": Door("POST", f"/openai/deployments/{MODEL}/chat/completions", chat(BY_FILE_ID)),
    "price": Door("POST", "/spend/calculate", chat(BY_FILE_ID)),
    "count": Door("POST", "/v1/chat/completions/input_tokens", chat(BY_FILE_ID)),
    "count, bare": Door("POST", "/chat/completions/input_tokens", chat(BY_FILE_ID)),
    "count, image_url": Door(
        "POST", "/v1/chat/completions/input_tokens", chat({"type": "image_url", "image_url": {"url": "{}"}})
    ),
}


def response(part: Mapping[str, Any], **more: object) -> dict[str, Any]:
    return {"model": MODEL, "input": [{"role": "user", "content": [part]}], **more}


_INPUT_FILE = {"type": "input_file", "file_id": "{}"}
_URL_PARTS = (("input_file", "file_url"), ("input_image", "image_url"), ("input_video", "video_url"))

RESPONSES: dict[str, Door] = {
    f"a file in an input, {prefix or 'bare'}{', streamed' * stream}": Door(
        "POST", f"{prefix}/responses", response(_INPUT_FILE, stream=stream)
    )
    for prefix in ("/v1", "")
    for stream in (False, True)
}
RESPONSES |= {
    f"a file in an input, {kind}'s {key}": Door("POST", "/v1/responses", response({"type": kind, key: "{}"}))
    for kind, key in (*_URL_PARTS, ("input_image", "file_id"), ("input_video", "file_id"))
}
RESPONSES |= {
    f"a file in an input, {prefix}/{does}": Door("POST", f"{prefix}/responses/{does}", response(_INPUT_FILE))
    for prefix in ("/v1", "")
    for does in ("input_tokens", "compact")
}

STORED: dict[str, Door] = {
    f"{what}, {prefix or 'bare'}": Door(method, f"{prefix}/responses/{{}}{rest}")
    for prefix in ("/v1", "")
    for what, method, rest in (
        ("response", "GET", ""),
        ("response's head", "HEAD", ""),
        ("response streamed again", "GET", "?stream=true&starting_after=0"),
        ("delete response", "DELETE", ""),
        ("cancel response", "POST", "/cancel"),
        ("items of its input", "GET", "/input_items"),
        ("items of its input, head", "HEAD", "/input_items"),
        ("items of its input, a page", "GET", "/input_items?order=asc&limit=1&after=msg_x"),
    )
}
STORED |= {
    f"previous response, {path}{', streamed' * stream}": Door(
        "POST", path, {"model": MODEL, "input": "x", "previous_response_id": "{}", "stream": stream}
    )
    for path in ("/v1/responses", "/v1/responses/input_tokens")
    for stream in (False, True)
}
STORED["previous response, compacted"] = Door(
    "POST", "/v1/responses/compact", {"model": MODEL, "previous_response_id": "{}"}
)
"""By the id of a stored response."""

CONVERSATIONS: dict[str, Door] = {
    f"{what}, {prefix or 'bare'}": Door(method, f"{prefix}/conversations/{{}}{rest}", body)
    for prefix in ("/v1", "")
    for what, method, rest, body in (
        ("conversation", "GET", "", None),
        ("conversation's head", "HEAD", "", None),
        ("conversation's metadata", "POST", "", {"metadata": {"a": "b"}}),
        ("delete conversation", "DELETE", "", None),
        ("items", "GET", "/items", None),
        ("items' head", "HEAD", "/items", None),
        ("items after one", "GET", "/items?order=asc&after=msg_x", None),
        ("add items", "POST", "/items", {"items": [{"role": "user", "content": "x"}]}),
        ("item", "GET", "/items/msg_x", None),
        ("item's head", "HEAD", "/items/msg_x", None),
        ("remove item", "DELETE", "/items/msg_x", None),
    )
}
CONVERSATIONS |= {
    f"turn of a conversation, {path}{number}": Door("POST", path, {"model": MODEL, "input": "x", "conversation": named})
    for path in ("/v1/responses", "/v1/responses/input_tokens")
    for number, named in enumerate(("{}", {"id": "{}"}))
}
"""By the id of a conversation."""

REFERENCES: dict[str, Door] = {
    f"reference {number}, {path}": Door("POST", path, {"model": MODEL, "input": [item]})
    for path in ("/v1/responses", "/v1/responses/input_tokens", "/v1/responses/compact")
    for number, item in enumerate(({"type": "item_reference", "id": "{}"}, {"id": "{}"}, {"type": None, "id": "{}"}))
}
"""By the id of an item of one."""

_PART = {"fileData": {"fileUri": "{}", "mimeType": "text/plain"}}
_CONTENT: dict[str, Any] = {"role": "user", "parts": [{"text": "What is it?"}, _PART]}
_ANSWER = {"functionResponse": {"name": "look", "response": {}, "parts": [_PART]}}

NATIVE_BODIES: dict[str, tuple[dict[str, Any], ...]] = {
    "generateContent": (
        {"contents": [_CONTENT]},
        {"contents": [{"parts": [{"file_data": {"file_uri": "{}"}}]}]},
        {"contents": [{"parts": [{"text": "x"}]}], "systemInstruction": {"parts": [_PART]}},
        {"contents": [{"parts": [{"text": "x"}]}, {"role": "user", "parts": [_ANSWER]}]},
    ),
    "streamGenerateContent": ({"contents": [_CONTENT]},),
    "countTokens": ({"contents": [_CONTENT]}, {"generateContentRequest": {"contents": [_CONTENT]}}),
    "embedContent": ({"content": _CONTENT},),
    "batchEmbedContents": ({"requests": [{"model": f"models/{MODEL}", "content": _CONTENT}]},),
}

NATIVE_CALLS: dict[str, Door] = {
    f"{method} {number}, {prefix}": Door("POST", f"{prefix}/models/{MODEL}:{method}", body, speaks="gemini")
    for prefix in ("/v1beta", "/v1", "")
    for method, bodies in NATIVE_BODIES.items()
    for number, body in enumerate(bodies)
}
NATIVE_CALLS["streamGenerateContent, sse"] = Door(
    "POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", {"contents": [_CONTENT]}, speaks="gemini"
)

# ── Anthropic's ──────────────────────────────────────────────────────────────────────────────────────────────────────

ANTHROPIC_FILES: dict[str, Door] = {
    f"Anthropic's {what}": Door(method, path, speaks="anthropic", spelled=file_id)
    for what, method, path in (
        ("retrieve", "GET", "/v1/files/{}"),
        ("head", "HEAD", "/v1/files/{}"),
        ("delete", "DELETE", "/v1/files/{}?beta=true"),
        ("content", "GET", "/v1/files/{}/content"),
        ("content head", "HEAD", "/v1/files/{}/content"),
        ("page", "GET", "/v1/files?page={}"),
        ("page's head", "HEAD", "/v1/files?page={}"),
        ("list after", "GET", "/v1/files?after_id={}&limit=1"),
        ("list before", "GET", "/v1/files?before_id={}"),
    )
}


def message(*blocks: Mapping[str, Any], **more: object) -> dict[str, Any]:
    text = {"type": "text", "text": "What is it?"}
    return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": [text, *blocks]}], **more}


def source(kind: str, **fields: object) -> dict[str, Any]:
    return {"type": kind, "source": fields}


_BY_ID = {"type": "file", "file_id": "{}"}
_TOOL = {"name": "look", "input_schema": {"type": "object"}}
_RESULT = [
    {"role": "user", "content": "Look."},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [source("document", **_BY_ID)]}],
    },
]

MESSAGES: dict[str, Door] = {
    name: Door("POST", path, body, speaks="anthropic")
    for name, path, body in (
        ("document", "/v1/messages", message(source("document", **_BY_ID))),
        ("document, streamed", "/v1/messages?beta=true", message(source("document", **_BY_ID), stream=True)),
        ("image", "/v1/messages", message(source("image", **_BY_ID))),
        ("image in a document", "/v1/messages", message(source("document", type="content", content=[
            source("image", **_BY_ID)
        ]))),
        ("url", "/v1/messages", message(source("document", type="url", url="{}"))),
        ("image's url", "/v1/messages", message(source("image", type="url", url="{}"))),
        ("tool result", "/v1/messages", {**message(), "messages": _RESULT, "tools": [_TOOL]}),
        ("container_upload", "/v1/messages", message(
            {"type": "container_upload", "file_id": "{}"},
            tools=[{"type": "code_execution_20250522", "name": "code_execution"}],
        )),
        ("assistant's", "/v1/messages", {**message(), "messages": [
            {"role": "user", "content": "x"}, {"role": "assistant", "content": [source("document", **_BY_ID)]}
        ]}),
        ("count", "/v1/messages/count_tokens", message(source("document", **_BY_ID))),
    )
}  # fmt: skip

# ── uploads ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_FORM = b'--edge\r\nContent-Disposition: form-data; name="data"; filename="p"\r\n\r\n12345\r\n--edge--\r\n'

UPLOADS: dict[str, Door] = {
    f"{what}, {prefix or 'bare'}": Door("POST", f"{prefix}/uploads/{{}}/{what}", body, headers)
    for prefix in ("/v1", "")
    for what, body, headers in (
        ("parts", _FORM, {"Content-Type": "multipart/form-data; boundary=edge"}),
        ("complete", {"part_ids": ["part_a"]}, {}),
        ("cancel", {}, {}),
    )
}

SESSIONS: dict[str, Door] = {
    f"{command}, {version}": Door(
        "POST",
        f"/upload/{version}/files?upload_id={{}}&upload_protocol=resumable",
        b"mine" if command.startswith("upload") else None,
        {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": "0"},
        speaks="gemini",
    )
    for version in ("v1beta", "v1")
    for command in ("query", "upload", "upload, finalize", "finalize", "cancel", "")
}
"""The next requests of a resumable upload: the `upload_id` is the capability."""

# ── keys, by their digest ────────────────────────────────────────────────────────────────────────────────────────────

KEYS: dict[str, Door] = {
    "key info": Door("GET", "/key/info?key={}"),
    "key info's head": Door("HEAD", "/key/info?key={}"),
    "key list": Door("GET", "/key/list?key_hash={}"),
    "key list's head": Door("HEAD", "/key/list?key_hash={}"),
    "key infos": Door("POST", "/v2/key/info", {"keys": ["{}"]}),
    "key aliases": Door("GET", "/key/aliases?search={}"),
    "key aliases' head": Door("HEAD", "/key/aliases?search={}"),
    "key delete": Door("POST", "/key/delete", {"keys": ["{}"]}),
    "key regenerate by path": Door("POST", "/key/{}/regenerate", {}),
    **{f"key {what}": Door("POST", f"/key/{what}", {"key": "{}"}) for what in ("update", "block", "unblock")},
    "key reset spend": Door("POST", "/key/{}/reset_spend", {"reset_to": 0}),
    "key bulk update": Door("POST", "/key/bulk_update", {"keys": [{"key": "{}", "rpm_limit": 5}]}),
    "key regenerate": Door("POST", "/key/regenerate", {"key": "{}"}),
}

# ── owners' limits, by the owner's name ──────────────────────────────────────────────────────────────────────────────

OWNERS: dict[str, Door] = {
    f"{noun} {what}, {method}": Door(method, f"/{noun}/{path}".replace("ID", f"{noun}_id"), body)
    for noun in ("user", "team")
    for what, method, path, body in (
        ("info", "GET", "info?ID={}", None),
        ("info", "HEAD", "info?ID={}", None),
        ("list", "GET", "list", None),
        ("list", "HEAD", "list", None),
        ("new", "POST", "new", {f"{noun}_id": "{}"}),
        ("update", "POST", "update", {f"{noun}_id": "{}"}),
        ("delete", "POST", "delete", {f"{noun}_ids": ["{}"]}),
    )
}
