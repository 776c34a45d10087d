"""The form reader by itself: any pieces give the same fields and bytes, and the length of the file is known exactly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from liftgate.server.multipart import Fields, FilePart, read_form

BOUNDARY = "b0undary"


class Kept:
    def __init__(self) -> None:
        self.content = b""
        self.part = FilePart(None, None, None)
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
    assert kept.part.expected == len(content)
    assert kept.before == fields


def test_a_file_that_comes_first_has_no_expected_length() -> None:
    fields, kept = read(form({}, b"first"), [])
    assert (fields, kept.content, kept.part.expected) == ([], b"first", None)
