"""Streams that are JSON arrays: any pieces give the same elements, as they were written."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftgate.json_elements import ElementDecoder

TEXTS = st.text('a"\\\\{}[],: é\n', max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ELEMENTS = st.dictionaries(TEXTS, VALUES, max_size=4) | st.lists(VALUES, max_size=4)


def decoded(data: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    decoder = ElementDecoder()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    found = [each for start, stop in pairwise(edges) for each in decoder.feed(data[start:stop])]
    return found, decoder.rest()


@given(
    elements=st.lists(ELEMENTS, max_size=5),
    between=st.sampled_from([b"\n,\r\n", b",", b" , "]),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
)
def test_any_pieces_give_the_elements(
    elements: list[Any], between: bytes, indent: int | None, ascii_only: bool, cuts: list[int]
) -> None:
    written = [json.dumps(each, indent=indent, ensure_ascii=ascii_only).encode() for each in elements]
    whole = b"[" + between.join(written) + b"\n]\r\n"
    assert decoded(whole, cuts) == (written, b"")
    # Without its end it has one all the same, and says that it is not whole.
    found, rest = decoded(whole[: whole.rindex(b"]")], cuts)
    assert found == written and rest


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []),
        (b"<html>no</html>", []),
        (b'{"error": {"code": 400}}', [b'{"error": {"code": 400}}']),
        (b'[{"error": {"code": 400}}]', [b'{"error": {"code": 400}}']),
        (b'[{"a": "}]', []),
        (b"[{", []),
        (b"[", []),
    ],
)
@pytest.mark.parametrize("cuts", [[], list(range(40))], ids=["at once", "by the byte"])
def test_what_is_no_array(data: bytes, found: list[bytes], cuts: list[int]) -> None:
    decoder_found, rest = decoded(data, cuts)
    assert decoder_found == found
    assert bool(rest) == (bool(data) and not found)
