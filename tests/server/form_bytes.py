"""Multipart bodies by hand, with the boundary `b0`."""

from __future__ import annotations

from raw_http import Answer, exchange, head
from running import Running

B = b"--b0\r\n"
END = b"--b0--\r\n"
PURPOSE = B + b'Content-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
FILE = B + b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncontent\r\n'


def text(name: str, value: str) -> bytes:
    return B + f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def part(disposition: bytes, content: bytes = b"content", more: bytes = b"") -> bytes:
    return B + b"Content-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + content + b"\r\n"


def send(gateway: Running, body: bytes, *, content_type: str = "multipart/form-data; boundary=b0") -> Answer:
    request = head("POST", "/v1/files", {"Content-Type": content_type, "Content-Length": str(len(body))})
    return exchange(gateway.base, [request + body], "POST")
