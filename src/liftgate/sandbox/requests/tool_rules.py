"""Tools, the choice among them, and schemas: what Google refuses of them."""

import re
from collections.abc import Iterator

from liftgate.sandbox.requests.json_schema_rules import check_json_schema
from liftgate.sandbox.requests.model_facts import ModelFacts
from liftgate.sandbox.requests.refusals import Refusal, field_wrong
from liftgate.sandbox.wire.json_types import JsonObject

ROOT = "GenerateContentRequest"
FUNCTION_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}")
BUILT_IN = {"googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "fileSearch"}
"""Tools that Google runs. Beside functions they need a switch (ag2#3145, eino-ext#761; seven recordings have it)."""


def check_tools(request: JsonObject, model: ModelFacts) -> None:
    """Raises the 400 that Google gives."""
    names = _declared(request)
    built_in = {kind for tool in request.get("tools", []) for kind in tool} & BUILT_IN
    if names and built_in and not request.get("toolConfig", {}).get("includeServerSideToolInvocations"):
        raise Refusal(
            400,
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function "
            "calling.",
        )
    json_out = request.get("generationConfig", {}).get("responseMimeType") == "application/json"
    if names and json_out and not model.json_with_functions:
        raise Refusal(400, "Function calling with a response mime type: 'application/json' is unsupported")
    if built_in and json_out and not names and not model.json_with_functions:
        # snailyp/gemini-balance#264 and #286, of 2.5; two recordings of gemini-3-flash-preview have both.
        raise Refusal(400, "Tool use with a response mime type: 'application/json' is unsupported")
    chosen = "functionCallingConfig" in request.get("toolConfig", {})
    if chosen and built_in and not names and not model.choice_without_functions:
        # A recorded 200 of gemini-3-pro-image has it; of 2.5 there are reports (inspect_ai#2462, AstrBot#7407).
        raise Refusal(400, "Function calling config is set without function_declarations.")
    _check_allowed(request, names)


def _declared(request: JsonObject) -> set[str]:
    """The functions' names, once every declaration was found right."""
    names: set[str] = set()
    for tool_index, tool in enumerate(request.get("tools", [])):
        for index, declaration in enumerate(tool.get("functionDeclarations", [])):
            path = f"{ROOT}.tools[{tool_index}].function_declarations[{index}]"
            name = declaration.get("name", "")
            if not FUNCTION_NAME.fullmatch(name):
                raise field_wrong(
                    f"{path}.name",
                    "[Invalid function name. Must start with a letter or an underscore. Must be alphanumeric "
                    "(a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum "
                    "length of 128.",
                )
            if name in names:
                raise Refusal(400, f"Duplicate function declaration found: {name}")
            names.add(name)
            check_schema(declaration.get("parameters", {}), f"{path}.parameters")
            check_json_schema(declaration.get("parametersJsonSchema"))
            check_json_schema(declaration.get("responseJsonSchema"))
    return names


def _check_allowed(request: JsonObject, names: set[str]) -> None:
    config = request.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = config.get("allowedFunctionNames", [])
    if allowed and config.get("mode") not in ("ANY", "VALIDATED"):
        raise Refusal(
            400,
            "Function calling config is set with allowed_function_names but function calling mode is not ANY or "
            "VALIDATED.",
        )
    unknown = [name for name in allowed if name not in names]
    if unknown:
        raise Refusal(400, f"allowed_function_names contains a name that is not declared: {unknown[0]}")


def check_schema(schema: JsonObject, path: str) -> None:
    for place, node in _schemas(schema, path):
        if node.get("type") == "ARRAY" and "items" not in node:
            raise field_wrong(f"{place}.items", "missing field.")
        for index, name in enumerate(node.get("required", [])):
            if name not in node.get("properties", {}):
                raise field_wrong(f"{place}.required[{index}]", "property is not defined")


def _schemas(schema: JsonObject, path: str) -> Iterator[tuple[str, JsonObject]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _schemas(inner, f"{path}.properties[{name}]")
    if "items" in schema:
        yield from _schemas(schema["items"], f"{path}.items")
    for index, inner in enumerate(schema.get("anyOf", [])):
        yield from _schemas(inner, f"{path}.any_of[{index}]")
