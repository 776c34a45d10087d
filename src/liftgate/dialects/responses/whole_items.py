"""A request's own input → items as they are stored: with ids, and each of the form that OpenAI's types know, whichever
way a client spelled it.

Null counts as absent, what is left out has its default, and what Gemini gets nothing of (a status, annotations, what a
hosted tool found) stays where it has the form that clients read. So an item is whole wherever it is listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from liftgate.dialects.responses.media import LISTS
from liftgate.dialects.responses.parts import read_media
from liftgate.json_types import JsonObject

_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "compaction": "cmp",
}
_OURS = re.compile(r"[a-z]{2,4}_[a-z0-9]{24,32}")

_Form: TypeAlias = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str)


def _one_of(*words: str) -> _Form:
    return lambda value: isinstance(value, str) and value in words


def _list_of(form: _Form) -> _Form:
    return lambda value: isinstance(value, list) and all(form(each) for each in value)


def _object(kind: str | None = None, /, **forms: _Form) -> _Form:
    """An object of this `type` that has all of these."""

    def fits(value: object) -> bool:
        if not isinstance(value, dict) or (kind is not None and value.get("type") != kind):
            return False
        return all(form(value.get(key)) for key, form in forms.items())

    return fits


def _any_of(*forms: _Form) -> _Form:
    return lambda value: any(form(value) for form in forms)


def _integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return _integer(value) or isinstance(value, float)


def _absent_or(form: _Form) -> _Form:
    return lambda value: value is None or form(value)


_ANNOTATION = _any_of(
    _object("url_citation", url=_text, title=_text, start_index=_integer, end_index=_integer),
    _object("file_citation", file_id=_text, filename=_text, index=_integer),
    _object("file_path", file_id=_text, index=_integer),
    _object(
        "container_file_citation",
        container_id=_text,
        file_id=_text,
        filename=_text,
        start_index=_integer,
        end_index=_integer,
    ),
)
_TOKEN = {"token": _text, "logprob": _number, "bytes": _list_of(_integer)}
_LOGPROB = _object(**_TOKEN, top_logprobs=_list_of(_object(**_TOKEN)))
_ACTION = _any_of(
    _object(
        "search",
        query=_absent_or(_text),
        queries=_absent_or(_list_of(_text)),
        sources=_absent_or(_list_of(_object("url", url=_text))),
    ),
    _object("open_page", url=_absent_or(_text)),
    _object("find_in_page", url=_text, pattern=_text),
)
_PASSAGE = _object(
    file_id=_absent_or(_text), filename=_absent_or(_text), text=_absent_or(_text), score=_absent_or(_number)
)
_STATUS = ("in_progress", "completed", "incomplete")
_SHARED: dict[str, _Form] = {
    "status": _one_of(*_STATUS),
    "phase": _one_of("commentary", "final_answer"),
    "async": lambda value: isinstance(value, bool),
    "caller": _object("direct"),
    "created_by": _text,
    "name": _text,
    "namespace": _text,
}
"""Of items of every kind."""
_FORMS: dict[str, dict[str, _Form]] = {
    "reasoning": {
        "summary": _list_of(_object("summary_text", text=_text)),
        "content": _list_of(_object("reasoning_text", text=_text)),
    },
    "web_search_call": {"status": _one_of("in_progress", "searching", "completed", "failed"), "action": _ACTION},
    "file_search_call": {
        "status": _one_of(*_STATUS, "searching", "failed"),
        "queries": _list_of(_text),
        "results": _list_of(_PASSAGE),
    },
    "code_interpreter_call": {
        "status": _one_of(*_STATUS, "interpreting", "failed"),
        "container_id": _text,
        "code": _text,
        "outputs": _list_of(_any_of(_object("logs", logs=_text), _object("image", url=_text))),
    },
    "image_generation_call": {
        "status": _one_of("in_progress", "generating", "completed", "failed"),
        "result": _text,
    },
    "custom_tool_call": {"input": _text},
    "mcp_call": {
        "status": _one_of(*_STATUS, "calling", "failed"),
        "server_label": _text,
        "arguments": _text,
        "output": _text,
        "error": _object(type=_text),
        "approval_request_id": _text,
    },
    "mcp_list_tools": {
        "server_label": _text,
        "tools": _list_of(_object(name=_text, input_schema=_object())),
        "error": _text,
    },
}
"""Of what is not read, or not as a whole."""
_DEFAULTS: dict[str, JsonObject] = {
    "reasoning": {"summary": []},
    "function_call": {"arguments": "{}"},
    "custom_tool_call": {"input": ""},
    "web_search_call": {"action": {"type": "search", "query": ""}},
    "file_search_call": {"queries": [], "results": None},
    "code_interpreter_call": {"container_id": "", "code": None, "outputs": None},
    "image_generation_call": {"result": None},
    "mcp_call": {"server_label": "", "name": "", "arguments": "{}"},
    "mcp_list_tools": {"server_label": "", "tools": []},
}
"""What items have where clients leave it out."""
_PLAIN = frozenset({"role", "content", "type"})
_WITHOUT_STATUS = frozenset({"reasoning", "mcp_call", "mcp_list_tools", "compaction"})


def own_items(value: object, token: str, taken: Iterable[str] = ()) -> list[JsonObject]:
    """The items of an `input` that was read. `token`: the response's, from which ids are made where the client's are
    not of our form, or are `taken`: by items before these, which are listed with them. The request stays as it is."""
    if value is None:
        return []
    if isinstance(value, str):
        return [_plain_message("user", value, f"msg_{token}i00")]
    assert isinstance(value, list), "it was read"
    ids = set(taken)
    return [_whole(item, f"{token}i{place:02d}", ids) for place, item in enumerate(value)]


def of_words(value: object, token: str) -> list[JsonObject] | None:
    """`own_items` of an input of nothing but plain words, as most are; None for any other. It was read."""
    if isinstance(value, str):
        return own_items(value, token)
    items: list[JsonObject] = []
    for place, item in enumerate(value if isinstance(value, list) else ()):
        content, role = item.get("content"), item.get("role")
        if type(content) is not str or role == "assistant" or not _PLAIN.issuperset(item):
            return None
        if item.get("type", "message") != "message":
            return None
        items.append(_plain_message(role, content, f"msg_{token}i{place:02d}"))
    return items


def _plain_message(role: str, text: str, item_id: str) -> JsonObject:
    content = [{"type": "input_text", "text": text}]
    return {"role": role, "content": content, "type": "message", "id": item_id, "status": "completed"}


def _whole(item: JsonObject, token: str, taken: set[str]) -> JsonObject:
    kind = item.get("type") or "message"
    forms = _FORMS.get(kind)
    whole: JsonObject = {}
    for key, value in item.items():
        if value is not None:
            form = forms.get(key) if forms is not None else None
            form = form or _SHARED.get(key)
            if form is None or form(value):
                whole[key] = value
    given = whole.get("id")
    if not isinstance(given, str) or given in taken or _OURS.fullmatch(given) is None:
        given = f"{_PREFIXES.get(kind, 'item')}_{token}"
    taken.add(given)
    whole["type"] = kind
    whole["id"] = given
    for key, value in _DEFAULTS.get(kind, {}).items():
        whole.setdefault(key, value)
    if kind not in _WITHOUT_STATUS:
        whole.setdefault("status", "completed")
    key = LISTS.get(kind, "content")
    if kind == "message" or isinstance(whole.get(key), list):
        whole[key] = whole_parts(whole[key], whole.get("role"))
    if kind == "web_search_call":
        whole["action"] = _without_nulls(whole["action"])
    if kind == "file_search_call" and whole.get("results"):
        whole["results"] = [_without_nulls(each) for each in whole["results"]]
    if kind == "code_interpreter_call" and whole["outputs"]:
        whole["outputs"] = [dict(each) for each in whole["outputs"]]
    return whole


def _without_nulls(fields: JsonObject) -> JsonObject:
    return {key: value for key, value in fields.items() if value is not None}


def whole_parts(content: str | Sequence[object], role: object) -> list[JsonObject]:
    """Of a message that was read, or of a tool's result. In other items a list of this name was not read, and may hold
    what is no part; that is left out."""
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    return [_part(part) for part in content if isinstance(part, dict)]


def _part(part: JsonObject) -> JsonObject:
    whole = _without_nulls(part)
    match whole.get("type"):
        case "input_image":
            whole["detail"] = whole.get("detail") or "auto"
        case "output_text":
            whole["annotations"] = _those(whole.get("annotations"), _ANNOTATION)
            whole["logprobs"] = _those(whole.get("logprobs"), _LOGPROB)
        case "input_video" | "input_audio":
            return _as_file(whole)
    return whole


def _those(value: object, form: _Form) -> list[object]:
    return [each for each in value if form(each)] if isinstance(value, list) else []


def _as_file(part: JsonObject) -> JsonObject:
    """Of a video, of sound: OpenAI's types know no such parts, and a file of any type is one."""
    kept = {key: value for key, value in part.items() if key not in ("video_url", "input_audio")}
    kept["type"] = "input_file"
    if part["type"] == "input_audio":
        sound = read_media(part, "input")
        assert sound is not None, "it was read"
        kept["file_data"] = f"data:{sound.mime_type};base64,{sound.ref}" if sound.mime_type else sound.ref
    elif isinstance(url := part.get("video_url"), str) and url:
        kept["file_data" if url[:5].lower() == "data:" else "file_url"] = url
    return kept
