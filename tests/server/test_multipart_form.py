"""The form reader by itself: any pieces give the same fields and bytes, and the length of the file is known exactly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liftgate.errors import InvalidRequest
from liftgate.server.multipart import Fields, FilePart, read_form

BOUNDARY = "b0undary"


class Kept:
    def __init__(self) -> None:
        self.content = b""
        self.part = FilePart(None, "", None)
        self.before: Fields = []

    async def write(self, piece: bytes | memoryview) -> None:
        self.content += piece

    def open(self, part: FilePart, before: Fields) -> Kept:
        self.part, self.before = part, list(before)
        return self


def form(fields: dict[str, str], content: bytes) -> bytes:
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
    return body + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def read(body: bytes, cuts: list[int]) -> tuple[Fields, Kept]:
    kept = Kept()

    async def pieces() -> AsyncIterator[bytes]:
        edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
        for start, stop in pairwise(edges):
            yield body[start:stop]

    fields = asyncio.run(read_form(pieces(), BOUNDARY, len(body), file_field="file", open_file=kept.open))
    return fields, kept


# Bytes that look like delimiters and their parts, which a careless cut would take for one.
TRICKY = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"-", b"--", b"\r\n--b0undar", b"--b0undary", b"x", b"\x00" * 50]
    ),
    max_size=30,
).map(b"".join)


@given(content=TRICKY, value=st.text("ab\r\n-é", max_size=30), cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_any_pieces_give_the_same_form(content: bytes, value: str, cuts: list[int]) -> None:
    # A delimiter is CRLF, two dashes and the boundary: a proper form's content never holds one whole.
    assume(b"\r\n--b0undary" not in b"\r\n" + content)
    fields, kept = read(form({"purpose": "user_data", "user": value}, content), cuts)
    assert fields == [("purpose", "user_data"), ("user", value)]
    assert kept.content == content
    assert kept.part.size == len(content)
    assert kept.before == fields


def test_a_file_that_comes_first_has_no_expected_length() -> None:
    fields, kept = read(form({}, b"first"), [])
    assert (fields, kept.content, kept.part.size) == ([], b"first", None)


PADDING = st.text(" \t", max_size=4).map(str.encode)


@given(
    content=TRICKY,
    value=st.sampled_from(["", "user_data"]),
    padding=st.lists(PADDING, min_size=4, max_size=4),
    preamble=st.sampled_from([b"", b"\r\n", b"a preamble\r\n"]),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
)
def test_padding_behind_a_boundary_changes_nothing(
    content: bytes, value: str, padding: list[bytes], preamble: bytes, cuts: list[int]
) -> None:
    """RFC 2046, 5.1.1: `transport-padding` may stand behind every boundary, the closing one too."""
    assume(b"\r\n--b0undary" not in b"\r\n" + content)
    first, second, third, last = padding
    line = f"--{BOUNDARY}".encode()
    disposition = b"\r\nContent-Disposition: form-data; name="
    body = preamble + line + first + disposition + b'"purpose"\r\n\r\n' + value.encode()
    body += b"\r\n" + line + second + disposition + b'"more"\r\n\r\nx'
    body += b"\r\n" + line + third + disposition + b'"file"; filename="f"\r\n\r\n' + content
    fields, kept = read(body + b"\r\n" + line + b"--" + last + b"\r\n", cuts)
    assert fields == [("purpose", value), ("more", "x")]
    assert (kept.content, kept.part.filename) == (content, "f")


def test_what_is_no_padding_is_refused() -> None:
    good = form({"purpose": "user_data"}, b"content")
    line = f"--{BOUNDARY}\r\n".encode()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="x"\r\n'.encode()
    for bad in (
        good.replace(line, line[:-2] + b" x\r\n"),
        good.replace(line, line[:-2] + b" \n"),
        good.replace(line, line[:-2] + b" --\r\n"),
        good.replace(line, line[:-2] + b" " * 1025 + b"\r\n"),
        good.replace(line, line[:-2] + b"\v\r\n"),
        good[: good.index(line) + len(line) - 2] + b"  ",
        # A padded boundary within a part's head: the part has no end of its head.
        head + good.replace(line, line[:-2] + b" \r\n", 1),
        (head + b"\r\nx\r\n").replace(line, line[:-2] + b" \r\n") * 100 + good,
    ):
        for cuts in ([], list(range(1, len(bad), 7)), list(range(len(bad)))):
            with pytest.raises(InvalidRequest, match="multipart body is"):
                read(bad, cuts)
