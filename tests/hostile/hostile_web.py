"""A web server that answers a URL in every way that servers on the open network do, by accident or on purpose.

Exact bytes on a socket, chosen by the path. `/good.png` is what they would be with good will.
"""

from __future__ import annotations

import base64
import functools
import gzip
import socket
import socketserver
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

MIB = 1 << 20
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")

Talk = Callable[[socket.socket], None]


def page(body: bytes = PNG, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def typed(body: bytes, kind: str) -> bytes:
    return page(body, f"content-type: {kind}")


def moved(location: str, status: str = "302 Found") -> bytes:
    return page(b"", f"location: {location}", status=status)


def _chunks(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def _endless(begin: bytes, piece: bytes, pause: float = 0.0) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return talk


def _stalled(begin: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(begin)
        while connection.recv(65536):
            pass

    return talk


@functools.cache
def _bomb() -> bytes:
    """200 MiB, packed: a fifth of a MiB. One MiB is packed, and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros, size = functools.reduce(lambda sum, _: zlib.crc32(bytes(MIB), sum), range(200), 0), 200 * MIB
    return gzip.compress(b"")[:10] + block * 200 + packer.flush() + struct.pack("<II", zeros, size)


def _made(make: Callable[[], bytes]) -> Talk:
    """A page that takes long to make: only the process that serves it does."""
    return lambda connection: connection.sendall(make())


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"

SERVED: Mapping[str, bytes] = {
    "good.png": typed(PNG, "image/png"),
    "no-type": page(),
    "a-type-of-nothing": typed(PNG, ""),
    "a-type-unknown": typed(PNG, "application/octet-stream"),
    "a-type-with-parameters": typed(PNG, 'image/png; charset="x"; a=b'),
    "an-old-version": b"HTTP/1.0 200 OK\r\ncontent-type: image/png\r\n\r\n" + PNG,
    "announced": b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" + typed(PNG, "image/png"),
    "packed": page(gzip.compress(PNG), "content-encoding: gzip", "content-type: image/png"),
    "packed-twice-in-a-row": page(
        gzip.compress(PNG[:9]) + gzip.compress(PNG[9:]), "content-encoding: x-GZIP", "content-type: image/png"
    ),
    "deflated": page(zlib.compress(PNG), "content-encoding: deflate", "content-type: image/png"),
    "deflated-bare": page(zlib.compress(PNG, wbits=-15), "content-encoding: deflate", "content-type: image/png"),
    "gzip-that-is-called-deflate": page(gzip.compress(PNG), "content-encoding: deflate", "content-type: image/png"),
    "deflate-that-is-called-gzip": page(zlib.compress(PNG), "content-encoding: gzip", "content-type: image/png"),
    "not-packed-and-said-so": page(PNG, "content-encoding: identity", "content-type: image/png"),
    "in-chunks": _chunks(PNG[:5], PNG[5:]),
    "with-trailers": _chunks(PNG, end=b"0\r\nx-sum: 1\r\n\r\n"),
    "with-cookies": page(PNG, "content-type: image/png", *[f"set-cookie: c{n}=v" for n in range(50)]),
    "changed-by-a-proxy": page(PNG, "content-type: image/png", status="203 Non-Authoritative Information"),
    "moved": moved("/good.png"),
    "moved-for-good": moved("good.png?a=b#c", "308 Permanent Redirect"),
}
"""What is fetched: its bytes are the image's."""

REFUSED: Mapping[str, bytes | Talk] = {
    "nothing": b"",
    "no-http": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "http-0.9": PNG,
    "no-status": b"HTTP/1.1\r\n\r\n",
    "a-status-of-letters": b"HTTP/1.1 ok fine\r\n\r\n",
    "a-head-without-end": b"HTTP/1.1 200 OK\r\nx: y\r\n",
    "a-header-without-colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a-head-of-a-megabyte": _HEAD + b"x: " + b"y" * MIB + b"\r\n\r\n" + PNG,
    "a-million-headers": _HEAD + b"x: y\r\n" * 300_000 + b"\r\n" + PNG,
    "announcements-without-end": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "less-than-its-length": page(PNG, "content-type: image/png", length=1000),
    "a-length-of-letters": _HEAD + b"content-length: many\r\n\r\n" + PNG,
    "a-length-below-zero": _HEAD + b"content-length: -5\r\n\r\n" + PNG,
    "two-lengths": _HEAD + b"content-length: 3\r\ncontent-length: 9\r\n\r\n" + PNG,
    "a-chunk-of-letters": _HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunks-without-end": _chunks(PNG, end=b""),
    "a-chunk-too-long": _HEAD + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
    "packed-badly": page(PNG, "content-encoding: gzip", "content-type: image/png"),
    "packed-by-half": page(gzip.compress(PNG * 50)[:-20], "content-encoding: gzip", "content-type: image/png"),
    "packed-otherwise": page(PNG, "content-encoding: br", "content-type: image/png"),
    "packed-twice": page(gzip.compress(gzip.compress(PNG)), "content-encoding: gzip, gzip", "content-type: image/png"),
    "no-content": page(b"", status="204 No Content"),
    "empty": typed(b"", "image/png"),
    "a-part": page(PNG, "content-range: bytes 0-9/100", status="206 Partial Content"),
    "not-modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "not-here": page(b"no", status="404 Not Found"),
    "for-money": page(b"no", status="402 Payment Required"),
    "broken": page(b"no", status="500 Internal Server Error"),
    "moved-nowhere": page(b"", status="302 Found"),
    "moved-in-a-circle": moved("/moved-in-a-circle"),
    "moved-to-a-file": moved("file:///etc/passwd"),
    "moved-to-data": moved("data:image/png;base64,AAAA"),
    "moved-to-ftp": moved("ftp://127.0.0.1/x"),
    "moved-to-a-script": moved("javascript:alert(1)"),
    "moved-to-a-user": moved("http://user:secret@127.0.0.3/good.png"),
    "moved-to-no-url": moved("http://[bad"),
    "moved-to-no-name": moved("http://xn--/"),
    "moved-to-no-port": moved("http://127.0.0.3:99999/"),
    "moved-to-bytes": moved("/\xff\xfe\x80"),
    "moved-to-the-metadata": moved("http://169.254.169.254/latest/meta-data/"),
    "moved-to-a-very-long-url": moved("http://127.0.0.3/" + "a" * 60_000),
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n" + PNG,
    "stalled-before-its-head": _stalled(b""),
    "stalled-in-its-head": _stalled(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "stalled-in-its-body": _stalled(page(PNG, "content-type: image/png", length=1000)),
    "slow": _endless(page(b"", "content-type: image/png", length=MIB), b"x", 0.05),
    "a-slow-head": _endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", 0.05),
}
"""What is refused, 400, by its place in the request."""

WORDS: Mapping[str, bytes] = {
    "a-playlist.m3u8": typed(b"#EXTM3U\n#EXT-X-VERSION:3\n", "application/vnd.apple.mpegurl"),
    "a-playlist.m3u": typed(b"#EXTM3U\nhttp://x/a.mp3\n", "audio/x-mpegurl"),
    "a-manifest.mpd": typed(b'<?xml version="1.0"?><MPD></MPD>', "application/dash+xml"),
    "an-error.mp4": typed(b'{"error":"not found"}', "application/json"),
    "an-error-of-a-store.mp4": typed(b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "application/xml"),
    "a-sentence.mp3": typed(b"Link expired", "text/plain; charset=utf-8"),
    "a-table.mp4": typed(b"a,b\n", "text/csv"),
    "a-page.mp4": typed(b"<!doctype html><title>Sign in</title>", "text/html"),
}
"""Words, which no film and no recording is."""

TOO_LARGE: Mapping[str, bytes | Talk] = {
    "a-length-beyond": page(b"x", length=10**15),
    "a-body-without-end": _endless(_HEAD + b"\r\n", bytes(65536)),
    "chunks-without-number": _endless(
        _HEAD + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65536) + b"\r\n"
    ),
    "a-bomb": _made(lambda: page(_bomb(), "content-encoding: gzip", "content-type: image/png")),
    "a-bomb-in-chunks": _made(lambda: _chunks(_bomb()).replace(b"transfer", b"content-encoding: gzip\r\ntransfer", 1)),
}
"""What is larger than the limit, whatever it says of itself: 413."""


class _Handler(socketserver.BaseRequestHandler):
    server: WebServer

    def handle(self) -> None:
        connection: socket.socket = self.request
        self.server.connections += 1
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            name = head.split(b" ")[1].decode("latin-1").lstrip("/").partition("?")[0]
            said = self.server.pages.get(name, page(b"no", status="404 Not Found"))
            if callable(said):
                said(connection)
            else:
                connection.sendall(said)
        except OSError:
            return


class WebServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _Handler)
        self.connections = 0
        self.pages: dict[str, bytes | Talk] = {**SERVED, **REFUSED, **WORDS, **TOO_LARGE}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away."""


@contextmanager
def hostile_web(address: str = "127.0.0.1", port: int = 0) -> Iterator[WebServer]:
    """`connections`: how many came. `pages`: what is said, by path."""
    server = WebServer(address, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
