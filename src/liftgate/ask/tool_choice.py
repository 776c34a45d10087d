"""The choice among tools → functionCallingConfig; and the tools, once all are known, into the body.

Read last, because the choice may stand before the tools in the request and must name some of them.
"""

from __future__ import annotations

from typing import Any

from liftgate.ask import checks
from liftgate.ask.draft import Draft
from liftgate.ask.json_call import json_function
from liftgate.errors import InvalidRequest

_MODES = {"none": "NONE", "auto": "AUTO", "required": "ANY"}
JSON_FIELDS = ("responseMimeType", "responseJsonSchema", "responseSchema")


def finish_tools(draft: Draft) -> None:
    """`tools` and `toolConfig`, once every parameter was read."""
    config = _calling_config(draft)
    declarations = draft.declarations
    if (allowed := draft.allowed_functions) is not None:
        declarations = [each for each in declarations if each["name"] in allowed]
    if declarations and not draft.facts.json_with_functions and _wants_json(draft):
        declarations, config = _json_beside(draft, declarations, config)
    if config and not declarations and not draft.facts.choice_without_functions:
        _choice_without_functions(draft, config)
        config = None
    tools: list[dict[str, Any]] = []
    if declarations:
        tools.append({"functionDeclarations": declarations})
    tools.extend(draft.google_tools)
    if tools:
        draft.body["tools"] = tools
    tool_config: dict[str, Any] = {}
    if config:
        tool_config["functionCallingConfig"] = config
    if draft.retrieval:
        tool_config["retrievalConfig"] = draft.retrieval
    if declarations and any("mcpServers" not in tool for tool in draft.google_tools):
        # Without it Google refuses its tools beside functions; alone it would change their answers.
        tool_config["includeServerSideToolInvocations"] = True
    if tool_config:
        draft.body["toolConfig"] = tool_config


def _choice_without_functions(draft: Draft, config: dict[str, Any]) -> None:
    """Google's tools alone, on a model that then refuses the choice (inspect_ai#2462, AstrBot#7407)."""
    if config["mode"] == "NONE":
        draft.google_tools.clear()
    else:
        draft.leave_out(
            "tool_choice",
            "Unsupported value: 'tool_choice' does not support 'required' with this model where no function is "
            "declared: it decides by itself when to use Google's tools.",
        )


def _wants_json(draft: Draft) -> bool:
    asked = draft.generation | draft.native.get("generationConfig", {})
    return bool(asked.get("responseMimeType") == "application/json")


def _json_beside(
    draft: Draft, declarations: list[dict[str, Any]], config: dict[str, Any] | None
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Functions and JSON output on a model that takes one of them in a request."""
    mode = config["mode"] if config else "AUTO"
    if mode == "NONE":
        return [], None
    asked: dict[str, Any] = {}
    for fields in (draft.generation, draft.native.get("generationConfig", {})):
        asked |= {key: fields.pop(key) for key in JSON_FIELDS if key in fields}
    if mode == "ANY":
        return declarations, config  # the answer is a call, in which there is no content
    draft.json_call, declaration = json_function(asked, {each["name"] for each in declarations})
    return [declaration, *declarations], {"mode": "ANY"}


def _calling_config(draft: Draft) -> dict[str, Any] | None:
    legacy = draft.request.get("function_call")
    chosen = draft.request.get("tool_choice")
    param = "tool_choice" if chosen is not None else "function_call"
    chosen = chosen if chosen is not None else legacy
    if chosen is None:
        return _strict_config(draft)
    if not draft.facts.tools and draft.drop_params:
        return None
    if isinstance(chosen, str):
        mode = _MODES[checks.choice(chosen, param, _MODES)]
        if mode != "NONE" and not draft.declarations and not draft.google_tools:
            raise InvalidRequest(
                f"Invalid value for '{param}': '{param}' is only allowed when tools are specified.", param=param
            )
        if mode == "AUTO":
            return _strict_config(draft)
        return {"mode": mode} if draft.declarations or draft.google_tools else None
    found = checks.mapping(chosen, param)
    if param == "function_call":
        return {"mode": "ANY", "allowedFunctionNames": [_declared(draft, found, param)]}
    match found.get("type"):
        case "function" | "custom" as kind:
            named = checks.mapping(checks.required(found, kind, param), f"{param}.{kind}")
            return {"mode": "ANY", "allowedFunctionNames": [_declared(draft, named, f"{param}.{kind}")]}
        case "allowed_tools":
            return _allowed(
                draft, checks.mapping(checks.required(found, "allowed_tools", param), f"{param}.allowed_tools")
            )
        case other:
            raise checks.invalid_value(f"{param}.type", other, ("function", "custom", "allowed_tools"))


def _strict_config(draft: Draft) -> dict[str, Any] | None:
    """A strict function's arguments are held to its schema without forcing a call; AUTO is Gemini's default."""
    return {"mode": "VALIDATED"} if draft.strict_tools and draft.facts.validated_mode else None


def _allowed(draft: Draft, allowed: dict[str, Any]) -> dict[str, Any] | None:
    where = "tool_choice.allowed_tools"
    mode = checks.choice(checks.required(allowed, "mode", where), f"{where}.mode", ("auto", "required"))
    names = []
    for index, tool in enumerate(checks.array(checks.required(allowed, "tools", where), f"{where}.tools", least=1)):
        at = f"{where}.tools[{index}]"
        found = checks.mapping(tool, at)
        kind = checks.choice(checks.required(found, "type", at), f"{at}.type", ("function", "custom"))
        named = found.get(kind) or found
        names.append(_declared(draft, checks.mapping(named, f"{at}.{kind}"), f"{at}.{kind}"))
    if mode == "required":
        return {"mode": "ANY", "allowedFunctionNames": names}
    # Gemini takes names only with a forced or validated call; leaving the other tools out says the same.
    draft.allowed_functions = frozenset(names)
    return _strict_config(draft)


def _declared(draft: Draft, owner: dict[str, Any], where: str) -> str:
    name = checks.string(checks.required(owner, "name", where), f"{where}.name", empty=False)
    if name not in draft.function_names:
        raise InvalidRequest(
            f"Invalid '{where}.name': {checks.shown(name)} is not among the tools of this request.",
            param=f"{where}.name",
            code="invalid_value",
        )
    return draft.sent_name(name)
