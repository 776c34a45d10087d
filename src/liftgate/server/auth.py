"""Whose request this is: the key it carries, before anything of its body is read.

Keys are compared by their SHA-256: the digests of all configured keys are the keys of a dict, and a caller cannot steer
the digest of a guess, so how long the look-up takes tells nothing about how much of a key was right.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from liftgate.errors import AuthenticationFailed
from liftgate.records import Owner
from liftgate.server.request import Request
from liftgate.settings.sections import LOCAL, AuthSettings

_BARE_HEADERS = (b"x-goog-api-key", b"api-key", b"x-api-key")

NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)


class Authenticator:
    """Without any configured key everybody, with any key or none, is the owner `local`."""

    def __init__(self, settings: AuthSettings) -> None:
        self._owners: Mapping[bytes, tuple[bytes, Owner]] = {
            (digest := _digest(secret.encode())): (digest, owner) for secret, owner in settings.owners().items()
        }

    def owner_of(self, request: Request) -> Owner:
        """Raises AuthenticationFailed."""
        if not self._owners:
            return LOCAL
        key = presented_key(request)
        if not key:
            raise _no_key()
        digest = _digest(key)
        known, owner = self._owners.get(digest, (b"", ""))
        if not hmac.compare_digest(digest, known):
            raise AuthenticationFailed(
                f"Incorrect API key provided: {masked(key)}. Ask whoever runs this gateway for a key."
            )
        return owner


def _no_key() -> AuthenticationFailed:
    error = AuthenticationFailed(NO_KEY)
    # OpenAI has no code for a missing key (docs/protocol/openai.md, "Errors").
    error.code = None
    return error


def presented_key(request: Request) -> bytes:
    """`Authorization: Bearer`, then Google's and LiteLLM's headers, then Google's `?key=`, then what the browser signed
    in with; empty when there is none."""
    scheme, _, value = request.headers.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() == b"bearer" and value.strip():
        return value.strip()
    for name in _BARE_HEADERS:
        if value := request.headers.get(name, b"").strip():
            return value
    return request.query_key or request.signed_in_key


def masked(key: bytes) -> str:
    """Enough of a key for its holder to know which one was sent."""
    text = key.decode("utf-8", "backslashreplace")
    return f"{text[:8]}***{text[-4:]}" if len(text) >= 14 else f"{text[:3]}***"


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
