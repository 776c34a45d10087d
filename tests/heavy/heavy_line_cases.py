"""Right forms at `POST /v1/files` on a bad line: cut, of a lying length, in strange chunks, slow, at the wrong door."""

from __future__ import annotations

from collections.abc import Iterator

from heavy_cases import Case, sent
from heavy_form_cases import FORM, TARGET, WHOLE, form
from heavy_wire import ANN, request


def cuts() -> Iterator[Case]:
    """The form ends at each structural point: said so, or the line is cut there, or the last chunk comes too early."""
    marks = (b"--b0", b"Content-Disposition", b": form", b"; name", b'"file"', b"; filename", b"\r\n\r\n", b"\r\n")
    points = {at + extra for mark in marks for at in _found(WHOLE, mark) for extra in (0, 1, len(mark))}
    for at in sorted(points):
        # The last CRLF of a form may be missing.
        whole = at >= len(WHOLE) - 2
        head, rest = form(b"", length=len(WHOLE)), WHOLE[:at]
        chunked = form(b"", length=None).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (at, rest) if at else b""
        yield sent(f"ends at {at}", form(rest), passes=whole)
        yield sent(f"cut at {at}", head + rest, eof=True, closes=True, passes=at == len(WHOLE))
        yield sent(f"last chunk at {at}", chunked + chunk + b"0\r\n\r\n", passes=whole)
    for at in (0, 40, 120, len(WHOLE) - 20):
        yield sent(f"chunk cut at {at}", chunked + b"%x\r\n" % len(WHOLE) + WHOLE[:at], eof=True, closes=True)


def _found(text: bytes, mark: bytes) -> list[int]:
    return [at for at in range(len(text)) if text.startswith(mark, at)]


def lengths() -> Iterator[Case]:
    for says in ("-1", "+5", "0x10", "1e3", "", "five", "5 5", "5,5", "5, 6", str(2**63), str(2**64), "9" * 30, "٣"):
        yield sent(f"length says {says!r}", form(WHOLE, length=says), status=413 if says == str(2**63) else 400)
    for more in (1, 2, 99, 100_000):
        yield sent(f"length {more} too many", form(WHOLE, length=len(WHOLE) + more), status=408)
        yield sent(f"length {more} too many, then away", form(WHOLE, length=len(WHOLE) + more), eof=True, closes=True)
    for less in (1, 2, 3, 9, 50, 120, len(WHOLE) - 1, len(WHOLE)):
        yield sent(f"length {less} too few", form(WHOLE, length=len(WHOLE) - less), passes=less <= 2)
    huge = 3 * 2**30
    yield sent("length above every limit", form(WHOLE, length=huge), status=413)
    yield sent("length above every limit, nothing sent", form(b"", length=huge), status=413)
    twice = form(WHOLE).replace(b"Content-Length", b"Content-Length: 5\r\nContent-Length", 1)
    yield sent("two lengths that differ", twice)
    same = form(WHOLE).replace(b"Content-Length", b"Content-Length: %d\r\nContent-Length" % len(WHOLE), 1)
    yield sent("two lengths alike", same)
    yield sent("no length at all", form(WHOLE, length=None))


def chunks() -> Iterator[Case]:
    def chunked(body: bytes, encoding: bytes = b"chunked") -> bytes:
        return form(b"", length=None).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: " + encoding + b"\r\n\r\n") + body

    right = b"%x\r\n%s\r\n0\r\n\r\n" % (len(WHOLE), WHOLE)
    single = b"".join(b"1\r\n%s\r\n" % bytes([byte]) for byte in WHOLE) + b"0\r\n\r\n"
    yield sent("chunks of one byte", chunked(single), passes=True)
    for name, size in {
        "that is no hex": b"zz",
        "that is negative": b"-5",
        "with a sign": b"+5",
        "with 0x": b"0x5",
        "of 2^64": b"1" + b"0" * 16,
        "of 40 digits": b"f" * 40,
        "that is empty": b"",
        "of spaces": b"  ",
        "with NUL": b"5\x00",
    }.items():
        yield sent(f"a chunk size {name}", chunked(size + b"\r\n" + WHOLE + b"\r\n0\r\n\r\n"))
    yield sent("a chunk shorter than it says", chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(WHOLE) + 5, WHOLE)), status=408)
    yield sent("a chunk longer than it says", chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(WHOLE) - 5, WHOLE)))
    yield sent("a chunk without its end", chunked(b"%x\r\n%s0\r\n\r\n" % (len(WHOLE), WHOLE)))
    yield sent("chunks with LF", chunked(right.replace(b"%x\r\n" % len(WHOLE), b"%x\n" % len(WHOLE))))
    long = b"%x;x=%s\r\n%s\r\n0\r\n\r\n" % (len(WHOLE), b"y" * 200_000, WHOLE)
    yield sent("a chunk with a long extension", chunked(long), status=431)
    yield sent("a long trailer", chunked(right[:-2] + b"x: " + b"y" * 200_000 + b"\r\n\r\n"), status=431)
    yield sent("10,000 trailers", chunked(right[:-2] + b"x: y\r\n" * 10_000 + b"\r\n"), passes=True)
    yield sent("a trailer with a length", chunked(right[:-2] + b"Content-Length: 5\r\n\r\n"))
    yield sent("a last chunk that never comes", chunked(right[:-5]), status=408)
    yield sent("a last chunk that never comes, then away", chunked(right[:-5]), eof=True, closes=True)
    for encoding in (b"gzip, chunked", b"chunked, chunked", b"identity", b"chunked\x0b", b"xchunked", b"chunked, gzip"):
        status = 501 if encoding.startswith(b"gzip") else 400
        yield sent(f"encoded {encoding.decode()!r}", chunked(right, encoding), status=status)
    both = request("POST", TARGET, {**ANN, "Content-Type": FORM, "Transfer-Encoding": "chunked"}, right, length=5)
    yield sent("a length and chunks", both)


def doors() -> Iterator[Case]:
    typed = {**ANN, "Content-Type": FORM}
    whole = len(WHOLE)
    yield sent("without a key", request("POST", TARGET, {"Content-Type": FORM}, WHOLE), status=401)
    wrong = {**typed, "Authorization": "Bearer sk-nobody"}
    yield sent("with a wrong key", request("POST", TARGET, wrong, WHOLE), status=401)
    yield sent("without a key, nothing sent", request("POST", TARGET, {"Content-Type": FORM}, length=2**30), status=401)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        yield sent(f"by {method}", request(method, TARGET, typed, WHOLE), method=method, status=405)
    for target in ("/v1/files?colour=red", "/v1/files?key=a&key=b", "/v1/files?%ff=%fe", "/v1/files/?x"):
        yield sent(f"to {target}", request("POST", target, typed, WHOLE))
    for target in ("/v1//files", "//v1/files/"):
        # Slashes that say nothing change nothing (docs/routes.md).
        yield sent(f"to {target}", request("POST", target, typed, WHOLE), passes=True)
    yield sent("to a model that is not there", request("POST", TARGET + "?model=nope", typed, WHOLE), status=404)
    yield sent("expecting nothing known", request("POST", TARGET, {**typed, "Expect": "x"}, WHOLE), status=417)
    waits = request("POST", TARGET, {**typed, "Expect": "100-continue"}, length=whole)
    yield sent("expecting to go on, and not going on", waits, status=408)
    h2c = request("POST", TARGET, {**typed, "Connection": "Upgrade", "Upgrade": "h2c"}, WHOLE)
    yield sent("asking for HTTP/2", h2c, passes=True)
    yield sent("in HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield sent("in HTTP/9.9", form(WHOLE).replace(b"HTTP/1.1", b"HTTP/9.9", 1))
    yield sent("in HTTP/1.0 without a length", form(WHOLE, length=None).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    yield sent("with a bare CR in the head", form(WHOLE).replace(b"Host", b"X: a\rb\r\nHost", 1))


def dawdlers() -> Iterator[Case]:
    """Each waits longer than the gateway is told to."""
    head = form(b"", length=len(WHOLE))
    yield sent("a head that stops", form(WHOLE)[:60], closes=True)
    yield sent("a head by the byte", *_dripped(form(WHOLE)[:40], 1, 0.15), closes=True)
    yield sent("nothing at all", closes=True)
    for at in (0, 30, 90, 150, len(WHOLE) - 4):
        yield sent(f"a body that stops at {at}", head + WHOLE[:at], status=408)
    yield sent("a body by the byte", head, *_dripped(WHOLE, 1, 0.15), status=408)
    chunked = form(b"", length=None).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    yield sent("chunks by the byte", chunked, *_dripped(b"1\r\n-\r\n" * 99, 6, 0.15), status=408)


def _dripped(data: bytes, size: int, pause: float) -> Iterator[bytes | float]:
    for at in range(0, len(data), size):
        yield data[at : at + size]
        yield pause


FAMILIES = {"cuts": cuts, "lengths": lengths, "chunks": chunks, "doors": doors, "dawdlers": dawdlers}
