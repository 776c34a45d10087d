"""Which API a request speaks, OpenAI's or Gemini's own: decides its routes and how errors are written (DESIGN.md 7).

`/v1beta`, `/v1alpha`, `/upload` and `/download` are Gemini's. Under `/v1` both live (google-genai 3 calls it): there
Google's way of giving a key says Gemini, `Authorization` says OpenAI. A path that only OpenAI has is OpenAI's,
whichever way the key came.
"""

from __future__ import annotations

from typing import Literal

from liftgate.server.request import Request
from liftgate.server.unserved import GOOGLE_UNSERVED

Dialect = Literal["openai", "gemini"]

NATIVE = ("/v1beta/", "/v1alpha/", "/upload/", "/download/")
UNVERSIONED = "/models/"
"""LiteLLM's `gemini/` calls a model's methods there where its api_base is a bare address."""
_SHARED = (
    *("/v1/models", "/v1/files", "/v1/upload/"),
    *(f"/v1/{noun}" for noun in GOOGLE_UNSERVED),
)


def dialect_of(request: Request) -> Dialect:
    path = request.path
    if path.startswith(NATIVE) or (path.startswith(_SHARED) and _googles_key(request)):
        return "gemini"
    if path.startswith(UNVERSIONED) and request.method == "POST" and _googles_key(request):
        return "gemini"
    return "openai"


def _googles_key(request: Request) -> bool:
    headers = request.headers
    if b"authorization" in headers:
        return False
    return b"x-goog-api-key" in headers or bool(request.query_key)
