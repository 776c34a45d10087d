"""The choice among tools → functionCallingConfig; and the tools, once all are known, into the body.

Made last, because the choice may stand before the tools in the request and must name some of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.json_call import json_function
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

OPENAIS_MODES: Mapping[str, Literal["NONE", "AUTO", "ANY"]] = {"none": "NONE", "auto": "AUTO", "required": "ANY"}
"""OpenAI's words for a choice → Gemini's."""
JSON_FIELDS = ("responseMimeType", "responseJsonSchema", "responseSchema")


def choose(ask: Ask, mode: Literal["NONE", "AUTO", "ANY"], param: str) -> None:
    """Any function, none, or as the model likes. Raises InvalidRequest where a choice is made among no tools."""
    ask.given.add("tool_choice")
    any_tools = bool(ask.declarations or ask.google_tools)
    if mode != "NONE" and not any_tools:
        raise InvalidRequest(
            f"Invalid value for '{param}': '{param}' is only allowed when tools are specified.", param=param
        )
    if mode != "AUTO" and any_tools:
        ask.calling, ask.choice_param = {"mode": mode}, param


def choose_none(ask: Ask, param: str) -> None:
    """No tool at all: Gemini's mode is about functions, and Google's tools would still be used."""
    choose(ask, "NONE", param)
    ask.google_tools.clear()
    if not ask.declarations:
        ask.calling = None


def choose_functions(ask: Ask, names: Sequence[str], *, forced: bool) -> None:
    """One of these, by the names under which they are sent: the model must call one, or may call none but these."""
    ask.given.add("tool_choice")
    if forced:
        ask.calling = {"mode": "ANY", "allowedFunctionNames": list(names)}
    else:
        # Gemini takes names only with a forced or validated call; leaving the other tools out says the same.
        ask.allowed_functions = frozenset(names)


def declared_function(ask: Ask, owner: JsonObject, where: str) -> str:
    """The name under which the function in `owner` is sent. Raises InvalidRequest for one that is not declared."""
    name = checks.string(checks.required(owner, "name", where), f"{where}.name", empty=False)
    if name not in ask.function_names:
        raise InvalidRequest(
            f"Invalid '{where}.name': {checks.shown(name)} is not among the tools of this request.",
            param=f"{where}.name",
            code="invalid_value",
        )
    return ask.sent_name(name)


def finish_tools(ask: Ask) -> None:
    """`tools` and `toolConfig`, once every parameter was read."""
    declarations = ask.declarations
    if (allowed := ask.allowed_functions) is not None:
        declarations = [each for each in declarations if each["name"] in allowed]
    # A strict function's arguments are held to its schema without forcing a call; AUTO is Gemini's default.
    strict = declarations and ask.strict_tools and ask.facts.validated_mode
    config: JsonObject | None = ask.calling or ({"mode": "VALIDATED"} if strict else None)
    if declarations and not ask.facts.json_with_functions and _wants_json(ask):
        declarations, config = _json_beside(ask, declarations, config)
    if config and not declarations and not ask.facts.choice_without_functions:
        _choice_without_functions(ask, config)
        config = None
    if not (declarations or ask.facts.json_with_functions) and ask.json_param and _wants_json(ask):
        _json_beside_googles(ask)
    tools: list[JsonObject] = []
    if declarations:
        tools.append({"functionDeclarations": declarations})
    tools.extend(ask.google_tools)
    if tools:
        ask.body["tools"] = tools
    tool_config: JsonObject = {}
    if config:
        tool_config["functionCallingConfig"] = config
    if ask.retrieval:
        tool_config["retrievalConfig"] = ask.retrieval
    if declarations and any("mcpServers" not in tool for tool in ask.google_tools):
        # Without it Google refuses its tools beside functions; alone it would change their answers.
        tool_config["includeServerSideToolInvocations"] = True
    if tool_config:
        ask.body["toolConfig"] = tool_config


def _choice_without_functions(ask: Ask, config: JsonObject) -> None:
    """Google's tools alone, on a model that then refuses the choice (inspect_ai#2462, AstrBot#7407)."""
    if config["mode"] == "NONE":
        ask.google_tools.clear()
    else:
        ask.leave_out(
            ask.choice_param,
            f"Unsupported value: '{ask.choice_param}' cannot force a call with this model where no function is "
            "declared: it decides by itself when to use Google's tools.",
        )


def _json_beside_googles(ask: Ask) -> None:
    """JSON output beside tools that Google runs, on a model that then refuses it (snailyp/gemini-balance#264)."""
    if any("mcpServers" not in tool for tool in ask.google_tools):
        ask.leave_out(
            ask.json_param,
            f"Unsupported parameter: '{ask.json_param}'. This model does not support JSON output beside Google's "
            "tools: ask a newer one, or for JSON in words.",
        )
        for key in JSON_FIELDS:
            ask.generation.pop(key, None)


def _wants_json(ask: Ask) -> bool:
    asked = ask.generation | ask.gemini.get("generationConfig", {})
    return bool(asked.get("responseMimeType") == "application/json")


def _json_beside(
    ask: Ask, declarations: list[JsonObject], config: JsonObject | None
) -> tuple[list[JsonObject], JsonObject | None]:
    """Functions and JSON output on a model that takes one of them in a request."""
    mode = config["mode"] if config else "AUTO"
    if mode == "NONE":
        return [], None
    asked: JsonObject = {}
    for fields in (ask.generation, ask.gemini.get("generationConfig", {})):
        asked |= {key: fields.pop(key) for key in JSON_FIELDS if key in fields}
    if mode == "ANY":
        return declarations, config  # the answer is a call, in which there is no content
    ask.json_call, declaration = json_function(asked, {each["name"] for each in declarations})
    return [declaration, *declarations], {"mode": "ANY"}
