"""Requests as they come on one connection, one after the other: httptools with bounds, and what a request's head says
of the message: where its body ends, whom it is for, and which of its fields may count.

It is fed piece by piece and gives back what stands behind a request, so that no more than one is ever parsed. The head,
the sizes of chunks, their extensions and the trailers are bounded together. This is the one place that decides framing
(RFC 9112, 3.2 and 6): httptools has taken the bytes apart and refused what is no HTTP; what it lets through is judged
here, before anything else sees the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

import httptools

from liftgate.server.asgi import Header, Scope
from liftgate.server.errors import Refused
from liftgate.server.exchange import FIELDS, Exchange
from liftgate.whole_numbers import whole_number

CHUNKED = -1
"""As a length: the body says itself where it ends."""

SINGLE = frozenset(
    {
        # RFC 9112, 3.2 and RFC 9110, 8.6: two of them are two messages to two readers.
        *(b"host", b"content-length"),
        # A caller with two keys is two callers: a proxy may have judged the other one.
        *(b"authorization", b"x-goog-api-key", b"api-key", b"x-api-key"),
        # What the bytes are: a second reading would store another file.
        *(b"content-type", b"content-range"),
        # RFC 9110, 14.2 and 13.1: conditions of one value, and the ranges they guard.
        *(b"range", b"if-range", b"if-modified-since", b"if-unmodified-since"),
        # Who asks, for the policies that judge it.
        *(b"origin", b"access-control-request-method"),
        # Choices of a dialect, each of one value.
        *(b"custom-llm-provider", b"anthropic-version", b"x-server-timeout", b"idempotency-key"),
    }
)
"""Fields of one value that decide something here. Two of them, equal ones too, are refused."""

_SINGLE_PREFIX = b"x-goog-upload-"
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%-]*|\[[A-Za-z0-9:.%_~-]+\])(?::[0-9]*)?")
_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

CHUNK_FRAMING = 16
"""Bytes of framing that one byte of a chunked body may have, the smallest chunks included."""

HEAD_END = b"\r\n\r\n"

_TO_COME = dict.fromkeys(("headers", FIELDS, "client", "server", "state", "extensions"))
"""What a scope gets of each request: with their places ready, a copy need not grow."""

Begin = Callable[[Scope, bool, bool], Exchange]
"""Called with every head that may pass, before its body: a scope without what only the connection knows, whether that
goes on behind the answer, and whether the client waits for `100 Continue`."""


class RequestReader:
    """`max_head`: bytes. `begun`: some of a request has come, and not all of its head (empty lines are none of it).
    `url` and `headers`: of the last request that began, as far as they were read."""

    def __init__(self, begin: Begin, *, max_head: int) -> None:
        self._begin = begin
        self._max_head = max_head
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None
        # Of the request that is read. `_left`: bytes of its body to come; None: its head is.
        self._left: int | None = None
        self._taken = self._body_bytes = 0
        self._over = False
        # It offers another protocol. Another parser reads the next request than this one's head.
        self._offered = self._renew = False
        self.begun = False
        self.url = self._line = b""
        self.headers: list[Header] = []
        # The last bytes of a piece: an empty line may begin there and end in the next one.
        self._tail = b""
        self._fields: dict[bytes, bytes] = {}
        # A client often asks for the same again: the host that was fine, and the first line with its scope.
        self._known_host: bytes | None = None
        self._known_line, self._known_scope = b"", dict[str, Any]()

    def close(self) -> None:
        """The parser knows this reader, and this reader it."""
        del self._parser
        self._exchange = None

    def feed(self, data: bytes) -> bytes:
        """Takes what belongs to one request, and gives back what stands behind it. Raises Refused."""
        self._over = False
        tail = self._tail
        while data:
            cut = self._cut(data, tail)
            piece = data if cut == len(data) else data[:cut]
            data = data[cut:]
            self._taken += cut
            if self._left is None and self._taken > self._max_head:
                # What may still pass is read: whom it is for, and which page asks, decide how it is refused.
                self._parse(piece[: len(piece) - (self._taken - self._max_head)])
                raise Refused(431, f"The request's head is larger than {self._max_head} bytes.")
            self._parse(piece)
            if self._over:
                self._tail = b""
                return data
            # Before the end of a body of known length nothing ends.
            tail = (tail + piece)[-3:] if self._left is None or self._left < 0 else b""
        self._tail = tail
        return b""

    def _cut(self, data: bytes, tail: bytes) -> int:
        """Where the request that is read may end: behind its body, or behind the next empty line."""
        if self._left is not None and self._left >= 0:
            return self._left if self._left < len(data) else len(data)
        if tail and (crossing := (tail + data[:3]).find(HEAD_END)) >= 0:
            return crossing + len(HEAD_END) - len(tail)
        found = data.find(HEAD_END)
        return len(data) if found < 0 else found + len(HEAD_END)

    def _parse(self, piece: bytes) -> None:
        left = self._left
        if left is None and not self.begun:
            end = piece.find(13)  # where CR is a number: as bytes it costs ten times as much
            self._line = piece[:end] if end > 0 else b""
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._decline_upgrade()
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, Refused):
                raise error.__context__ from None
            raise Refused(400, "Invalid HTTP request.") from None
        if left == CHUNKED:
            self._check_chunk_framing()
        elif left is not None and self._left is not None:
            self._left = left - len(piece)

    def _check_chunk_framing(self) -> None:
        if self._taken - self._body_bytes > self._max_head + CHUNK_FRAMING * self._body_bytes:
            raise Refused(431, f"The framing and the trailers of the body are larger than {self._max_head} bytes.")

    def _decline_upgrade(self) -> None:
        """An offer of another protocol changes nothing (RFC 9110, 7.8), but the parser ends at it: what stands behind
        the head is of that protocol to it. A new one takes it for what it is, the body."""
        self._offered = False
        self._renew = True
        if not self._left:
            self.on_message_complete()
            return
        framing = b"transfer-encoding: chunked" if self._left == CHUNKED else b"content-length: %d" % self._left
        self._parser = httptools.HttpRequestParser(_BodyOnly(self))
        self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + HEAD_END)

    @property
    def method(self) -> str:
        """Of the request that began last; empty where its line is none."""
        return self._parser.get_method().decode("ascii") if self.url else ""

    # ── httptools ──────────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self.begun = True
        self.url, self.headers, self._fields = b"", [], {}

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._left is None:
            self.headers.append((name := name.lower(), value))
            self._fields[name] = value
        else:
            # A trailer is never a field of the head (RFC 9110, 6.5.1), nor may the parser remember it.
            self._renew = True

    def on_headers_complete(self) -> None:
        parser = self._parser
        known = self._line and self._line == self._known_line
        version = "1.1" if known else parser.get_http_version()
        http_1_0 = version == "1.0"
        if version != "1.1" and not http_1_0:
            raise Refused(505, f"HTTP/{version} is not served here; HTTP/1.1 is.")
        fields = self._fields
        if len(fields) != len(self.headers):
            fields = combined(self.headers)
            self.headers = [*fields.items()]
        host = fields.get(b"host")
        if host is None or host != self._known_host:
            check_host(host, http_1_0=http_1_0)
            self._known_host = host
        expects = b"expect" in fields and check_expect(fields[b"expect"], http_1_0=http_1_0)
        left = body_length(fields, http_1_0=http_1_0)
        headers = self.headers
        # The parser would say the same of the same line, and costs more.
        scope: Scope = self._known_scope.copy() if known else self._scope(parser.get_method(), version)
        scope["headers"] = self.headers
        # Of an absolute form's host these know nothing: then they are not the scope's.
        scope[FIELDS] = headers, fields
        self._offered = parser.should_upgrade()
        if self._offered and scope["method"] == "CONNECT":
            raise Refused(400, "This is no proxy: CONNECT is not served.")
        self._left = left
        self.begun = False
        keep_alive = not http_1_0 and parser.should_keep_alive()
        self._exchange = self._begin(scope, keep_alive, expects)

    def on_body(self, body: bytes) -> None:
        assert self._exchange is not None
        self._body_bytes += len(body)
        self._exchange.feed(body)

    def on_message_complete(self) -> None:
        if self._offered:
            return
        assert self._exchange is not None
        if self._left == CHUNKED:
            self._check_chunk_framing()
        if self._renew:
            self._renew = False
            self._parser = httptools.HttpRequestParser(self)
        self._left = None
        self._taken = self._body_bytes = 0
        self._over = True
        self._exchange.end()
        self._exchange = None

    def _scope(self, method: bytes, version: str) -> dict[str, Any]:
        parsed = httptools.parse_url(self.url)
        raw_path = parsed.path or b"/"
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": version,
            "scheme": "http", "root_path": "", "method": method.decode("ascii"), "raw_path": raw_path,
            "path": unquote(raw_path.decode("ascii")), "query_string": parsed.query or b"", **_TO_COME,
        }  # fmt: skip
        if not self.url.startswith(b"/"):
            self._address_to(parsed)
        elif len(self.url) < 256 and self._line == b"%b %b HTTP/1.1" % (method, self.url):
            self._known_line, self._known_scope = self._line, dict(scope)
        return scope

    def _address_to(self, parsed: Any) -> None:
        """The absolute form: what it says of the host goes before the Host header (RFC 9112, 3.2.2)."""
        if parsed.host is None or parsed.userinfo is not None:
            raise Refused(400, "The request's target is neither a path nor a URL.")
        # The parser takes the brackets of an IPv6 address off.
        name: bytes = b"[%b]" % parsed.host if b":" in parsed.host else parsed.host
        host = name if parsed.port is None else b"%b:%d" % (name, parsed.port)
        self.headers = [(b"host", host), *(header for header in self.headers if header[0] != b"host")]


class _BodyOnly:
    """What a parser tells of a body whose head another one has read."""

    def __init__(self, reader: RequestReader) -> None:
        self.on_body = reader.on_body
        self.on_message_complete = reader.on_message_complete


# ── framing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def combined(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """The fields by name, of which at least one came twice: lists are joined (RFC 9110, 5.3). Raises Refused."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        before = fields.get(name)
        if before is None:
            fields[name] = value
        elif name in SINGLE or name.startswith(_SINGLE_PREFIX):
            raise Refused(400, f"The header {name.decode('latin-1')} came more than once.")
        else:
            fields[name] = before + (b"; " if name == b"cookie" else b", ") + value
    return fields


def body_length(fields: dict[bytes, bytes], *, http_1_0: bool) -> int:
    """Bytes of body behind this head, or CHUNKED. Raises Refused for framing that two readers could read differently.

    A length beside an encoding, two lengths, and lengths that are no numbers never come here: the parser refuses them.
    """
    if b"transfer-encoding" in fields:
        _check_encoding(fields[b"transfer-encoding"], http_1_0)
        return CHUNKED
    if (length := fields.get(b"content-length")) is None:
        return 0
    return int(length) if len(length) < 19 else whole_number(length.strip().decode("latin-1")) or 0


def check_host(host: bytes | None, *, http_1_0: bool) -> None:
    """Raises Refused where HTTP/1.1 needs one and has none, and for what is no host (RFC 9112, 3.2)."""
    if host is None:
        if not http_1_0:
            raise Refused(400, "The request has no Host header.")
    elif not _HOST.fullmatch(host.strip()):
        raise Refused(400, "The Host header names no host.")


def check_expect(value: bytes, *, http_1_0: bool) -> bool:
    """Whether the client waits for `100 Continue`. Raises Refused for what else it expects (RFC 9110, 10.1.1)."""
    if http_1_0:
        return False
    if value.strip().lower() != b"100-continue":
        raise Refused(417, "The only expectation that can be met is '100-continue'.")
    return True


def _check_encoding(value: bytes, http_1_0: bool) -> None:
    if http_1_0:
        raise Refused(400, "A request of HTTP/1.0 cannot have a Transfer-Encoding.")
    codings = [coding.strip().lower() for coding in value.split(b",")]
    if codings == [b"chunked"]:
        return
    names = [coding.partition(b";")[0].strip() for coding in codings]
    if not all(_TOKEN.fullmatch(name) for name in names) or codings[-1] != b"chunked" or b"chunked" in names[:-1]:
        raise Refused(400, "The Transfer-Encoding does not say where the body ends: it must end in one 'chunked'.")
    raise Refused(501, f"The transfer coding {names[0].decode('ascii')} is not implemented; send it chunked only.")
