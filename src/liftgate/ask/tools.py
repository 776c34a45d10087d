"""Tools → functionDeclarations and Google's own tools. `tool_choice` chooses among them.

Every function is declared here, whichever API it comes from. A tool of free text becomes a function of one string, and
is shown as what it was again in the answer.
"""

from __future__ import annotations

import re

from liftgate.ask import checks
from liftgate.ask.builder import HINT, Ask
from liftgate.ask.json_schema import json_schema
from liftgate.ask.schema_subset import schema_subset
from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.json_types import JsonObject

NAME = re.compile(r"[a-zA-Z0-9_:.-]{1,128}\Z")
MAX_DECLARATIONS = 512

CUSTOM_INPUT = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's input, as free text."}},
    "required": ["input"],
}

GOOGLE_TOOLS = {
    "googleSearch": "google_search",
    "googleSearchRetrieval": "google_search_retrieval",
    "codeExecution": "code_execution",
    "urlContext": "url_context",
    "googleMaps": "google_maps",
    "fileSearch": "file_search",
    "computerUse": "computer_use",
    "mcpServers": "mcp_servers",
}
"""In both of Google's spellings."""


def declare(ask: Ask, function: JsonObject, where: str, *, schema: str, result: str = "responseJsonSchema") -> None:
    """A function with `name`, `description` and `strict`; its arguments' schema stands under the key `schema`, that of
    what it gives under `result`. With `strict`, a keyword that Gemini cannot enforce is refused. Raises InvalidRequest
    for a name that no API takes, or that was declared before.
    """
    ask.given.add("tools")
    declaration: JsonObject = {"name": ask.sent_name(function_name(ask, function, where))}
    if (description := function.get("description")) is not None:
        declaration["description"] = checks.string(description, f"{where}.description")
    strict = function.get("strict")
    strict = strict is not None and checks.boolean(strict, f"{where}.strict")
    ask.strict_tools = ask.strict_tools or strict
    if (parameters := function.get(schema)) is not None:
        at = f"{where}.{schema}"
        if ask.facts.json_schema:
            declaration["parametersJsonSchema"] = json_schema(checks.mapping(parameters, at), at, strict=strict)
        else:
            declaration["parameters"] = schema_subset(parameters, at)
    if (response := function.get("response")) is not None:
        declaration["response"] = response
    if (given := function.get(result)) is not None:
        at = f"{where}.{result}"
        declaration["responseJsonSchema"] = json_schema(checks.mapping(given, at), at, strict=False)
    ask.declarations.append(declaration)


def read_custom(ask: Ask, tool: JsonObject, name: str, where: str) -> None:
    """Declares OpenAI's custom tool, one of free text, whose name `function_name` has read."""
    if (form := tool.get("format")) is not None:
        at = f"{where}.format"
        kind = checks.choice(checks.mapping(form, at).get("type"), f"{at}.type", ("text", "grammar"))
        if kind == "grammar":
            ask.leave_out(
                at,
                f"Unsupported value: '{at}.type' does not support 'grammar': Gemini cannot hold a tool's input to a "
                "grammar. Supported values are: 'text'.",
            )
    description = tool.get("description")
    if description is not None:
        description = checks.string(description, f"{where}.description")
    ask.given.add("tools")
    ask.custom_tools.add(name)
    declaration: JsonObject = {
        "name": ask.sent_name(name),
        "parametersJsonSchema" if ask.facts.json_schema else "parameters": CUSTOM_INPUT,
    }
    if description is not None:
        declaration["description"] = description
    ask.declarations.append(declaration)


def refuse_other_callers(tool: JsonObject, where: str) -> None:
    """What would let something else than the model's turn call the function."""
    if (callers := tool.get("allowed_callers")) is not None and "direct" not in checks.array(
        callers, f"{where}.allowed_callers"
    ):
        raise UnsupportedParameter(
            f"Unsupported value: '{where}.allowed_callers' must name 'direct': Gemini runs no programs that call "
            "tools.",
            param=f"{where}.allowed_callers",
        )


def declare_as_it_is(ask: Ask, declaration: object, where: str) -> None:
    """One of Google's functionDeclarations."""
    ask.given.add("tools")
    found = checks.mapping(declaration, where)
    name = function_name(ask, found, where)
    sent = ask.sent_name(name)
    ask.declarations.append(found if sent == name else {**found, "name": sent})


def function_name(ask: Ask, owner: JsonObject, where: str) -> str:
    name = checks.string(checks.required(owner, "name", where), f"{where}.name", empty=False)
    if not NAME.match(name):
        raise InvalidRequest(
            f"Invalid '{where}.name': string does not match pattern. Expected letters, digits, '_', '-', '.' or ':', "
            f"at most 128 of them, but got {checks.shown(name)}.",
            param=f"{where}.name",
            code="invalid_value",
        )
    if name in ask.function_names:
        raise InvalidRequest(
            f"Invalid '{where}.name': {checks.shown(name)} is declared twice.",
            param=f"{where}.name",
            code="invalid_value",
        )
    ask.function_names.add(name)
    return name


def add_google_tool(ask: Ask, name: str, options: object, where: str) -> None:
    """`name`: a key of GOOGLE_TOOLS. `options`: its fields, in either case."""
    ask.given.add("tools")
    if name == "mcpServers":
        ask.google_tools.append({name: checks.array(options, where)})
        return
    given = checks.mapping(options, where).items()
    fields = {key: value for key, value in given if value is not None and key != HINT}
    if name == "googleMaps":
        _place_of_maps(ask, fields, where)
    if name == "googleSearch":
        fields.pop("search_context_size", None)  # ignored: Google decides by itself how much it reads
        if fields.pop("user_location", None) is not None:
            param = f"{where}.user_location"
            ask.leave_out(param, f"Unsupported parameter: '{param}'. Google Search has no such setting.")
    if name == "fileSearch":
        ask.kept_names.append(where)
    ask.google_tools.append({name: fields})


def _place_of_maps(ask: Ask, fields: JsonObject, where: str) -> None:
    """LiteLLM's clients put the place inside the tool; Gemini has it in toolConfig.retrievalConfig."""
    place = {key: fields.pop(key) for key in ("latitude", "longitude") if key in fields}
    if place:
        ask.retrieval["latLng"] = {
            "latitude": checks.number(place.get("latitude"), f"{where}.latitude", -90, 90),
            "longitude": checks.number(place.get("longitude"), f"{where}.longitude", -180, 180),
        }
    for key in ("languageCode", "language_code"):
        if key in fields:
            ask.retrieval["languageCode"] = checks.string(fields.pop(key), f"{where}.{key}")
