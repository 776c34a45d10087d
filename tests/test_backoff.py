"""The growing pause."""

from __future__ import annotations

from itertools import islice

from liftgate.backoff import Backoff


def test_a_pause_doubles_to_the_longest_and_no_number_is_too_large() -> None:
    backoff = Backoff(0.5, 8.0)
    assert [backoff.pause(number) for number in (0, 1, 2, 3, 4, 5, 10_000)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert list(islice(backoff.pauses(), 6)) == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_what_the_other_side_asks_for_is_the_least() -> None:
    backoff = Backoff(0.5, 8.0)
    assert backoff.pause(0, 30.0) == 30.0
    assert backoff.pause(3, 1.0) == 4.0
    assert backoff.pause(2, None) == 2.0
