"""The choice among tools, once all are known."""

from __future__ import annotations

from liftgate.ask import checks
from liftgate.ask.tool_choice import OPENAIS_MODES, choose, choose_functions, declared_function
from liftgate.dialects.responses.question import Reading
from liftgate.errors import UnsupportedParameter
from liftgate.json_types import JsonObject

_HOSTED = ("web_search", "code_interpreter", "file_search", "image_generation", "mcp")


def read_choice(reading: Reading, value: object, param: str) -> None:
    """Once all tools are known."""
    ask = reading.ask
    if not ask.facts.tools and ask.drop_params:
        return
    if isinstance(value, str):
        if checks.choice(value, param, OPENAIS_MODES) != "auto" or ask.declarations or ask.google_tools:
            choose(ask, OPENAIS_MODES[value], param)
        return
    found = checks.mapping(value, param)
    kind = checks.required(found, "type", param)
    if kind in ("function", "custom"):
        choose_functions(ask, [_chosen(reading, found, param)], forced=True)
    elif kind == "allowed_tools":
        _allowed(reading, found, param)
    elif isinstance(kind, str) and _plain(kind) in _HOSTED:
        if ask.declarations or set(reading.hosted) != {_plain(kind)}:
            raise UnsupportedParameter(
                f"Unsupported value: '{param}.type' does not support {checks.shown(kind)} here: Gemini cannot be made "
                "to use one of Google's tools among others.",
                param=f"{param}.type",
            )
    else:
        raise checks.invalid_value(f"{param}.type", kind, ("function", "custom", "allowed_tools"))


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
