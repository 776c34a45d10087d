"""Code that a service ran in an earlier answer: as Gemini's own parts where it was Python, as text otherwise."""

from __future__ import annotations

import msgspec

from liftgate.ask import checks
from liftgate.json_types import JsonObject

_encode = msgspec.json.Encoder().encode

OK, FAILED = "OUTCOME_OK", "OUTCOME_FAILED"


class Ran(msgspec.Struct):
    """`asked`: the input of each server tool's use in a turn, by its id."""

    asked: dict[str, JsonObject] = {}

    def parts(self, tool_id: str, content: object, signature: str | None, where: str) -> list[JsonObject]:
        """The code and what came of it. Raises InvalidRequest."""
        at = f"{where}.content"
        found = checks.mapping(content, at)
        code = self.asked.get(tool_id, {}).get("code")
        if not isinstance(code, str) or not code:
            return [{"text": as_text(self.asked.get(tool_id, {}), content)}]
        ran: JsonObject = {"executableCode": {"language": "PYTHON", "code": code}}
        if signature is not None:
            ran["thoughtSignature"] = signature
        if str(found.get("type")).endswith("_error"):
            return [ran, _result(FAILED, str(found.get("error_code") or ""))]
        stdout, stderr = (checks.string(found.get(key) or "", f"{at}.{key}") for key in ("stdout", "stderr"))
        return [ran, _result(FAILED if found.get("return_code") else OK, stdout + stderr)]


def _result(outcome: str, output: str) -> JsonObject:
    return {"codeExecutionResult": {"outcome": outcome, "output": output}}


def as_text(asked: JsonObject, content: object) -> str:
    """What another service's tool did, as the model can read it."""
    return _encode({"ran": asked, "result": _readable(content)}).decode()


def _readable(value: object) -> object:
    """Without what is sealed."""
    if isinstance(value, dict):
        return {key: _readable(each) for key, each in value.items() if not key.startswith("encrypted_")}
    return [_readable(each) for each in value] if isinstance(value, list) else value
