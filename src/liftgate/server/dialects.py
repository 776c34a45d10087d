"""Which API a request speaks: decides its routes and how errors are written (docs/architecture.md, "Decisions").

`/v1beta`, Google's other versions, `/upload` and `/download` are Gemini's. Under `/v1` both live (google-genai 3 calls
it): there Google's way of giving a key means Gemini, `Authorization` means OpenAI. A path that only OpenAI has is
OpenAI's, whichever way the key came. `/v1/messages` is Anthropic's; what it shares with the others is Anthropic's where
the header is there that each of its clients sends, whichever way the key came.
"""

from __future__ import annotations

from liftgate.server.request import Request
from liftgate.server.unserved import ANTHROPIC_UNSERVED, GOOGLE_UNSERVED, OTHER_VERSIONS

GEMINI_PATHS = ("/v1beta/", *(f"/{version}/" for version in OTHER_VERSIONS), "/upload/", "/download/")
"""Gemini's, however the key came."""
UNVERSIONED = "/models/"
"""LiteLLM's `gemini/` calls a model's methods there where its api_base is a bare address."""
_SHARED = (
    *("/v1/models", "/v1/files", "/v1/upload/"),
    *(f"/v1/{noun}" for noun in GOOGLE_UNSERVED),
)
ANTHROPIC_PATHS = ("/v1/messages",)
"""Anthropic's, without any header too."""
_ANTHROPICS = (
    *("/v1/models", "/v1/files"),
    *(f"/v1/{noun}" for noun in ANTHROPIC_UNSERVED),
    *("/v1/v1/", "/anthropic/", "/messages"),  # a client's base URL with too much, or a program's without its version
    "/api/",  # what Claude Code notes of its use
)
_FILES_BETA = b"files-api-"


def speaks_anthropic(request: Request) -> bool:
    """Whether a request speaks Anthropic's API on a path that is not Anthropic's alone."""
    headers = request.headers
    return (
        b"anthropic-version" in headers or _FILES_BETA in headers.get(b"anthropic-beta", b"")
    ) and request.path.startswith(_ANTHROPICS)


def speaks_gemini(request: Request) -> bool:
    """Whether a request speaks Gemini's API on a path that is not Gemini's alone."""
    path = request.path
    if path.startswith(_SHARED):
        return _googles_key(request)
    return path.startswith(UNVERSIONED) and request.method == "POST" and _googles_key(request)


def _googles_key(request: Request) -> bool:
    headers = request.headers
    if b"authorization" in headers:
        return False
    return b"x-goog-api-key" in headers or bool(request.query_key)
