"""Tools, those of the client and those that Google runs, and the choice among them."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from liftgate.ask import checks, tools
from liftgate.ask.tool_choice import choose, choose_functions, choose_none, declared_function
from liftgate.ask.tools import MAX_DECLARATIONS
from liftgate.dialects.messages.client_tools import client_tool
from liftgate.dialects.messages.fields import REFUSED_TOOLS, TOOLS
from liftgate.dialects.messages.question import Reading
from liftgate.json_types import JsonMapping, JsonObject

_DATE = re.compile(r"_\d{8}\Z")
_SETTINGS = frozenset(
    {
        "type", "name", "cache_control", "strict", "defer_loading", "eager_input_streaming", "allowed_callers",
        "input_examples",
    }
)  # fmt: skip
_FUNCTION_KEYS = _SETTINGS | {"description", "input_schema"}
_CLIENT_KEYS = _SETTINGS | {"max_characters"}
_SEARCH_KEYS = _SETTINGS | {
    "max_uses", "allowed_domains", "blocked_domains", "user_location", "response_inclusion",
}  # fmt: skip
_FETCH_KEYS = _SEARCH_KEYS | {"citations", "max_content_tokens", "use_cache", "url_sources"}
_DOMAINS = ("allowed_domains", "blocked_domains", "user_location", "url_sources")

_encode = msgspec.json.Encoder().encode


def read_tools(reading: Reading, value: object, param: str) -> None:
    ask = reading.ask
    listed = checks.array(value, param, most=MAX_DECLARATIONS)
    if listed and not ask.facts.tools:
        ask.refuse_unsupported(param, "tools")
        return
    for index, tool in enumerate(listed):
        where = f"{param}[{index}]"
        found = checks.mapping(tool, where)
        kind = found.get("type")
        if kind is None or kind == "custom":
            _function(reading, found, where)
            continue
        kind = checks.string(kind, f"{where}.type")
        plain = _DATE.sub("", kind)
        if (read := _GOOGLES.get(plain)) is not None:
            read(reading, found, where)
        elif (described := client_tool(kind)) is not None:
            _client_tool(reading, found, where, described)
        elif reason := REFUSED_TOOLS.get(plain):
            ask.leave_out(f"{where}.type", f"Unsupported tool: '{where}' is a '{kind}': {reason}.")
        else:
            raise checks.invalid_value(f"{where}.type", kind, [row.field for row in TOOLS if row.fate == "mapped"])


def _function(reading: Reading, tool: JsonObject, where: str) -> None:
    checks.required(tool, "name", where)
    checks.required(tool, "input_schema", where)
    reading.ask.refuse_unknown_keys(tool, where, _FUNCTION_KEYS)
    tools.refuse_other_callers(tool, where)
    function = dict(tool)
    if examples := tool.get("input_examples"):
        function["description"] = _with_examples(tool, examples, where)
    tools.declare(reading.ask, function, where, schema="input_schema")


def _with_examples(tool: JsonObject, examples: object, where: str) -> str:
    description = tool.get("description")
    head = "" if description is None else checks.string(description, f"{where}.description")
    lines = [_encode(each).decode() for each in checks.array(examples, f"{where}.input_examples")]
    return "\n".join((head, "Examples of its input:", *lines)).strip()


def _client_tool(reading: Reading, tool: JsonObject, where: str, described: tuple[str, JsonObject]) -> None:
    reading.ask.refuse_unknown_keys(tool, where, _CLIENT_KEYS)
    tools.refuse_other_callers(tool, where)
    checks.required(tool, "name", where)
    description, schema = described
    function = {**tool, "description": description, "input_schema": schema}
    if examples := tool.get("input_examples"):
        function["description"] = _with_examples(function, examples, where)
    tools.declare(reading.ask, function, where, schema="input_schema")


# ── what Google runs ─────────────────────────────────────────────────────────────────────────────


def _web_search(reading: Reading, tool: JsonObject, where: str) -> None:
    reading.ask.refuse_unknown_keys(tool, where, _SEARCH_KEYS)
    _refuse_domains(reading, tool, where, "Google Search")
    _add(reading, "googleSearch", tool, where)


def _web_fetch(reading: Reading, tool: JsonObject, where: str) -> None:
    reading.ask.refuse_unknown_keys(tool, where, _FETCH_KEYS)
    _refuse_domains(reading, tool, where, "Google")
    citations = tool.get("citations")
    if type(citations) is dict and citations.get("enabled") is True:
        at = f"{where}.citations.enabled"
        reading.ask.leave_out(at, f"Unsupported parameter: '{at}': Gemini cites what it searched for alone.")
    _add(reading, "urlContext", tool, where)


def _code_execution(reading: Reading, tool: JsonObject, where: str) -> None:
    reading.ask.refuse_unknown_keys(tool, where, _SETTINGS)
    reading.runs_code = True
    _add(reading, "codeExecution", tool, where)


def _add(reading: Reading, name: str, tool: JsonObject, where: str) -> None:
    tools.refuse_other_callers(tool, where)
    hosted = checks.string(checks.required(tool, "name", where), f"{where}.name", empty=False)
    if not any(name in each for each in reading.ask.google_tools):
        tools.add_google_tool(reading.ask, name, {}, where)
    reading.hosted.append(hosted)


def _refuse_domains(reading: Reading, tool: JsonObject, where: str, who: str) -> None:
    for key in _DOMAINS:
        if tool.get(key):
            at = f"{where}.{key}"
            reading.ask.leave_out(at, f"Unsupported parameter: '{at}'. {who} cannot be held to some places.")


_GOOGLES: dict[str, Callable[[Reading, JsonObject, str], None]] = {
    "web_search": _web_search,
    "web_fetch": _web_fetch,
    "code_execution": _code_execution,
}


# ── the choice ───────────────────────────────────────────────────────────────────────────────────


def read_choice(reading: Reading, value: object, param: str) -> None:
    """Once all tools are known."""
    ask = reading.ask
    found = checks.mapping(value, param)
    kind = checks.choice(checks.required(found, "type", param), f"{param}.type", ("auto", "any", "tool", "none"))
    ask.refuse_unknown_keys(found, param, frozenset({"type", "name", "disable_parallel_tool_use"}))
    alone = found.get("disable_parallel_tool_use")
    if alone is not None and checks.boolean(alone, f"{param}.disable_parallel_tool_use"):
        ask.one_call = True  # Gemini may call several all the same
    if not ask.facts.tools and ask.drop_params:
        return
    if kind == "tool":
        _choose_one(reading, found, param)
    elif kind == "any":
        choose(ask, "ANY", param)
    elif kind == "none":
        choose_none(ask, param)


def _choose_one(reading: Reading, found: JsonObject, param: str) -> None:
    """One of Google's tools cannot be forced; where it is the only one, the model has no other anyway."""
    ask = reading.ask
    name = found.get("name")
    if name not in reading.hosted:
        choose_functions(ask, [declared_function(ask, found, param)], forced=True)
    elif ask.declarations or set(reading.hosted) != {name}:
        ask.leave_out(
            f"{param}.name",
            f"Unsupported value: '{param}.name' does not support {checks.shown(name)} here: Gemini cannot be made to "
            "use one of Google's tools among others.",
        )


def declared_names(request: JsonMapping) -> set[str]:
    """Every name of a function in `tools`."""
    listed = request.get("tools")
    return {
        tool["name"]
        for tool in (listed if isinstance(listed, list) else ())
        if isinstance(tool, dict) and isinstance(tool.get("name"), str)
    }
