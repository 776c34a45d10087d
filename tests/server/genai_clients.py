"""The official google-genai client at a gateway: only its base URL and its key are changed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from google import genai
from google.genai import types


@contextmanager
def genai_client(base: str, key: str = "sk-ann", version: str | None = None) -> Iterator[genai.Client]:
    """Without retries, as the client is by default."""
    options = types.HttpOptions(base_url=base, timeout=60_000, api_version=version)
    with genai.Client(api_key=key, http_options=options) as client:
        yield client


def shown_sha256(file: types.File) -> str:
    """The hash in a File: base64 of the hex digest (docs/protocol/gemini.md, "The File resource")."""
    return base64.b64decode(file.sha256_hash or "").decode()
