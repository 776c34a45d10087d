"""JSON text as Google's front takes it: duplicate keys and single quotes included.

A null beside a value of the same key is ignored, two objects of one key are merged, except where the field has
presence (`systemInstruction`), which is refused. Only syntax; what the fields mean is `strict_json`.
"""

import json

from liftgate.sandbox.requests.refusals import Refusal, bad_request
from liftgate.sandbox.wire.json_types import JsonObject

ONCE = {"systemInstruction": "_system_instruction", "system_instruction": "_system_instruction"}


def load(body: bytes) -> object:
    """The value of a JSON text; raises the 400 of a malformed one."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("Invalid UTF-8.") from None
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except Refusal:
        raise
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(double_quoted(text), object_pairs_hook=_pairs)
    except Refusal:
        raise
    except (ValueError, RecursionError):
        raise _malformed(
            "Unexpected token." if text.strip() else "Unexpected end of string. Expected a value."
        ) from None


def _malformed(why: str) -> Refusal:
    return bad_request([("", f"Invalid JSON payload received. {why}\n")])


def _pairs(pairs: list[tuple[str, object]]) -> JsonObject:
    result: JsonObject = dict(pairs)
    if len(result) == len(pairs):
        return result
    result = {}
    for key, value in pairs:
        before = result.get(key)
        if before is None:
            result[key] = value
        elif value is None:
            continue
        elif key in ONCE:
            why = f"oneof field '{ONCE[key]}' is already set. Cannot set '{key}'"
            raise bad_request([(key, f"Invalid value (oneof), {why}")])
        elif isinstance(before, dict) and isinstance(value, dict):
            result[key] = {**before, **value}
        else:
            result[key] = value
    return result


def double_quoted(text: str) -> str:
    """`text` with strings in single quotes turned into strings in double quotes."""
    out: list[str] = []
    quote = ""
    index = 0
    while index < len(text):
        char = text[index]
        if quote and char == "\\":
            following = text[index : index + 2]
            out.append("'" if following == "\\'" else following)
            index += 2
            continue
        if char in "\"'" and quote in ("", char):
            quote = "" if quote else char
            out.append('"')
        elif char == '"':
            out.append('\\"')
        else:
            out.append(char)
        index += 1
    return "".join(out)
