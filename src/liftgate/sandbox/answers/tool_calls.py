"""Which functions the sandbox's model calls: those that the prompt asks for by `call NAME({…})`, or a forced one.

Reads the declarations of a checked request. Arguments of a forced call are a minimal instance of the declared schema.
"""

import json
import re
import secrets
from typing import Any

from liftgate.sandbox.answers.sample_values import sample
from liftgate.sandbox.answers.signatures import signature_of
from liftgate.sandbox.requests.prompt import Prompt

_CALL = re.compile(r"\bcall\s+([a-zA-Z_][a-zA-Z0-9_:.-]*)\(")


def declared(prompt: Prompt) -> dict[str, dict[str, Any]]:
    """Function declarations by name, those that the call may use."""
    config = prompt.request.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = config.get("allowedFunctionNames", [])
    return {
        declaration["name"]: declaration
        for tool in prompt.tools
        for declaration in tool.get("functionDeclarations", [])
        if not allowed or declaration["name"] in allowed
    }


def calls_for(prompt: Prompt) -> list[dict[str, Any]]:
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


def _asked(text: str, functions: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
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


def _part(prompt: Prompt, name: str, args: dict[str, Any], *, first: bool) -> dict[str, Any]:
    call: dict[str, Any] = {"name": name, "args": args}
    if not prompt.model.signs:
        return {"functionCall": call}
    part: dict[str, Any] = {"functionCall": {"id": secrets.token_hex(4), **call}}
    # Of parallel calls only the first carries the signature.
    return part | {"thoughtSignature": signature_of(name, args)} if first else part
