"""The OpenAI error envelope, for a status's body and for the in-band error of a stream (OPENAI.md 0.3).

Always the four keys, never anything nested; the status and the headers are the server's affair.
"""

from __future__ import annotations

from liftgate.errors import LiftgateError


def error_body(error: LiftgateError) -> dict[str, dict[str, str | None]]:
    """`{"error": {"message", "type", "param", "code"}}`; `param` and `code` may be None, `code` is never a number."""
    code = None if error.code is None else str(error.code)
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": code}}
