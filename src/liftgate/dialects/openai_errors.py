"""The OpenAI error envelope, for a status's body and for the in-band error of a stream (OPENAI.md 0.3).

Always the four keys, never anything nested; the headers are the server's affair.
"""

from __future__ import annotations

import re

from liftgate.dialects.dialect import JSON, ErrorBody
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonObject

_IN_GOOGLES_API = re.compile(r"Call (?:ModelService\.)?ListModels to see the list of available models[^.]*\.")
"""What Google tells whoever asks for a model that is not there: a call that OpenAI's clients do not have."""


class OpenAI:
    """How OpenAI's API tells errors, on every route that it has."""

    name = "openai"
    json_type = JSON

    def error(self, error: LiftgateError) -> ErrorBody:
        return ErrorBody(error.http_status, error_body(error))


OPENAI = OpenAI()


def error_body(error: LiftgateError) -> JsonObject:
    """`{"error": {"message", "type", "param", "code"}}`; `param` and `code` may be None, `code` is never a number."""
    code = None if error.code is None else str(error.code)
    message = _IN_GOOGLES_API.sub("GET /v1/models lists those that can be asked.", error.message)
    return {"error": {"message": message, "type": error.type, "param": error.param, "code": code}}
