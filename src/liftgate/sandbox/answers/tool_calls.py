"""Which functions the sandbox's model calls: those that the prompt asks for by `call NAME({…})`, or a forced one.

Reads the declarations of a checked request. Arguments of a forced call are a minimal instance of the declared schema.
"""

import json
import re
import secrets

from liftgate.sandbox.answers.sample_values import sample
from liftgate.sandbox.answers.signatures import signature_of
from liftgate.sandbox.requests.prompt import Prompt
from liftgate.sandbox.wire.json_types import JsonObject

_CALL = re.compile(r"\bcall\s+([a-zA-Z_][a-zA-Z0-9_:.-]*)\(")


def declared(prompt: Prompt) -> dict[str, JsonObject]:
    """Function declarations by name, those that the call may use."""
    config = prompt.request.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = config.get("allowedFunctionNames", [])
    return {
        declaration["name"]: declaration
        for tool in prompt.tools
        for declaration in tool.get("functionDeclarations", [])
        if not allowed or declaration["name"] in allowed
    }


def calls_for(prompt: Prompt) -> list[JsonObject]:
    """The functionCall parts of the answer; none where a text is to be given."""
    functions = declared(prompt)
    mode = prompt.request.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode", "AUTO")
    if mode == "NONE" or not functions:
        return []
    asked = [] if prompt.last_responses else _asked(prompt.question, functions)
    if not asked and mode == "ANY":
        name, declaration = next(iter(functions.items()))
        schema = declaration.get("parameters") or declaration.get("parametersJsonSchema") or {"type": "object"}
        asked = [(name, sample(schema, prompt.question or "sandbox"))]
    return [_part(prompt, name, args, first=index == 0) for index, (name, args) in enumerate(asked)]


def _asked(text: str, functions: dict[str, JsonObject]) -> list[tuple[str, JsonObject]]:
    found: list[tuple[str, JsonObject]] = []
    decoder = json.JSONDecoder()
    for match in _CALL.finditer(text):
        rest = text[match.end() :].lstrip()
        if match.group(1) not in functions:
            continue
        if rest.startswith(")"):
            found.append((match.group(1), {}))
            continue
        try:
            args, end = decoder.raw_decode(rest)
        except ValueError:
            continue
        if isinstance(args, dict) and rest[end:].lstrip().startswith(")"):
            found.append((match.group(1), args))
    return found


def _part(prompt: Prompt, name: str, args: JsonObject, *, first: bool) -> JsonObject:
    call: JsonObject = {"name": name, "args": args}
    if not prompt.model.signs:
        return {"functionCall": call}
    part: JsonObject = {"functionCall": {"id": secrets.token_hex(4), **call}}
    # Of parallel calls only the first carries the signature.
    return part | {"thoughtSignature": signature_of(name, args)} if first else part
