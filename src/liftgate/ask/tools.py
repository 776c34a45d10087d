"""Tools and legacy functions → functionDeclarations and Google's own tools; `tool_choice` chooses among them.

OpenAI's custom tools (free text in, free text out) become functions of one string, and are shown as custom tools
again in the answer. Google's tools are taken in their own form (`{"googleSearch": {}}`, either case) and as
`{"type": …}`.
"""

from __future__ import annotations

import re
from typing import Any

from liftgate.ask import checks
from liftgate.ask.draft import Draft
from liftgate.ask.json_schema import json_schema
from liftgate.ask.schema_subset import schema_subset
from liftgate.errors import InvalidRequest

NAME = re.compile(r"[a-zA-Z0-9_:.-]{1,128}\Z")
MAX_DECLARATIONS = 512

CUSTOM_INPUT = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's input, as free text."}},
    "required": ["input"],
}

GOOGLE_TOOLS = {
    "googleSearch": ("google_search", "web_search", "web_search_preview"),
    "googleSearchRetrieval": ("google_search_retrieval",),
    "codeExecution": ("code_execution", "code_interpreter"),
    "urlContext": ("url_context",),
    "googleMaps": ("google_maps",),
    "fileSearch": ("file_search",),
    "computerUse": ("computer_use",),
    "mcpServers": ("mcp_servers",),
}
_GOOGLE_NAMES = {name: gemini for gemini, names in GOOGLE_TOOLS.items() for name in (gemini, *names)}

_FUNCTION_KEYS = frozenset({"name", "description", "parameters", "strict", "response", "responseJsonSchema"})


def read_tools(draft: Draft, value: object, at: str = "tools") -> None:
    """`at`: where the list stands in the request."""
    tools = checks.array(value, at, most=MAX_DECLARATIONS)
    if tools and not draft.facts.tools:
        return draft.cannot(at, "tools")
    for index, tool in enumerate(tools):
        where = f"{at}[{index}]"
        found = checks.mapping(tool, where)
        match found.get("type"):
            case "function":
                draft.only(found, where, frozenset({"type", "function"}))
                _function(draft, checks.mapping(checks.required(found, "function", where), f"{where}.function"), where)
            case "custom":
                draft.only(found, where, frozenset({"type", "custom"}))
                _custom(draft, checks.mapping(checks.required(found, "custom", where), f"{where}.custom"), where)
            case _:
                _google(draft, found, where)
    return None


def read_functions(draft: Draft, value: object) -> None:
    """The legacy list. Answers then carry `function_call`."""
    functions = checks.array(value, "functions", least=1, most=MAX_DECLARATIONS)
    if not draft.facts.tools:
        return draft.cannot("functions", "tools")
    draft.legacy_functions = draft.one_call = True  # its form has room for one
    for index, function in enumerate(functions):
        where = f"functions[{index}]"
        _declare(draft, checks.mapping(function, where), where)
    return None


def _function(draft: Draft, function: dict[str, Any], where: str) -> None:
    _declare(draft, function, f"{where}.function")


def _declare(draft: Draft, function: dict[str, Any], where: str) -> None:
    draft.only(function, where, _FUNCTION_KEYS)
    declaration: dict[str, Any] = {"name": draft.sent_name(_name(draft, function, where))}
    if (description := function.get("description")) is not None:
        declaration["description"] = checks.string(description, f"{where}.description")
    strict = function.get("strict")
    strict = strict is not None and checks.boolean(strict, f"{where}.strict")
    draft.strict_tools = draft.strict_tools or strict
    if (parameters := function.get("parameters")) is not None:
        at = f"{where}.parameters"
        if draft.facts.json_schema:
            declaration["parametersJsonSchema"] = json_schema(checks.mapping(parameters, at), at, strict=strict)
        else:
            declaration["parameters"] = schema_subset(parameters, at)
    for key in ("response", "responseJsonSchema"):
        if function.get(key) is not None:
            declaration[key] = function[key]
    draft.declarations.append(declaration)


def _custom(draft: Draft, custom: dict[str, Any], where: str) -> None:
    where = f"{where}.custom"
    draft.only(custom, where, frozenset({"name", "description", "format"}))
    name = _name(draft, custom, where)
    form = custom.get("format")
    if form is not None:
        kind = checks.choice(
            checks.mapping(form, f"{where}.format").get("type"), f"{where}.format.type", ("text", "grammar")
        )
        if kind == "grammar":
            draft.leave_out(
                f"{where}.format",
                f"Unsupported value: '{where}.format.type' does not support 'grammar': Gemini cannot hold a tool's "
                "input to a grammar. Supported values are: 'text'.",
            )
    draft.custom_tools.add(name)
    declaration = {
        "name": draft.sent_name(name),
        "parametersJsonSchema" if draft.facts.json_schema else "parameters": CUSTOM_INPUT,
    }
    if (description := custom.get("description")) is not None:
        declaration["description"] = checks.string(description, f"{where}.description")
    draft.declarations.append(declaration)


def _name(draft: Draft, owner: dict[str, Any], where: str) -> str:
    name = checks.string(checks.required(owner, "name", where), f"{where}.name", empty=False)
    if not NAME.match(name):
        raise InvalidRequest(
            f"Invalid '{where}.name': string does not match pattern. Expected letters, digits, '_', '-', '.' or ':', "
            f"at most 128 of them, but got {checks.shown(name)}.",
            param=f"{where}.name",
            code="invalid_value",
        )
    if name in draft.function_names:
        raise InvalidRequest(
            f"Invalid '{where}.name': {checks.shown(name)} is declared twice.",
            param=f"{where}.name",
            code="invalid_value",
        )
    draft.function_names.add(name)
    return name


def _google(draft: Draft, tool: dict[str, Any], where: str) -> None:
    """`{"googleSearch": {…}}` or `{"type": "google_search", …its fields…}`."""
    if (kind := tool.get("type")) is not None:
        name = _GOOGLE_NAMES.get(kind) if isinstance(kind, str) else None
        if name is None:
            raise checks.invalid_value(f"{where}.type", kind, ("function", "custom", *sorted(_GOOGLE_NAMES)))
        options: Any = {key: value for key, value in tool.items() if key != "type" and value is not None}
        if name == "mcpServers":
            options = options.get("servers", options.get("mcpServers", []))
        _google_tool(draft, name, options, where)
        return
    if not tool or tool.keys() == {"type"}:
        checks.required(tool, "type", where)
    for key, options in tool.items():
        if options is None and len(tool) > 1:
            continue
        if key in ("functionDeclarations", "function_declarations"):
            for index, each in enumerate(checks.array(options, f"{where}.{key}")):
                at = f"{where}.{key}[{index}]"
                name = _name(draft, checks.mapping(each, at), at)
                sent = draft.sent_name(name)
                draft.declarations.append(each if sent == name else {**each, "name": sent})
        elif key in _GOOGLE_NAMES:
            _google_tool(draft, _GOOGLE_NAMES[key], {} if options is None else options, f"{where}.{key}")
        else:
            draft.unknown(f"{where}.{key}")


def _google_tool(draft: Draft, name: str, options: object, where: str) -> None:
    if name == "mcpServers":
        draft.google_tools.append({name: checks.array(options, where)})
        return
    options = {key: value for key, value in checks.mapping(options, where).items() if value is not None}
    if name == "googleMaps":
        # LiteLLM's clients put the place inside the tool; Gemini has it in toolConfig.retrievalConfig.
        place = {key: options.pop(key) for key in ("latitude", "longitude") if key in options}
        if place:
            draft.retrieval["latLng"] = {
                "latitude": checks.number(place.get("latitude"), f"{where}.latitude", -90, 90),
                "longitude": checks.number(place.get("longitude"), f"{where}.longitude", -180, 180),
            }
        for key in ("languageCode", "language_code"):
            if key in options:
                draft.retrieval["languageCode"] = checks.string(options.pop(key), f"{where}.{key}")
    if name == "googleSearch":
        options.pop("search_context_size", None)  # ignored, as in web_search_options
        if options.pop("user_location", None) is not None:
            param = f"{where}.user_location"
            draft.leave_out(param, f"Unsupported parameter: '{param}'. Google Search has no such setting.")
    if name == "fileSearch":
        draft.kept_names.append(where)
    draft.google_tools.append({name: options})


def read_web_search(draft: Draft, value: object) -> None:
    """`web_search_options` → Google Search."""
    options = checks.mapping(value, "web_search_options")
    draft.only(options, "web_search_options", frozenset({"user_location", "search_context_size"}))
    if (size := options.get("search_context_size")) is not None:
        checks.choice(size, "web_search_options.search_context_size", ("low", "medium", "high"))
    if options.get("user_location") is not None:
        draft.leave_out(
            "web_search_options.user_location",
            "Unsupported parameter: 'web_search_options.user_location'. Google Search takes no place in words; give "
            "toolConfig.retrievalConfig.latLng instead.",
        )
    if not draft.facts.tools:
        return draft.leave_out("web_search_options", "Web search options not supported with this model.")
    if not any("googleSearch" in tool for tool in draft.google_tools):
        draft.google_tools.append({"googleSearch": {}})
    return None


def read_parallel(draft: Draft, value: object) -> None:
    """Gemini may always call several at once; with false the answer's side shows the first of them."""
    if not checks.boolean(value, "parallel_tool_calls"):
        draft.one_call = True
