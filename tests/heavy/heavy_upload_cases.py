"""Hostile and broken requests of `/v1/uploads`, by family."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from heavy_cases import Case, Ids, sent
from heavy_wire import ANN, Piece, request

RIGHT: dict[str, Any] = {"filename": "a.txt", "purpose": "user_data", "bytes": 8, "mime_type": "text/plain"}
JSON = {**ANN, "Content-Type": "application/json"}
FORM = {**ANN, "Content-Type": "multipart/form-data; boundary=b0"}
UNKNOWN = ("upload_unknown", "x", "%00", "..%2F..", "%F0%9F%92%A9", "a" * 2000, "upload_' OR 1=1 --", "%ff")

GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"filename": "a',
    "a list": b"[]",
    "a text": b'"a"',
    "a number": b"1",
    "null": b"null",
    "NaN": b"NaN",
    "deep": b"[" * 100_000,
    "a deep object": b'{"a":' * 50_000,
    "a long number": b'{"bytes": ' + b"9" * 100_000 + b"}",
    "no UTF-8": b'{"filename": "\xff\xfe"}',
    "UTF-16": json.dumps(RIGHT).encode("utf-16"),
    "with a BOM": b"\xef\xbb\xbf" + json.dumps(RIGHT).encode(),
    "a lone surrogate": b'{"filename": "\\ud800"}',
    "a comment": b"{/* x */}",
    "single quotes": b"{'filename': 'a'}",
    "two objects": b"{}{}",
    "NUL": b"\x00" * 1000,
}


def as_json(target: str, value: object) -> bytes:
    return request("POST", target, JSON, json.dumps(value).encode())


def data(content: bytes, name: str = "data", filename: str = "; filename=upload") -> bytes:
    head = f'--b0\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def add(upload: str, body: bytes) -> bytes:
    return request("POST", f"/v1/uploads/{upload}/parts", FORM, body)


END = b"--b0--\r\n"
PART = data(b"1234") + END


def creations() -> Iterator[Case]:
    for name, body in GARBAGE.items():
        # A reader may pass over a byte order mark (RFC 8259, 8.1).
        yield sent(f"created of {name}", request("POST", "/v1/uploads", JSON, body), passes=name == "with a BOM")
    sizes: Sequence[Any] = (0, -1, 1.5, "8", True, [8], {}, None, 2**31 + 1, 2**63, 2**64, 10**400)
    wrong: list[tuple[str, Any]] = [("bytes", size) for size in sizes]
    wrong += [("filename", 1), ("filename", []), ("filename", None), ("filename", "a\x00b")]
    wrong += [("filename", "x" * 600), ("filename", "\ud800"), ("purpose", "x"), ("purpose", 1), ("purpose", None)]
    wrong += [
        ("mime_type", 1),
        ("mime_type", None),
        ("mime_type", []),
        ("colour", "red"),
        ("md5", "x"),
        ("expires_after", 1),
    ]
    wrong += [("expires_after", {}), ("expires_after", {"anchor": "created_at"}), ("expires_after", {"seconds": 3600})]
    wrong += [("expires_after", {"anchor": "x", "seconds": 3600}), ("expires_after", [])]
    for seconds in (3599, 2592001, -1, 3600.5, "3600", True, 2**70):
        wrong.append(("expires_after", {"anchor": "created_at", "seconds": seconds}))
    for field, value in wrong:
        status = 413 if field == "bytes" and isinstance(value, int) and value > 2**31 else 400
        name = f"created with {field} {str(value)[:60]!r}"
        yield sent(name, as_json("/v1/uploads", {**RIGHT, field: value}), status=status)
    for field in RIGHT:
        without = {name: value for name, value in RIGHT.items() if name != field}
        yield sent(f"created without {field}", as_json("/v1/uploads", without), status=400)
    odd: list[tuple[str, Any]] = [("mime_type", "a\r\nX-Evil: 1"), ("mime_type", "x" * 5000), ("mime_type", "\x00")]
    odd += [("filename", "../../x"), ("filename", ""), ("filename", "a\r\nb")]
    for field, value in odd:
        name = f"created with {field} {value[:20]!r}"
        yield sent(name, as_json("/v1/uploads", {**RIGHT, field: value}), passes=field == "filename")
    yield sent("created without a key", request("POST", "/v1/uploads", None, json.dumps(RIGHT).encode()), status=401)
    yield sent("created in gzip", request("POST", "/v1/uploads", {**JSON, "Content-Encoding": "gzip"}, b"\x1f\x8b"))
    yield sent("listed", request("GET", "/v1/uploads", ANN), method="GET", status=405)


def parts() -> Iterator[Case]:
    for upload in UNKNOWN:
        yield sent(f"a part for {upload[:20]!r}", add(upload.replace(" ", "%20"), PART), status=404)
    for state in ("foreign", "cancelled", "completed", "session"):
        status = 404 if state in ("foreign", "session") else 400
        yield Case(f"a part for a {state} one", _part_for(state), needs=(state,), status=status)
    bodies = {
        "no data": END,
        "an empty part": data(b"") + END,
        "another name": data(b"1234", "file") + END,
        "two parts": data(b"1234") + data(b"5678") + END,
        "a field before": data(b"x", "colour", "") + PART,
        "a field behind": data(b"1234") + data(b"x", "colour", "") + END,
        "no end": data(b"1234"),
        "JSON": b'{"data": "1234"}',
        "nothing": b"",
        "10,000 parts": data(b"1", "a", "") * 10_000 + END,
        "LF only": PART.replace(b"\r\n", b"\n"),
    }
    for name, body in bodies.items():
        yield Case(f"a part of {name}", _added(body), needs=("upload",))
    yield Case("data without a filename", _added(data(b"1234", filename="") + END), needs=("upload",), passes=True)
    for length, status in ((2**40, 413), (64 * 2**20 + 70_000, 413)):
        yield Case(f"a part that says {length}", _saying(length), needs=("upload",), status=status)
    yield Case("a part whose line breaks", _saying(len(PART) + 50), needs=("upload",), eof=True, closes=True)
    yield Case("a part that stops", _saying(len(PART) + 50), needs=("upload",), status=408)
    no_form = {**ANN, "Content-Type": "application/octet-stream"}
    for kind in (no_form, ANN, {**ANN, "Content-Type": "multipart/form-data"}):
        yield Case(f"a part as {kind.get('Content-Type')}", _typed(kind), needs=("upload",))


def _part_for(state: str) -> Any:
    return lambda ids: [add(getattr(ids, state).rsplit("=", 1)[-1].rsplit("/", 1)[-1], PART)]


def _added(body: bytes) -> Any:
    return lambda ids: [add(ids.upload, body)]


def _saying(length: int) -> Any:
    return lambda ids: [request("POST", f"/v1/uploads/{ids.upload}/parts", FORM, PART, length=length)]


def _typed(headers: dict[str, str]) -> Any:
    return lambda ids: [request("POST", f"/v1/uploads/{ids.upload}/parts", headers, PART)]


def completions() -> Iterator[Case]:
    def complete(name: str, value: Any, *, needs: Sequence[str] = ("upload",), **more: Any) -> Case:
        """`value` of the ids gives the body."""

        def make(ids: Ids) -> Sequence[Piece]:
            return [as_json(f"/v1/uploads/{ids.upload}/complete", value(ids))]

        return Case(f"completed with {name}", make, needs=needs, **more)

    for name, body in GARBAGE.items():
        yield Case(f"completed of {name}", _completed(body), needs=("upload",))
    yield complete("no part_ids", lambda ids: {})
    yield complete("no parts", lambda ids: {"part_ids": []})
    yield complete("null", lambda ids: {"part_ids": None})
    yield complete("a text", lambda ids: {"part_ids": ids.parts[0]})
    yield complete("numbers", lambda ids: {"part_ids": [1, 2]})
    yield complete("a part twice", lambda ids: {"part_ids": [ids.parts[0], ids.parts[0]]})
    yield complete("a part too few", lambda ids: {"part_ids": [ids.parts[0]]})
    yield complete("an unknown part", lambda ids: {"part_ids": [*ids.parts, "part_unknown"]})
    yield complete("a surrogate", lambda ids: {"part_ids": ["\ud800"]})
    yield complete("10,001 parts", lambda ids: {"part_ids": [f"part_{n}" for n in range(10_001)]})
    yield complete("a part a thousand times", lambda ids: {"part_ids": list(ids.parts) * 500})
    yield complete(
        "another's part", lambda ids: {"part_ids": [ids.parts[0], ids.foreign_part]}, needs=("upload", "foreign")
    )
    for md5 in ("0" * 32, "", "x", "0" * 31, "é", "0" * 100_000, 5, ["0" * 32]):
        yield complete(f"md5 {str(md5)[:34]!r}", lambda ids, md5=md5: {"part_ids": list(ids.parts), "md5": md5})
    yield complete("a field too many", lambda ids: {"part_ids": list(ids.parts), "colour": "red"})
    absent: Any = lambda ids: {"part_ids": list(ids.parts), "target_model_names": "nope"}  # noqa: E731
    yield complete("a model that is not there", absent, status=404)
    yield complete("models that are a number", lambda ids: {"part_ids": list(ids.parts), "target_model_names": 5})
    for state in ("foreign", "cancelled", "completed"):
        for deed, value in (("complete", {"part_ids": ["part_x"]}), ("cancel", {})):
            again = state == "cancelled" and deed == "cancel"
            status = 200 if again else 404 if state == "foreign" else 400
            yield Case(f"{deed} of a {state} one", _deed(state, deed, value), needs=(state,), status=status)
    yield Case("completed again in another order", _turned, needs=("completed",))
    for upload in UNKNOWN:
        target = f"/v1/uploads/{upload.replace(' ', '%20')}"
        yield sent(f"complete of {upload[:20]!r}", as_json(f"{target}/complete", {"part_ids": ["x"]}), status=404)
        yield sent(f"cancel of {upload[:20]!r}", request("POST", f"{target}/cancel", ANN), status=404)
    yield Case(
        "a verb that is not there",
        lambda ids: [as_json(f"/v1/uploads/{ids.upload}/finish", {})],
        needs=("upload",),
        status=404,
    )


def _completed(body: bytes) -> Any:
    return lambda ids: [request("POST", f"/v1/uploads/{ids.upload}/complete", JSON, body)]


def _deed(state: str, deed: str, value: object) -> Any:
    return lambda ids: [as_json(f"/v1/uploads/{getattr(ids, state)}/{deed}", value)]


def _turned(ids: Ids) -> Sequence[Piece]:
    return [as_json(f"/v1/uploads/{ids.completed}/complete", {"part_ids": list(reversed(ids.completed_parts))})]


FAMILIES = {"creations": creations, "parts": parts, "completions": completions}
