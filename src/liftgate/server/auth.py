"""Whose request this is: the key it carries, before anything of its body is read.

Keys are compared by their SHA-256: the digests of all configured keys are the keys of a dict, and a caller cannot steer
the digest of a guess, so how long the look-up takes tells nothing about how much of a key was right. A key that the
config does not have may be one that was made at run time (`keys.known`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping

from liftgate.errors import AuthenticationFailed
from liftgate.keys.key import ANONYMOUS, Caller, Key, in_config
from liftgate.keys.known import KnownKeys
from liftgate.server.request import Request
from liftgate.settings.sections import LOCAL, AuthSettings

OPEN = Caller(LOCAL, "", "")
MOST_SEEN, LONGEST_SEEN = 10_000, 512
"""Headers whose keys are remembered, and bytes of one: a good key can be spelled with any number of spaces."""
_BARE_HEADERS = (b"x-goog-api-key", b"api-key", b"x-api-key")

NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)


class Authenticator:
    """Without any configured key everybody, with any key or none, is the owner `local`."""

    def __init__(self, settings: AuthSettings) -> None:
        self._callers: Mapping[bytes, tuple[bytes, Caller]] = {
            (digest := _digest(secret.encode())): (digest, in_config(owner))
            for secret, owner in settings.owners().items()
        }
        self._seen: dict[bytes, str | Caller] = {}

    def caller_of(
        self, request: Request, keys: KnownKeys, key_of: Callable[[Request], bytes] | None = None
    ) -> Caller | Awaitable[Caller]:
        """`key_of`: how the API's clients give their key, where they have a way of their own. To be awaited only where
        the catalogue has to be asked. Raises AuthenticationFailed."""
        if not self._callers:
            return OPEN
        header = request.headers.get(b"authorization") if key_of is None or key_of is presented_key else None
        if header is not None and (seen := self._seen.get(header)) is not None:
            if isinstance(seen, Caller):
                return seen
            if (made := keys.known(seen)) is not None:
                return _caller(made, seen, keys)
        return self._find(request, keys, key_of or presented_key)

    def _find(
        self, request: Request, keys: KnownKeys, key_of: Callable[[Request], bytes]
    ) -> Caller | Awaitable[Caller]:
        key = key_of(request)
        if not key:
            raise _no_key()
        digest = _digest(key)
        known, caller = self._callers.get(digest, (b"", ANONYMOUS))
        if hmac.compare_digest(digest, known):
            self._remember(request, key, caller)
            return caller
        token = digest.hex()
        made = keys.known(token)
        if made is not None:
            self._remember(request, key, token)
            return _caller(made, token, keys)
        return self._looked_up(key, token, keys)

    def _remember(self, request: Request, key: bytes, found: str | Caller) -> None:
        """What a header came to, of a key that is or was good: neither its digest nor its form is looked at again. What
        became of the key since is asked each time."""
        header = request.headers.get(b"authorization", b"")
        if len(header) <= LONGEST_SEEN and _bearer(header) == key:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen[header] = found

    async def find_caller(self, request: Request, keys: KnownKeys) -> Caller:
        """As `caller_of`."""
        caller = self.caller_of(request, keys)
        return caller if isinstance(caller, Caller) else await caller

    async def _looked_up(self, key: bytes, token: str, keys: KnownKeys) -> Caller:
        made = await keys.find(token)
        if made is None:
            raise _wrong(key)
        return _caller(made, token, keys)


def _caller(key: Key, token: str, keys: KnownKeys) -> Caller:
    if key.lasting != token:
        key.check_good(token, keys.now())
    return key.caller


def _wrong(key: bytes) -> AuthenticationFailed:
    return AuthenticationFailed(f"Incorrect API key provided: {masked(key)}. Ask whoever runs this gateway for a key.")


def _no_key() -> AuthenticationFailed:
    error = AuthenticationFailed(NO_KEY)
    # OpenAI has no code for a missing key (docs/protocol/openai.md, "Errors").
    error.code = None
    return error


def presented_key(request: Request) -> bytes:
    """`Authorization: Bearer`, then Google's and LiteLLM's headers, then Google's `?key=`, then what the browser signed
    in with; empty when there is none."""
    if value := _bearer(request.headers.get(b"authorization", b"")):
        return value
    for name in _BARE_HEADERS:
        if value := request.headers.get(name, b"").strip():
            return value
    return request.query_key or request.signed_in_key


def _bearer(header: bytes) -> bytes:
    scheme, _, value = header.strip().partition(b" ")
    return value.strip() if scheme.lower() == b"bearer" else b""


def anthropics_key(request: Request) -> bytes:
    """`x-api-key` before all others: clients of Anthropic's that have two keys send both."""
    return request.headers.get(b"x-api-key", b"").strip() or presented_key(request)


def masked(key: bytes) -> str:
    """Enough of a key for its holder to know which one was sent."""
    text = key.decode("utf-8", "backslashreplace")
    return f"{text[:8]}***{text[-4:]}" if len(text) >= 14 else f"{text[:3]}***"


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
