"""Random names: as long as was asked for, and nobody else's, in a child of this process and in other threads too."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from liftgate import ids


@pytest.mark.parametrize("length", [1, 24, 32, 33, 86])
def test_a_token_is_as_long_as_was_asked_for(length: int) -> None:
    drawn = [ids.token(length) for _ in range(300)]
    assert {len(each) for each in drawn} == {length}
    assert set("".join(drawn)) <= set(ids.ALPHABET)


def test_a_child_draws_other_names_than_its_parent() -> None:
    ids.token()
    reads, writes = os.pipe()
    if not (child := os.fork()):
        os.write(writes, " ".join(ids.token() for _ in range(130)).encode())
        os._exit(0)
    os.close(writes)
    with open(reads, "rb") as end:
        told = end.read().decode().split()
    assert os.waitpid(child, 0) == (child, 0)
    assert len({*told, *(ids.token() for _ in range(130))}) == 260


def test_threads_draw_no_name_twice() -> None:
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: ids.token(), range(20_000)))
    assert len(set(drawn)) == len(drawn)
