"""The choice among tools, once all are known."""

from __future__ import annotations

from liftgate.ask import checks
from liftgate.ask.tool_choice import OPENAIS_MODES, choose, choose_functions, choose_none, declared_function
from liftgate.dialects.responses.question import Reading
from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.json_types import JsonObject

_HOSTED = ("web_search", "code_interpreter", "file_search", "image_generation", "mcp")


def read_choice(reading: Reading, value: object, param: str) -> None:
    """Once all tools are known."""
    ask = reading.ask
    if not ask.facts.tools and ask.drop_params:
        return
    if isinstance(value, str):
        if checks.choice(value, param, OPENAIS_MODES) == "none":
            choose_none(ask, param)
        elif value != "auto" or ask.declarations or ask.google_tools:
            choose(ask, OPENAIS_MODES[value], param)
        return
    found = checks.mapping(value, param)
    kind = checks.required(found, "type", param)
    if kind in ("function", "custom"):
        choose_functions(ask, [_chosen(reading, found, param)], forced=True)
    elif kind == "allowed_tools":
        _allowed(reading, found, param)
    elif isinstance(kind, str) and (plain := _plain(kind)) in _HOSTED:
        _hosted(reading, found, plain, param)
    else:
        raise checks.invalid_value(f"{param}.type", kind, ("function", "custom", "allowed_tools", *_HOSTED))


def _hosted(reading: Reading, found: JsonObject, plain: str, param: str) -> None:
    """One of Google's tools: where it is the only tool there is, and as a whole."""
    kind = checks.shown(found["type"])
    if plain not in reading.hosted:
        raise InvalidRequest(
            f"Invalid '{param}.type': {kind} is not among the tools of this request.",
            param=f"{param}.type",
            code="invalid_value",
        )
    if reading.ask.declarations or set(reading.hosted) != {plain}:
        raise UnsupportedParameter(
            f"Unsupported value: '{param}.type' does not support {kind} here: Gemini cannot be made to use one of "
            "Google's tools among others.",
            param=f"{param}.type",
        )
    if plain != "mcp":
        return
    label = checks.string(checks.required(found, "server_label", param), f"{param}.server_label")
    servers = {each.get("name") for tool in reading.ask.google_tools for each in tool.get("mcpServers", ())}
    if label not in servers:
        raise InvalidRequest(
            f"Invalid '{param}.server_label': {checks.shown(label)} is not among the tools of this request.",
            param=f"{param}.server_label",
            code="invalid_value",
        )
    if len(servers) > 1 or found.get("name") is not None:
        at = f"{param}.{'name' if found.get('name') is not None else 'server_label'}"
        raise UnsupportedParameter(
            f"Unsupported parameter: '{at}': Gemini chooses among the tools of MCP servers by itself.", param=at
        )


def _chosen(reading: Reading, found: JsonObject, where: str) -> str:
    if space := found.get("namespace"):
        found = {**found, "name": f"{space}__{found.get('name')}"}
    return declared_function(reading.ask, found, where)


def _allowed(reading: Reading, allowed: JsonObject, where: str) -> None:
    mode = checks.choice(checks.required(allowed, "mode", where), f"{where}.mode", ("auto", "required"))
    names: list[str] = []
    googles: set[str] = set()
    for index, tool in enumerate(checks.array(checks.required(allowed, "tools", where), f"{where}.tools", least=1)):
        at = f"{where}.tools[{index}]"
        found = checks.mapping(tool, at)
        kind = checks.required(found, "type", at)
        if kind in ("function", "custom"):
            names.append(_chosen(reading, found, at))
        elif isinstance(kind, str) and (plain := _plain(kind)) in reading.hosted:
            googles.add(plain)
        else:
            raise checks.invalid_value(f"{at}.type", kind, ("function", "custom", *reading.hosted))
    if not googles:
        reading.ask.google_tools.clear()
    elif mode == "required" or not googles.issuperset(reading.hosted):
        raise UnsupportedParameter(
            f"Unsupported value: '{where}': of Google's tools all or none are allowed, and none is required: the model "
            "decides by itself when to use them.",
            param=where,
        )
    choose_functions(reading.ask, names, forced=mode == "required")


def _plain(kind: str) -> str:
    """A hosted tool's name without its date."""
    return "web_search" if kind.startswith("web_search") else kind
