"""What OpenAI's, Anthropic's and Google's APIs have and this gateway does not: the 404 for such a path says so.

docs/routes.md is the same list for readers; a test holds it to this table and to `routes`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from liftgate.errors import RouteNotFound
from liftgate.names import is_collection
from liftgate.server.litellm_unserved import litellm_reason

_CHAT = "POST /v1/chat/completions is"

OPENAI_UNSERVED = {
    "assistants": "",
    "audio": f"{_CHAT}, with a recording as a file and with spoken answers",
    "batches": "",
    "chat/completions": "answers are not stored",
    "chatkit": "",
    "completions": _CHAT,
    "containers": "",
    "edits": _CHAT,
    "embeddings": "POST /v1beta/models/{model}:embedContent is",
    "evals": "",
    "fine-tunes": "",
    "fine_tuning": "",
    "images": f"{_CHAT}, with the models that give images",
    "moderations": "",
    "organization": "",
    "projects": "",
    "realtime": "",
    "skills": "",
    "threads": "",
    "vector_stores": "",
    "videos": "",
}
"""What stands behind `/v1/`, and what to use in its place."""

GOOGLE_UNSERVED = (
    "auth_tokens", "batches", "cachedContents", "corpora", "fileSearchStores", "generatedFiles", "interactions",
    "operations", "tunedModels",
)  # fmt: skip

OTHER_VERSIONS = ("v1alpha", "v1beta1", "v1beta2", "v1beta3")
"""Of Google's API: what its clients put in place of `v1beta` where they are told to."""

GOOGLE_METHODS_UNSERVED = (
    "asyncBatchEmbedContent", "batchGenerateContent", "bidiGenerateContent", "countMessageTokens",
    "generateAnswer", "generateMessage", "generateText", "predict", "predictLongRunning",
)  # fmt: skip

ANTHROPIC_UNSERVED = {
    "messages/batches": "POST /v1/messages is",
    "complete": "POST /v1/messages is",
    **dict.fromkeys(
        (
            "agents", "compliance", "deployment_runs", "deployments", "dreams", "environments", "memory_stores",
            "organizations", "sessions", "skills", "tunnels", "user_profiles", "vaults",
        ),
        "",
    ),
}  # fmt: skip
"""What stands behind `/v1/`, and what to use in its place."""

_VERSION = re.compile(rf"(/upload)?/(v1|v1beta|{'|'.join(OTHER_VERSIONS)})(?=/)")

_GOOGLES = ("files", "models")
"""Nouns that are served."""

_ROUTES = ("chat/completions", "conversations", "files", "messages", "models", "responses", "uploads")
"""What clients put behind their base URL."""

_ROUTE = re.compile(rf"/(?:(v1|v1beta)/)?({'|'.join(_ROUTES)})(?=/|$)")


def route_not_found(method: str, path: str) -> RouteNotFound:
    """The 404 of a path that leads nowhere."""
    return RouteNotFound(method, path, _reason(path))


def _reason(path: str) -> str:
    version = _VERSION.match(path)
    rest = path[version.end() if version else 0 :].strip("/")
    first, _, behind = rest.partition("/")
    name = "chat/completions" if rest.startswith("chat/completions/") else first
    if version and version[2] in OTHER_VERSIONS and first not in GOOGLE_UNSERVED:
        instead = f"{version[1] or ''}/v1beta/{first}{'/…' if behind else ''}" if first in _GOOGLES else "/v1beta"
        return f"{version[2]} of the Gemini API is not served here; {instead} is."
    meant = _behind_more(rest)
    if name == "chat/completions" and meant:
        return meant
    if version is None and not meant and (theirs := litellm_reason(path)):
        return theirs
    googles = first in GOOGLE_UNSERVED
    if name in OPENAI_UNSERVED and not (googles and version and "v1beta" in version[0]):
        instead = OPENAI_UNSERVED[name]
        # Another API has it too, and the path does not say whose client asks.
        whose = "" if name in ANTHROPIC_UNSERVED or googles else " of OpenAI's API"
        return f"/{name}{whose} is not served here{f'; {instead}' if instead else ''}."
    for name in ("/".join((first, behind.partition("/")[0])), first):
        if name in ANTHROPIC_UNSERVED:
            instead = ANTHROPIC_UNSERVED[name]
            return f"/{name} of Anthropic's API is not served here{f'; {instead}' if instead else ''}."
    if googles:
        return f"/{first} of the Gemini API is not served here."
    if (is_collection(first) or first == "dynamic") and (
        called := behind.rpartition(":")[2]
    ) in GOOGLE_METHODS_UNSERVED:
        return f"{called} of the Gemini API is not served here."
    if first == "ws" and behind.startswith("google."):
        return "the Live API of Gemini is not served here."
    if first == "download" and version is None:
        return "GET /v1beta/files/{name}:download gives the bytes of a file at once."
    near = get_close_matches(rest[:64], _ROUTES, 1, 0.85)
    return meant or litellm_reason(path) or (f"Did you mean /v1/{near[0]}?" if near else "")


def _behind_more(rest: str) -> str:
    """Answers a route behind another version, a whole route or another server's path; empty for all else."""
    for found in _ROUTE.finditer(f"/{rest}"):
        before = found.string[1 : found.start()]
        if (before or found[1]) and (before in _ROUTES or not before.startswith(_ROUTES)):
            more = "/…" if found.end() < len(found.string) else ""
            address = f"/{found[1] or 'v1'}/{found[2]}{more}"
            return f"Did you mean {address}? The client's base URL seems to hold more than it should."
    twice = re.search(r"(?:^|/)v1(?:beta)?/", rest)
    return "The version stands twice in it: does the client's base URL hold more than it should?" if twice else ""
