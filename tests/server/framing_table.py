"""Requests in every kind of framing, each with its one right outcome (RFC 9110, RFC 9112): no two ways to read one.

A row is what a client sends on a fresh connection, the answers in order, and whether the connection is kept. `MADE` is
an answer that proves that the body was read as the body: it has the name that stood there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

MADE, ALIVE, BAD, LED = "made", "alive", "bad", "led to the page"
"""200 with the upload's filename; 200 of the health route; 400 of the front."""

STATUS = {MADE: 200, ALIVE: 200, BAD: 400, LED: 302}

NAME = "f-7.txt"
BODY = json.dumps({"filename": NAME, "purpose": "user_data", "bytes": 9, "mime_type": "text/plain"}).encode()
N = len(BODY)
GET = b"GET /health/liveness HTTP/1.1\r\nHost: a\r\n\r\n"
STRANGER = b"DELETE /v1/files/file-aaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request that somebody hides in a body or behind it."""

KEY = "Authorization: Bearer sk-ann-0123456789"
"""With keys every Host may ask."""

H2C = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"


@dataclass(frozen=True)
class Row:
    """`answers`: outcomes or statuses in order. `kept`: the connection is still good for another request."""

    name: str
    sent: bytes
    answers: tuple[str | int, ...]
    kept: bool = True


def post(*lines: str, body: bytes = BODY, length: object = None, version: str = "1.1", host: str | None = "a") -> bytes:
    """`length`: what Content-Length says, the truth by default; "": there is none."""
    head = [f"POST /v1/uploads HTTP/{version}", *([] if host is None else [f"Host: {host}"]), KEY]
    if length != "":
        head.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join((*head, *lines)).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces: bytes, lines: tuple[str, ...] = (), trailers: bytes = b"", last: bytes = b"0\r\n") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + last + trailers + b"\r\n"
    return post("Transfer-Encoding: chunked", *lines, body=body, length="")


def raw_chunks(body: bytes, *lines: str) -> bytes:
    return post("Transfer-Encoding: chunked", *lines, body=body, length="")


def get(*lines: str, target: str = "/health/liveness", version: str = "1.1", host: str | None = "a") -> bytes:
    head = [f"GET {target} HTTP/{version}", *([] if host is None else [f"Host: {host}"]), *lines]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"


def closed(name: str, sent: bytes, *answers: str | int) -> Row:
    return Row(name, sent, answers, kept=False)


def kept(name: str, sent: bytes, *answers: str | int) -> Row:
    return Row(name, sent, answers)


def plain() -> Iterator[Row]:
    yield kept("a GET", GET, ALIVE)
    yield kept("a POST of a known length", post(), MADE)
    yield kept("a POST with its body behind it", post() + GET, MADE, ALIVE)
    yield kept("eight requests at once", GET * 8, *[ALIVE] * 8)
    yield kept("empty lines in front", b"\r\n\r\n" + GET, ALIVE)
    yield kept("empty lines between", GET + b"\r\n\r\n\r\n" + GET, ALIVE, ALIVE)
    yield kept("an empty line behind a body", post() + b"\r\n" + GET, MADE, ALIVE)
    yield kept("the first bytes of a next request", post() + b"GET /heal", MADE)
    yield closed("asked to close", get("Connection: close"), ALIVE)
    yield closed("asked to close among others", get("Connection: foo, Close"), ALIVE)
    yield closed("asked to close, and more behind it", get("Connection: close") + STRANGER, ALIVE)
    yield kept("asked to keep", get("Connection: keep-alive"), ALIVE)
    # What nobody reads of a body ends the connection, so that it cannot be taken for a request.
    yield closed("a GET with a body", get("Content-Length: 3") + b"abc" + GET, ALIVE)
    yield kept("a body of no bytes", get("Content-Length: 0"), ALIVE)
    yield kept("a HEAD", b"HEAD" + GET[3:], ALIVE)
    yield kept("names in capitals", GET.replace(b"Host", b"HOST"), ALIVE)
    yield kept("no space behind the colon", GET.replace(b"Host: a", b"Host:a"), ALIVE)
    yield kept("a tab around a value", GET.replace(b"Host: a", b"Host:\ta\t"), ALIVE)
    yield kept("a value in UTF-8", get("X-Name: \xc3\xa9"), ALIVE)
    yield kept("an empty value", get("X-Name:"), ALIVE)


def upgrades() -> Iterator[Row]:
    for token in ("h2c", "websocket", "TLS/1.2", "foo/1, bar", "HTTP/2.0"):
        offer = "Connection: Upgrade", f"Upgrade: {token}"
        yield kept(f"offers {token} on a GET", get(*offer), ALIVE)
        yield kept(f"offers {token} on a POST", post(*offer), MADE)
        yield kept(f"offers {token} on chunks", chunked(BODY[:9], BODY[9:], lines=offer), MADE)
    yield kept("offers h2c as the JDK does", post(*H2C), MADE)
    yield kept("offers h2c as the JDK does, in chunks", chunked(BODY, lines=H2C), MADE)
    yield kept("offers h2c, and a GET behind it", post(*H2C) + GET, MADE, ALIVE)
    yield kept("offers h2c twice, one behind the other", post(*H2C) * 2, MADE, MADE)
    yield kept("offers h2c on a GET, and a POST behind it", get(*H2C) + post(), ALIVE, MADE)
    yield kept("offers h2c in chunks with a trailer", chunked(BODY, lines=H2C, trailers=b"A: b\r\n") + GET, MADE, ALIVE)
    yield kept("offers h2c with no body", post(*H2C, body=b""), 400)
    yield kept("hides a request in an offer's body", post(*H2C, body=STRANGER), 400)
    yield closed("offers h2c and asks to close", post("Connection: close, Upgrade", "Upgrade: h2c"), MADE)
    yield closed("offers h2c, bad chunks", raw_chunks(b"zz\r\n", *H2C), BAD)
    yield closed("offers h2c with a length and chunks", post(*H2C, "Transfer-Encoding: chunked"), BAD)
    yield kept("an offer without Connection", post("Upgrade: h2c"), MADE)
    yield kept("Connection: Upgrade alone", post("Connection: Upgrade"), MADE)


def lengths() -> Iterator[Row]:
    for says in ("-1", f"+{N}", f"0x{N:x}", "1e3", "five", f"{N} {N}", f"{N},{N}", f"{N}, {N}", "1_0", "9" * 30, ""):
        yield closed(f"a length of {says!r}", post(length=says or " "), BAD)
    yield closed("a length of 2^64", post(length=2**64), BAD)
    yield kept("a length with zeros in front", post(length=f"000{N}"), MADE)
    yield kept("a length with 5,000 zeros in front", post(length="0" * 5000 + str(N)), MADE)
    yield kept("a length with spaces around", post(length=f"  {N}  "), MADE)
    yield closed("two lengths that differ", post(f"Content-Length: {N + 1}"), BAD)
    yield closed("two lengths alike", post(f"Content-Length: {N}"), BAD)
    yield closed("a length with a vertical tab", post(length=f"\x0b{N}"), BAD)
    yield closed("a space before the colon", post(length="").replace(b"Host", b"Content-Length : 5\r\nHost"), BAD)
    yield closed("a length one byte short, garbage behind", post(length=N - 1), 400, BAD)


def encodings() -> Iterator[Row]:
    for coding in ("chunked", "Chunked", "CHUNKED", " chunked "):
        yield kept(f"encoded {coding!r}", chunked(BODY).replace(b"chunked", coding.encode()), MADE)
    for coding in ("gzip, chunked", "deflate, chunked", "x, chunked", "gzip, deflate , chunked", "identity, chunked"):
        yield closed(f"encoded {coding!r}", chunked(BODY).replace(b"chunked", coding.encode()), 501)
    for coding in (
        *("identity", "gzip", "xchunked", "chunkedx", "chunked, gzip", "chunked, chunked", "chunked, identity"),
        *(
            "",
            ",",
            "chunked\t",
            "chunked,",
            "chunked;a=b",
            "\x0bchunked",
            "chunked\x0b",
            "'chunked'",
            '"chunked"',
            "chunked chunked",
        ),
    ):
        yield closed(f"encoded {coding!r}", chunked(BODY).replace(b"chunked", coding.encode()), BAD)
    yield closed("encoded twice in two lines", chunked(BODY, lines=("Transfer-Encoding: chunked",)), BAD)
    yield closed("encoded in two lines, gzip first", raw_chunks(b"", "Transfer-Encoding: gzip"), BAD)
    yield closed("encoded in two lines, gzip last", post("Transfer-Encoding: gzip", *CHUNKS, length=""), 501)
    yield closed("a length and chunks", chunked(BODY, lines=("Content-Length: 5",)), BAD)
    yield closed("chunks and a length", post("Transfer-Encoding: chunked"), BAD)
    yield closed("chunks in HTTP/1.0", chunked(BODY).replace(b"HTTP/1.1", b"HTTP/1.0"), BAD)


CHUNKS = ("Transfer-Encoding: chunked",)


def chunks() -> Iterator[Row]:
    whole = b"\r\n" + BODY + b"\r\n0\r\n\r\n"
    size = b"%x" % N
    yield kept("chunks of one byte", chunked(*(bytes([byte]) for byte in BODY)), MADE)
    yield kept("a size in capitals with zeros", raw_chunks(b"0000" + size.upper() + whole), MADE)
    yield kept("no chunk but the last", chunked(), 400)
    yield kept("a last chunk of many zeros", chunked(BODY, last=b"0000\r\n") + GET, MADE, ALIVE)
    yield kept("an extension", raw_chunks(size + b";a=b;c" + whole), MADE)
    yield kept("a quoted extension", raw_chunks(size + b';a="b c"' + whole), MADE)
    yield closed("an extension of 100,000 bytes", raw_chunks(size + b";a=" + b"b" * 100_000 + whole), 431)
    for name, said in {
        "no hex": b"zz",
        "negative": b"-" + size,
        "with a plus": b"+" + size,
        "with 0x": b"0x" + size,
        "with an underscore": size[:1] + b"_" + size[1:],
        "with a space behind": size + b" ",
        "with a space in front": b" " + size,
        "with a tab behind": size + b"\t",
        "2^64": b"1" + b"0" * 16,
        "of 40 digits": b"f" * 40,
        "empty": b"",
        "with NUL": size + b"\0",
        "with a comma": size + b",",
        "with a line feed alone": size + b"\n" + BODY + b"\n0\n\n",
        "with a bare CR": size + b"\r" + BODY,
        "with CR in its extension": size + b";a\rb",
        "with LF in its extension": size + b";a\nb",
    }.items():
        yield closed(f"a chunk size {name}", raw_chunks(said + whole), BAD)
    yield closed("a chunk longer than it says", raw_chunks(b"%x" % (N - 1) + whole), BAD)
    yield closed("a chunk without its line end", raw_chunks(size + b"\r\n" + BODY + b"0\r\n\r\n"), BAD)
    yield closed("a chunk that ends in LF", raw_chunks(size + b"\r\n" + BODY + b"\n0\r\n\r\n"), BAD)
    yield kept("two empty lines in a chunk", chunked(b"\r\n\r\n", BODY, b"\r\n\r\n") + GET, MADE, ALIVE)


def trailers() -> Iterator[Row]:
    for line in ("Content-Length: 5", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked"):
        yield closed(f"a trailer {line}", chunked(BODY, trailers=line.encode() + b"\r\n") + STRANGER, BAD)
    for line in (
        *("Host: b", "Authorization: Bearer x", "Content-Type: a/b", "X-Forwarded-Host: b", "Range: bytes=0-0"),
        *("Connection: close", "Upgrade: h2c", "Expect: 100-continue", "X-Goog-Upload-Command: cancel", "A: b"),
    ):
        rest = chunked(BODY, trailers=line.encode() + b"\r\n") + GET
        yield kept(f"a trailer {line}", rest, MADE, ALIVE)
    yield kept("a hundred trailers", chunked(BODY, trailers=b"a: b\r\n" * 100) + GET, MADE, ALIVE)
    yield closed("trailers of 100,000 bytes", chunked(BODY, trailers=b"a: b\r\n" * 17_000), 431)
    yield closed("a trailer of 100,000 bytes", chunked(BODY, trailers=b"a: " + b"b" * 100_000 + b"\r\n"), 431)
    yield closed("a trailer that is none", chunked(BODY, trailers=b"no colon\r\n"), BAD)
    yield closed("a trailer with a space in its name", chunked(BODY, trailers=b"a b: c\r\n"), BAD)


def fields() -> Iterator[Row]:
    for name in (
        *("Content-Type", "Authorization", "X-Goog-Api-Key", "api-key", "x-api-key", "Range", "If-Range", "Origin"),
        *("X-Goog-Upload-Command", "X-Goog-Upload-Offset", "X-Goog-Upload-Protocol", "X-Goog-Upload-File-Name"),
    ):
        yield closed(f"{name} twice", get(f"{name}: a", f"{name}: b"), BAD)
        yield closed(f"{name} twice alike", get(f"{name}: a", f"{name.lower()}: a"), BAD)
    for name in ("If-None-Match", "Accept", "X-Forwarded-For", "Cookie", "X-Anything", "User-Agent", "Via"):
        yield kept(f"{name} twice", get(f"{name}: a", f"{name}: b"), ALIVE)
    yield closed("no Host", get(host=None), BAD)
    yield closed("two Hosts", get("Host: b"), BAD)
    yield closed("two Hosts alike", get("Host: a"), BAD)
    yield kept("an empty Host", get(host=""), ALIVE)
    for host in (
        "a:80",
        "127.0.0.1:4000",
        "[::1]:4000",
        "[::1]",
        "a_b.internal",
        "a.",
        "xn--bcher-kva.example",
        "A%2db",
    ):
        yield kept(f"the Host {host}", get(host=host), ALIVE)
    for host in (
        "u@a",
        "u:p@a",
        "a/b",
        "http://a",
        "a b",
        "a, b",
        "a:b",
        "a:80:90",
        "[::1",
        "::1",
        "a?b",
        "a#b",
        "\xe9",
    ):
        yield closed(f"the Host {host}", get(host=host), BAD)
    yield closed("obs-fold", get("X-Folded: a\r\n b"), BAD)
    yield closed("obs-fold with a tab", get("X-Folded: a\r\n\tb"), BAD)
    yield closed("a fold at the first field", GET.replace(b"Host", b" X: a\r\nHost"), BAD)
    for name, line in {
        "a bare CR": "X: a\rb",
        "a bare LF": "X: a\nb",
        "NUL": "X: a\0b",
        "no colon": "nocolon",
        "no name": ": a",
        "a space in its name": "a b: c",
        "a space behind its name": "a : c",
        "a name in UTF-8": "n\xc3\xa9: a",
        "a name in brackets": "(a): b",
        "DEL": "X: a\x7fb",
    }.items():
        yield closed(f"a field with {name}", get(line), BAD)
    yield closed("lines that end in LF", GET.replace(b"\r\n", b"\n"), BAD)
    yield closed("a head that ends in LF", GET.replace(b"\r\n\r\n", b"\r\n\n"), BAD)
    yield closed("a head of 70,000 bytes", get("X-Large: " + "x" * 70_000), 431)
    yield kept("a head of 60,000 bytes", get("X-Large: " + "x" * 60_000), ALIVE)
    yield closed("70,000 bytes of empty lines", b"\r\n" * 35_000 + GET, 431)
    yield kept("Expect: 100-continue with its body", post("Expect: 100-continue"), MADE)
    yield kept("Expect: 100-Continue on a GET", get("Expect: 100-Continue"), ALIVE)
    yield closed("another expectation", post("Expect: 200-ok"), 417)
    yield closed("two expectations", post("Expect: 100-continue", "Expect: a"), 417)


def targets() -> Iterator[Row]:
    yield kept("a URL as its target", get(target="http://b.example:80/health/liveness"), ALIVE)
    yield kept("a URL without a path", get(target="http://b.example"), LED)
    yield closed("a URL with a user", get(target="http://u@b.example/health/liveness"), BAD)
    yield closed("a URL as its target, and no Host", get(target="http://b.example/health/liveness", host=None), BAD)
    yield closed("an asterisk", GET.replace(b"GET /health/liveness", b"OPTIONS *"), BAD)
    yield closed("CONNECT", GET.replace(b"GET /health/liveness", b"CONNECT b.example:443"), BAD)
    yield closed("CONNECT, and a request behind it", b"CONNECT b.example:443 HTTP/1.1\r\nHost: a\r\n\r\n" + GET, BAD)
    yield closed("CONNECT to a path", GET.replace(b"GET", b"CONNECT"), BAD)
    yield kept("TRACE", GET.replace(b"GET", b"TRACE"), 405)
    yield closed("a method that is none", GET.replace(b"GET", b"FETCH"), BAD)
    yield closed("a method in small letters", GET.replace(b"GET", b"get"), BAD)
    yield closed("a target without a slash", get(target="health/liveness"), BAD)
    yield closed("a target with a space", get(target="/health/live ness"), BAD)
    yield closed("a target in UTF-8", get(target="/health/\xc3\xa9"), BAD)
    yield closed("a target with NUL", get(target="/health/\0"), BAD)
    yield closed("no target", GET.replace(b"/health/liveness ", b""), BAD)
    yield kept("a percent that says nothing", get(target="/health/%zz"), 404)
    yield kept("two slashes", get(target="//health/liveness"), ALIVE)
    yield kept("two spaces behind the method", GET.replace(b"GET ", b"GET  "), ALIVE)
    yield closed("a tab behind the method", GET.replace(b"GET ", b"GET\t"), BAD)


def versions() -> Iterator[Row]:
    yield closed("HTTP/1.0", get(version="1.0"), ALIVE)
    yield closed("HTTP/1.0 without a Host", get(version="1.0", host=None), ALIVE)
    yield closed("HTTP/1.0 that asks to keep", get("Connection: keep-alive", version="1.0"), ALIVE)
    yield closed("HTTP/1.0 with a body", post(version="1.0"), MADE)
    yield closed("HTTP/1.0 that expects", post("Expect: 100-continue", version="1.0"), MADE)
    yield closed("HTTP/1.0 with two Hosts", get("Host: b", version="1.0"), BAD)
    yield closed("HTTP/1.0 with another request behind", get(version="1.0") + STRANGER, ALIVE)
    yield closed("HTTP/1.0 that offers h2c", post(*H2C, version="1.0"), MADE)
    for version in ("0.9", "2.0"):
        yield closed(f"HTTP/{version}", get(version=version), 505)
    for version in ("1.2", "9.9", "1.10", "11", "1", "1.", ".1", "1.1 "):
        yield closed(f"HTTP/{version}", get(version=version), BAD)
    yield closed("http in small letters", GET.replace(b"HTTP", b"http"), BAD)
    yield closed("HTTP/0.9 in one line", b"GET /health/liveness\r\n", BAD)
    yield closed("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD)
    yield closed("the start of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", BAD)
    yield closed("garbage behind a request", GET + b"\0\1\2\3\r\n\r\n", ALIVE, BAD)
    yield closed("garbage behind a body", post() + b"x=1\r\n\r\n", MADE, BAD)


FAMILIES = (plain, upgrades, lengths, encodings, chunks, trailers, fields, targets, versions)
ROWS = tuple(row for family in FAMILIES for row in family())
