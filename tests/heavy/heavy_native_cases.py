"""Hostile and broken requests of `/upload/v1beta/files`, by family."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heavy_cases import Case, Ids
from heavy_upload_cases import GARBAGE
from heavy_wire import ANN, ANN_NATIVE, Piece, request

TARGET = "/upload/v1beta/files"
START = {**ANN_NATIVE, "X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
RELATED = {**ANN_NATIVE, "X-Goog-Upload-Protocol": "multipart", "Content-Type": "multipart/related; boundary=b0"}
NUMBERS = (
    "-1",
    "abc",
    "1e9",
    "0x10",
    "5.0",
    "+5",
    "5 5",
    "5,5",
    "٣",
    "9" * 19,
    "9" * 5000,
    str(2**63),
    str(2**64),
    "\x00",
)


def sent(name: str, *pieces: Piece, **more: Any) -> Case:
    return Case(name, lambda ids: pieces, dialect="gemini", **more)


def start(body: bytes = b"", headers: Mapping[str, str | bytes] | None = None, target: str = TARGET) -> bytes:
    return request("POST", target, {**START, **(headers or {})}, body)


def starts() -> Iterator[Case]:
    for number in NUMBERS:
        yield sent(f"a start of {number[:20]!r} bytes", start(headers={"X-Goog-Upload-Header-Content-Length": number}))
    for size in (2**31 + 1, 10**17):
        yield sent(
            f"a start of {size} bytes", start(headers={"X-Goog-Upload-Header-Content-Length": str(size)}), status=413
        )
    for command in (
        "",
        "upload",
        "finalize",
        "query",
        "cancel",
        "start, upload",
        "start,finalize",
        "start start",
        "go",
        ",",
        "x" * 5000,
    ):
        yield sent(f"a start by {command[:20]!r}", start(headers={"X-Goog-Upload-Command": command}))
    for protocol in ("raw", "resumable2", "x" * 5000, "media", "resumable, multipart"):
        yield sent(f"a start of protocol {protocol[:20]!r}", start(headers={"X-Goog-Upload-Protocol": protocol}))
    for name, body in GARBAGE.items():
        # Single quotes are taken, as Google's own examples write them; then the field is unknown.
        yield sent(f"a start of {name}", start(body), passes=name == "nothing")
    files: list[Any] = [
        1,
        "a",
        [],
        {"name": 1},
        {"name": "x"},
        {"name": "files/"},
        {"name": "files/A"},
        {"name": "files/-a"},
    ]
    files += [
        {"name": "files/" + "a" * 41},
        {"name": "files/../a"},
        {"name": "files/a\u0000"},
        {"displayName": "x" * 513},
    ]
    files += [
        {"displayName": 5},
        {"mimeType": 5},
        {"mimeType": "a\r\nX-Evil: 1"},
        {"mimeType": "é/é"},
        {"mimeType": "x" * 300},
    ]
    sizes: Sequence[Any] = (-1, "x", 1.5, True, [])
    files += [{"sizeBytes": size} for size in sizes]
    files += [{"colour": "red"}, {"name": {"$ne": 1}}, {"displayName": "a\ud800"}]
    for file in files:
        yield sent(f"a start with {str(file)[:40]}", start(json.dumps({"file": file}).encode()))
    yield sent("a start with more than a file", start(b'{"file": {}, "files": {}}'))
    yield sent(
        "a start of 2 MB of metadata", start(b'{"file": {"displayName": "' + b"x" * 2_000_000 + b'"}}'), status=413
    )
    for header, value in {
        "X-Goog-Upload-File-Name": b"../../etc/passwd",
        "X-Goog-Upload-File-Name ": b"x",
        "X-Goog-Upload-Header-Content-Type": b"\xff\xfe",
        "X-Forwarded-Host": b"evil.test",
        "X-Forwarded-Proto": b"javascript",
        "Content-Encoding": b"gzip",
    }.items():
        # A name with a space is no header, and the metadata is no gzip.
        passes = header not in ("X-Goog-Upload-File-Name ", "Content-Encoding")
        yield sent(f"a start with {header}: {value!r}", start(b"{}", {header: value}), passes=passes)
    yield sent("a name on disk of 3,000 letters", start(b"{}", {"X-Goog-Upload-File-Name": "x" * 3000}))
    for query in ("?colour=red", "?key=a&key=b", "?uploadType=media", "?alt=x&%ff"):
        yield sent(f"a start at {query}", start(target=TARGET + query), passes="uploadType" in query)
    no_key = request("POST", TARGET, {name: value for name, value in START.items() if name != "x-goog-api-key"}, b"{}")
    yield sent("a start without a key", no_key, status=401)
    wrong = start(b"{}", {"x-goog-api-key": "sk-nobody"})
    yield sent("a start with a wrong key", wrong, status=401)
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        yield sent(f"a start by {method}", request(method, TARGET, START, b"{}"), method=method, status=404)


def relateds() -> Iterator[Case]:
    meta = b"--b0\r\nContent-Type: application/json\r\n\r\n{}\r\n"
    media = b"--b0\r\nContent-Type: text/plain\r\n\r\ncontent\r\n"
    whole = meta + media + b"--b0--\r\n"

    def related(body: bytes, content_type: str = RELATED["Content-Type"], **more: Any) -> bytes:
        return request("POST", TARGET, {**RELATED, "Content-Type": content_type}, body, **more)

    bodies = {
        "nothing": b"",
        "one part": meta + b"--b0--\r\n",
        "three parts": meta + media + media + b"--b0--\r\n",
        "the parts turned": media + meta + b"--b0--\r\n",
        "an empty file": meta + media.replace(b"content", b"") + b"--b0--\r\n",
        "no end": meta + media,
        "LF only": whole.replace(b"\r\n", b"\n"),
        "another boundary": whole.replace(b"b0", b"b1"),
        "a preamble without end": b"x" * 100_000,
        "a head without end": b"--b0\r\n" + b"x" * 100_000,
        "metadata without end": b"--b0\r\n\r\n" + b"x" * 3_000_000,
        "a second head without end": meta + b"--b0\r\n" + b"x" * 100_000,
        "an epilogue without end": whole + b"x" * 100_000,
        "two closing ends": whole + b"--b0--\r\n" * 2000,
        "a type of junk": whole.replace(b"text/plain", b"\xff\xfe"),
        "a type of 5,000 letters": whole.replace(b"text/plain", b"x" * 5000),
        "10,000 parts": meta * 10_000 + b"--b0--\r\n",
    }
    for name, body in bodies.items():
        yield sent(f"related with {name}", related(body))
    for name, body in GARBAGE.items():
        yield sent(f"related metadata of {name}", related(whole.replace(b"{}", body)), passes=name == "nothing")
    for at in range(0, len(whole) - 4, 6):
        yield sent(f"related that ends at {at}", related(whole[:at]))
        yield sent(f"related cut at {at}", related(whole[:at], length=len(whole)), eof=True, closes=True)
    for kind in (
        "multipart/related",
        "multipart/related; boundary=",
        "multipart/related; boundary=é",
        "multipart/mixed; boundary=b0",
    ):
        yield sent(f"related as {kind}", related(whole, kind))
    yield sent("related with a boundary of 300", related(whole, "multipart/related; boundary=" + "b" * 300))
    yield sent("related that stops", related(whole[:60], length=len(whole)), status=408)
    yield sent("related above every limit", related(whole, length=3 * 2**30), status=408)


def upload(offset: str = "8", command: str = "upload") -> dict[str, str]:
    return {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": offset}


def of(state: str, name: str, headers: Mapping[str, str], body: bytes = b"", **more: Any) -> Case:
    """A request of a session in this state. `says`: its Content-Length in place of the truth."""
    method, says = more.get("method", "POST"), more.pop("says", ())

    def make(ids: Ids) -> Sequence[Piece]:
        return [request(method, getattr(ids, state), headers, body, length=says)]

    return Case(f"{state}: {name}", make, dialect="gemini", needs=(state,), **more)


def sessions() -> Iterator[Case]:
    for number in NUMBERS[:-1]:
        yield of("session", f"an offset of {number[:20]!r}", upload(number), b"12345678")
    for offset in ("9", "16", "17", "999999999999999999"):
        yield of("session", f"a gap at {offset}", upload(offset), b"1234", status=409)
    mixed = ("upload, query", "upload, cancel", "finalize, query", "query, cancel", "upload finalize")
    for command in ("", "start", "go", "x" * 3000, *mixed):
        yield of("session", f"the command {command[:20]!r}", upload(command=command), b"1234")
    yield of("session", "no command", {"X-Goog-Upload-Offset": "8"}, b"1234")
    yield of("session", "bytes beyond its size", upload(), b"x" * 9)
    yield of("session", "bytes beyond its size, finalized", upload(command="upload, finalize"), b"x" * 500_000)
    yield of("session", "a finalize too early", upload(command="finalize"), status=400)
    yield of("session", "a finalize with too little", upload(command="upload, finalize"), b"1234", status=400)
    yield of("session", "a chunk cut off", upload(), b"1234", says=8, eof=True, closes=True)
    yield of("session", "a chunk that stops", upload(), b"1234", says=8, status=408)
    yield of("session", "a chunk that says 3 GiB", upload(), b"12345678", says=3 * 2**30, status=408)
    for offset in ("0", "4", "8"):
        yield of("session", f"an overlap at {offset}", upload(offset), b"x" * 8, passes=True)
    yield of("session", "an empty chunk", upload(), passes=True)
    yield of("session", "bytes with a query", upload(command="query"), b"1234", passes=True)
    yield of("session", "bytes with a cancel", upload(command="cancel"), b"1234", passes=True)
    yield of("session", "a start in it", START, b"{}")
    yield of("session", "a chunk in gzip", {**upload(), "Content-Encoding": "gzip"}, b"1234")
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        yield of("session", f"by {method}", upload(), b"1234", method=method, status=404)

    def twice(ids: Ids) -> Sequence[Piece]:
        return [request("POST", ids.session + "&upload_id=x", upload(), b"x")]

    yield Case("session: named twice", twice, dialect="gemini", needs=("session",))


def endings() -> Iterator[Case]:
    """What is over says so; who asks for a finalize or a cancel again is told the same again."""
    same = {"finished": ("upload", "upload, finalize", "finalize", "query"), "ended": ("cancel",)}
    for state in ("finished", "ended"):
        for command in ("upload", "upload, finalize", "finalize", "query", "cancel", "go", "start"):
            known = command in ("upload", "upload, finalize", "finalize", "query")
            status = 200 if command in same[state] else 410 if known else 400
            yield of(state, f"the command {command!r}", upload(command=command), status=status)
        yield of(state, "more bytes", upload("16"), b"x" * 100, status=200 if state == "finished" else 410)
        yield of(state, "a wrong offset", upload("-5"), b"x", status=200 if state == "finished" else 410)


def strangers() -> Iterator[Case]:
    for secret in ("x", "%00", "..%2F..", "a" * 3000, "%F0%9F%92%A9", "%ff", "'%20OR%201=1%20--", ""):
        for command in ("query", "upload, finalize", "cancel"):
            target = f"{TARGET}?upload_id={secret}&upload_protocol=resumable"
            sends = request("POST", target, upload(command=command), b"x")
            # An empty one is none, then it takes a key; and what is no UTF-8 is no query.
            yield sent(f"no session {secret[:12]!r}: {command}", sends, status={"": 401, "%ff": 400}.get(secret, 404))


def downloads() -> Iterator[Case]:
    for name in ("x", "%00", "..%2F..%2Fetc", "a" * 3000, "%ff", "files%2Fx", "file-" + "a" * 24):
        for suffix, method in (("", "GET"), (":download?alt=media", "GET"), ("", "DELETE"), (":download", "GET")):
            target = f"/v1beta/files/{name}{suffix}"
            # A name is one segment of the path; what it is not is no route. Without alt=media nothing is looked up.
            status = 404 if "%2F" in name else 400 if suffix == ":download" else 403
            shown = f"{method} {target[:30]}…{target[-20:]}"
            yield sent(shown, request(method, target, ANN_NATIVE), method=method, status=status)
    for name in ("file-" + "a" * 24, "x", "%00", "..%2F..%2Fetc", "%ff"):
        content = request("GET", f"/v1/files/{name}/content", {**ANN, "Range": "bytes=0-"})
        yield Case(f"content of {name}", lambda ids, content=content: [content], method="GET", status=404)  # type: ignore[misc]


FAMILIES = {
    "starts": starts,
    "related": relateds,
    "sessions": sessions,
    "endings": endings,
    "strangers": strangers,
    "names of files": downloads,
}
