"""OpenAI's tools, custom tools and legacy functions, and the choice among them. Google's tools are taken in their own
form (`{"googleSearch": {}}`, either case) and as `{"type": …}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from liftgate.ask import checks, tools
from liftgate.ask.builder import HINT, Ask
from liftgate.ask.tool_choice import OPENAIS_MODES, choose, choose_functions, declared_function
from liftgate.ask.tools import GOOGLE_TOOLS, MAX_DECLARATIONS
from liftgate.dialects.chat.question import Reading
from liftgate.errors import MissingParameter
from liftgate.json_types import JsonMapping, JsonObject

_OPENAI_NAMES = {
    "web_search": "googleSearch",
    "web_search_preview": "googleSearch",
    "code_interpreter": "codeExecution",
}
_GOOGLE_NAMES = {
    **{name: name for name in GOOGLE_TOOLS},
    **{snake: name for name, snake in GOOGLE_TOOLS.items()},
    **_OPENAI_NAMES,
}
_FUNCTION_KEYS = frozenset({"name", "description", "parameters", "strict", "response", "responseJsonSchema"})
_LISTS = ("tools", "functions")
_DECLARATIONS = ("functionDeclarations", "function_declarations")


def read_tools(ask: Ask, value: object, param: str) -> None:
    listed = checks.array(value, param, most=MAX_DECLARATIONS)
    if listed and not ask.facts.tools:
        return ask.refuse_unsupported(param, "tools")
    for index, tool in enumerate(listed):
        where = f"{param}[{index}]"
        found = checks.mapping(tool, where)
        if HINT in found:
            found = {key: each for key, each in found.items() if key != HINT}
        match found.get("type"):
            case "function":
                ask.refuse_unknown_keys(found, where, frozenset({"type", "function"}))
                _function(ask, checks.required(found, "function", where), f"{where}.function")
            case "custom":
                ask.refuse_unknown_keys(found, where, frozenset({"type", "custom"}))
                _custom(ask, checks.required(found, "custom", where), f"{where}.custom")
            case _:
                _google(ask, found, where)
    return None


def read_functions(reading: Reading, value: object, param: str) -> None:
    """The legacy list. Answers then carry `function_call`."""
    functions = checks.array(value, param, least=1, most=MAX_DECLARATIONS)
    ask = reading.ask
    if not ask.facts.tools:
        return ask.refuse_unsupported(param, "tools")
    reading.legacy_functions = ask.one_call = True  # its form has room for one
    for index, function in enumerate(functions):
        _function(ask, function, f"{param}[{index}]")
    return None


def _function(ask: Ask, value: object, where: str) -> None:
    function = checks.mapping(value, where)
    ask.refuse_unknown_keys(function, where, _FUNCTION_KEYS)
    tools.declare(ask, function, where, schema="parameters")


def _custom(ask: Ask, value: object, where: str) -> None:
    custom = checks.mapping(value, where)
    ask.refuse_unknown_keys(custom, where, frozenset({"name", "description", "format"}))
    name = tools.function_name(ask, custom, where)
    tools.read_custom(ask, custom, name, where)


def _google(ask: Ask, tool: JsonObject, where: str) -> None:
    """`{"googleSearch": {…}}` or `{"type": "google_search", …its fields…}`."""
    if (kind := tool.get("type")) is not None:
        name = _GOOGLE_NAMES.get(kind) if isinstance(kind, str) else None
        if name is None:
            raise checks.invalid_value(f"{where}.type", kind, ("function", "custom", *sorted(_GOOGLE_NAMES)))
        fields = {key: value for key, value in tool.items() if key != "type" and value is not None}
        servers = fields.get("servers", fields.get("mcpServers", []))
        return tools.add_google_tool(ask, name, servers if name == "mcpServers" else fields, where)
    if not tool or tool.keys() == {"type"} or "function" in tool or "custom" in tool:
        checks.required(tool, "type", where)
    for key, options in tool.items():
        if options is None and len(tool) > 1:
            continue
        if key in _DECLARATIONS:
            for index, each in enumerate(checks.array(options, f"{where}.{key}")):
                tools.declare_as_it_is(ask, each, f"{where}.{key}[{index}]")
        elif key in _GOOGLE_NAMES:
            tools.add_google_tool(ask, _GOOGLE_NAMES[key], {} if options is None else options, f"{where}.{key}")
        else:
            ask.refuse_unknown(f"{where}.{key}")
    return None


def read_web_search(ask: Ask, value: object, param: str) -> None:
    """`web_search_options` → Google Search."""
    ask.given.add("web_search_options")
    options = checks.mapping(value, param)
    ask.refuse_unknown_keys(options, param, frozenset({"user_location", "search_context_size"}))
    if (size := options.get("search_context_size")) is not None:
        checks.choice(size, f"{param}.search_context_size", ("low", "medium", "high"))
    if options.get("user_location") is not None:
        ask.leave_out(
            f"{param}.user_location",
            f"Unsupported parameter: '{param}.user_location'. Google Search takes no place in words; give "
            "toolConfig.retrievalConfig.latLng instead.",
        )
    if not ask.facts.tools:
        return ask.leave_out(param, "Web search options not supported with this model.")
    if not any("googleSearch" in tool for tool in ask.google_tools):
        ask.google_tools.append({"googleSearch": {}})
    return None


def read_parallel(ask: Ask, value: object, param: str) -> None:
    """Gemini may always call several at once; with false the answer's side shows the first of them."""
    ask.given.add("parallel_tool_calls")
    if not checks.boolean(value, param):
        ask.one_call = True


def read_choice(reading: Reading) -> None:
    """`tool_choice`, or `function_call` where there is none; once all tools are known."""
    param = "tool_choice" if reading.parameters.get("tool_choice") is not None else "function_call"
    chosen = reading.parameters.get(param)
    ask = reading.ask
    if chosen is None or (not ask.facts.tools and ask.drop_params):
        return
    if isinstance(chosen, str):
        choose(ask, OPENAIS_MODES[checks.choice(chosen, param, OPENAIS_MODES)], param)
        return
    found = checks.mapping(chosen, param)
    if param == "function_call":
        choose_functions(ask, [declared_function(ask, found, param)], forced=True)
        return
    match found.get("type"):
        case "function" | "custom" as kind:
            named = checks.mapping(checks.required(found, kind, param), f"{param}.{kind}")
            choose_functions(ask, [declared_function(ask, named, f"{param}.{kind}")], forced=True)
        case "allowed_tools":
            where = f"{param}.allowed_tools"
            _allowed(ask, checks.mapping(checks.required(found, "allowed_tools", param), where), where)
        case None:
            raise MissingParameter(f"{param}.type")
        case other:
            raise checks.invalid_value(f"{param}.type", other, ("function", "custom", "allowed_tools"))


def _allowed(ask: Ask, allowed: JsonObject, where: str) -> None:
    mode = checks.choice(checks.required(allowed, "mode", where), f"{where}.mode", ("auto", "required"))
    names = []
    for index, tool in enumerate(checks.array(checks.required(allowed, "tools", where), f"{where}.tools", least=1)):
        at = f"{where}.tools[{index}]"
        found = checks.mapping(tool, at)
        kind = checks.choice(checks.required(found, "type", at), f"{at}.type", ("function", "custom"))
        named = found.get(kind) or found
        names.append(declared_function(ask, checks.mapping(named, f"{at}.{kind}"), f"{at}.{kind}"))
    choose_functions(ask, names, forced=mode == "required")


def declared_names(request: JsonMapping) -> set[str]:
    """Every name in the lists of tools, in whichever form they stand."""
    found: set[str] = set()
    more = request.get("extra_body")
    more = more if isinstance(more, Mapping) else {}
    for owner in (request, more, request.get("google"), more.get("google")):
        if isinstance(owner, Mapping):
            for key in _LISTS:
                listed = owner.get(key)
                for tool in listed if isinstance(listed, list) else ():
                    if isinstance(tool, Mapping):
                        found.update(_names(tool))
    return found


def _names(tool: JsonMapping) -> Iterator[str]:
    held = [tool, tool.get("function"), tool.get("custom")]
    for key in _DECLARATIONS:
        inner = tool.get(key)
        held.extend(inner if isinstance(inner, list) else ())
    for each in held:
        if isinstance(each, Mapping) and isinstance(name := each.get("name"), str):
            yield name
