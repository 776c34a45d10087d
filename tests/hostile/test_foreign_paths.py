"""Every spelling of a path that could lead to a File, by every method: a foreign one is as one that never was.

36 spellings × 10 prefixes × 4 suffixes × 7 methods are 10,080 pairs; every 13th of them by default, so that each
spelling, prefix, suffix and method is among them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from itertools import product
from urllib.parse import urlsplit

import pytest

from liftgate import ids
from owners_house import BOB, Answer, House, code_of, house_of, same, untouched

Spelling = Callable[[str], str]

SPELLINGS: tuple[Spelling, ...] = (
    lambda code: f"file-{code}",
    lambda code: code,
    lambda code: f"FILE-{code}",
    lambda code: f"file-{code.upper()}",
    lambda code: f"File-{code}",
    lambda code: f"file_{code}",
    lambda code: f"file-{code}/",
    lambda code: f"/file-{code}",
    lambda code: f"./file-{code}",
    lambda code: f"x/../file-{code}",
    lambda code: f"%2e/file-{code}",
    lambda code: f"x/%2e%2e/file-{code}",
    lambda code: f"file%2D{code}",
    lambda code: f"file%2d{code}",
    lambda code: f"%66ile-{code}",
    lambda code: f"file-%{ord(code[0]):02x}{code[1:]}",
    lambda code: f"file-{code}%00",
    lambda code: f"file-{code}%0a",
    lambda code: f"file-{code}%20",
    lambda code: f"%20file-{code}",
    lambda code: f"file-{code}%2f",
    lambda code: f"file-{code}%2fcontent",
    lambda code: f"file-{code};x=1",
    lambda code: f"file-{code}?x=1",
    lambda code: f"file-{code}?",
    lambda code: f"file-{code}%3Fx",
    lambda code: f"file-{code}#x",
    lambda code: f"file-{code}.json",
    lambda code: f"file-{code}+",
    lambda code: f"file-{code}%ff",
    lambda code: f"file-{code}\u00e9",
    lambda code: f"files/{code}",
    lambda code: f"files%2f{code}",
    lambda code: f"file-{code},file-{code}",
    lambda code: f"file-{code}:download",
    lambda code: f"*{code}",
)

PREFIXES = (
    ("/v1/files/", False),
    ("/files/", False),
    ("/v1beta/files/", True),
    ("/v1/files/", True),
    ("//v1/files/", False),
    ("/v1//files/", False),
    ("/V1/Files/", False),
    ("/v1/uploads/", False),
    ("/v1beta/models/", True),
    ("http://gateway.test/v1/files/", False),
)
"""And whether the key is given in Google's way, which makes it Google's path."""

SUFFIXES = ("", "/content", ":download?alt=media", "/content/")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

PAIRS = list(product(SPELLINGS, PREFIXES, SUFFIXES, METHODS))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_of(tmp_path_factory.mktemp("paths")) as house:
        yield house


def ask(house: House, method: str, target: str, googles: bool) -> Answer:
    """Sent as it stands; no client makes anything else of it."""
    key = f"x-goog-api-key: {BOB}" if googles else f"Authorization: Bearer {BOB}"
    body = "{}" if method in ("POST", "PUT", "PATCH") else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{key}\r\n{length}\r\n"
    address = urlsplit(house.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 20) as connection:
        connection.sendall(head.encode() + body.encode())
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read().decode("utf-8", "replace"))


def test_there_are_as_many_pairs_as_are_told() -> None:
    assert len(PAIRS) == 10_080


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.full)], ids=["some", "all"])
def test_a_foreign_path_is_as_one_that_never_was(house: House, step: int) -> None:
    theirs, nobodys = code_of(house.anns["live"]), ids.token()
    assert {len(theirs), len(nobodys)} == {24}
    chosen = PAIRS[::step]
    assert all({pair[axis] for pair in chosen} == {pair[axis] for pair in PAIRS} for axis in (0, 1, 2, 3))
    with untouched(house):
        for spelled, (prefix, googles), suffix, method in chosen:
            foreign = ask(house, method, prefix + spelled(theirs) + suffix, googles)
            never = ask(house, method, prefix + spelled(nobodys) + suffix, googles)
            assert foreign.status not in (200, 206, 304, 500), (method, prefix + spelled(theirs) + suffix, foreign)
            same(foreign, never, theirs, nobodys)
