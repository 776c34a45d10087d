"""Pages of other origins, where `cors_origins` lets them in: preflights, and what a page may read of every answer.

Browsers ask before they send a key; that question carries none and needs none. Errors and streams have the headers as
every answer has: without them a page sees "network error" for a 401. Cookies are never part of it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from liftgate.dialects.dialect import Errors
from liftgate.errors import PermissionDenied
from liftgate.keys.gate import RATE_HEADERS
from liftgate.server.asgi import Header, Message, Send
from liftgate.server.errors import error_response
from liftgate.server.metering import COST_HEADER, LITELLMS_COST_HEADER
from liftgate.server.request import Request
from liftgate.server.responses import Response
from liftgate.settings.origins import Origins

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = b"authorization, content-type, x-goog-api-key, x-api-key"
"""What may be sent where a preflight does not say what it wants to send; else it gets what it asks for."""

EXPOSED = b", ".join(
    (
        *(b"x-request-id", b"request-id", b"retry-after", b"x-should-retry", b"www-authenticate"),
        *(b"content-disposition", b"content-range", b"accept-ranges", b"etag"),
        # An upload of Google's cannot go on without them (docs/protocol/gemini.md, "Google's own clients").
        *(b"x-goog-upload-url", b"x-goog-upload-control-url", b"x-goog-upload-chunk-granularity"),
        *(b"x-goog-upload-status", b"x-goog-upload-size-received", b"x-gemini-service-tier"),
        *(COST_HEADER, LITELLMS_COST_HEADER),
        *(name for names in RATE_HEADERS.values() for name in names),
    )
)
SECONDS = b"7200"
"""How long a browser may remember a preflight; Chrome's limit."""

_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:[ \t]*,[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")


Answer = Callable[[Request, Send], Awaitable[None]]


class Sharing:
    """What an answer says of the pages that may read it: those of `origins`."""

    def __init__(self, origins: Sequence[str]) -> None:
        self.origins = Origins(origins)

    def headers(self, origin: str) -> list[Header]:
        """For a request with this Origin (empty: without one). Caches must know that the answer is another one for
        another origin, the lack of one too."""
        vary: list[Header] = [] if self.origins.all else [(b"vary", b"Origin")]
        if not origin or origin not in self.origins:
            return vary
        return [self.allowed(origin), (b"access-control-expose-headers", EXPOSED), *vary]

    def headers_for(self, asked: Sequence[Header]) -> list[Header]:
        """The same for a request of these headers, of which it may not be known that they are right."""
        origins = [value for name, value in asked if name == b"origin"]
        return self.headers(origins[0].decode("latin-1").strip() if len(origins) == 1 else "")

    def allowed(self, origin: str) -> Header:
        return (b"access-control-allow-origin", b"*" if self.origins.all else origin.encode())


class CrossOrigin:
    """Answers preflights itself, and what `answer` answers so that pages of `origins` may read it. `dialect_of` gives
    the API that a request speaks."""

    def __init__(self, origins: Sequence[str], answer: Answer, dialect_of: Callable[[Request], Errors]) -> None:
        self._sharing = Sharing(origins)
        self._answer = answer
        self._dialect_of = dialect_of

    async def answer(self, request: Request, send: Send) -> None:
        origin = request.header(b"origin")
        if origin and request.method == "OPTIONS" and b"access-control-request-method" in request.headers:
            delivering = self._preflight(request, origin).deliver(request, send)
            if delivering is not None:
                await delivering
            return
        shared = self._sharing.headers(origin)

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *shared]
            await send(message)

        await self._answer(request, send_shared)

    def _preflight(self, request: Request, origin: str) -> Response:
        varies = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        if origin not in self._sharing.origins:
            error = PermissionDenied(f"Pages of {origin[:200]} may not use this gateway: it is not in cors_origins.")
            refused = error_response(error, self._dialect_of(request), request.id)
            refused.headers = [*refused.headers, (b"vary", varies)]
            return refused
        asked = request.headers.get(b"access-control-request-headers", b"").strip()
        headers: list[Header] = [
            self._sharing.allowed(origin),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", asked.lower() if _NAMES.fullmatch(asked) else REQUEST_HEADERS),
            (b"access-control-max-age", SECONDS),
            (b"vary", varies),
        ]
        if request.header(b"access-control-request-private-network").lower() == "true":
            headers.append((b"access-control-allow-private-network", b"true"))
        return Response(b"", status=204, headers=headers)
