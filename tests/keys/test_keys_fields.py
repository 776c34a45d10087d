"""Every field of LiteLLM's key routes has its fate, the page tells it, and no body is read in more than its length."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from growth import FEW, MOST, steps
from liftgate.errors import LiftgateError
from liftgate.keys.fields import BY_FIELD, OWNER_ROWS, ROWS, fates, read_fields
from liftgate.keys.key import Key
from liftgate.keys.terms import Terms, written
from liftgate.records import KeyRecord

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"
LITELLM = re.findall(
    r"\w+",
    """
    key key_alias duration models aliases config permissions metadata user_id team_id spend max_budget
    soft_budget budget_duration budget_limits budget_id max_parallel_requests tpm_limit rpm_limit
    tpd_limit model_max_budget budget_fallbacks model_rpm_limit model_tpm_limit rpm_limit_type
    tpm_limit_type blocked guardrails policies prompts tags enforced_params allowed_routes
    allowed_passthrough_routes allowed_vector_store_indexes allowed_cache_controls object_permission
    key_type auto_rotate rotation_interval send_invite_email organization_id project_id router_settings
    temp_budget_increase temp_budget_expiry throttle_on_budget_exceeded
    """,
)
"""What its routes for keys take."""


@pytest.mark.parametrize("field", LITELLM)
def test_every_field_of_litellms_has_a_fate(field: str) -> None:
    row = BY_FIELD[field]
    assert (row.reader is not None) == (row.fate == "acts")
    assert row.note


def test_the_page_has_the_table() -> None:
    assert fates() in PAGE.read_text()


BODIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "fields": lambda n: {f"field_{at}": 1 for at in range(n)},
    "a field's name": lambda n: {"n" * n: 1},
    "models": lambda n: {"models": [f"m{at}" for at in range(n)]},
    "aliases": lambda n: {"aliases": {f"m{at}": "x" for at in range(n)}},
    "metadata": lambda n: {"metadata": {f"m{at}": "x" for at in range(n)}},
    "routes": lambda n: {"allowed_routes": ["/v1/" + "a" * n]},
    "a secret": lambda n: {"key": "sk-" + "a" * n},
    "a duration": lambda n: {"duration": "1" * n + "d"},
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_made_larger(case: str) -> None:
    def read(body: dict[str, Any]) -> None:
        try:
            read_fields(body)
        except LiftgateError:
            return

    once, twice = (steps(partial(read, BODIES[case](times))) for times in (200, 400))
    assert twice <= MOST * once + FEW


def levels(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


OTHER_KINDS: list[Any] = [
    *({}, [], [[]], [{}], {"a": {}}, {"a": []}, {"": None}, [None], [1.5], 1.5, -1, 10**30, True, "", "x", "\0"),
    *(levels(980), [levels(980)], {"x": list(range(20_000)), "y": levels(980)}),
]


@pytest.mark.parametrize("field", sorted({row.field for row in (*ROWS, *OWNER_ROWS) if row.reader}))
def test_a_value_of_another_kind_is_taken_or_refused(field: str) -> None:
    """Never a defect of ours: not for what has no hash, and not for what is deeper than Python's stack."""
    for value in OTHER_KINDS:
        for sent in (value, [value], {"m": value}, [{"max_budget": value, "budget_duration": value}]):
            try:
                read_fields({field: sent})
            except LiftgateError as error:
                assert field in error.message


@pytest.mark.parametrize(("depth", "taken"), [(64, True), (65, False), (500, False)])
def test_metadata_is_as_deep_as_lists_of_it_can_be_written(depth: int, taken: bool) -> None:
    if taken:
        assert read_fields({"metadata": levels(depth)})["metadata"]
        return
    with pytest.raises(LiftgateError, match="64 levels"):
        read_fields({"metadata": levels(depth)})


def test_patterns_of_many_stars_take_no_longer_than_names() -> None:
    row = ("key_x", "t", "sk-...x", None, "o", 0, 0, 0, None, None, None)
    key = Key(KeyRecord(*row, written(Terms(models=("*a" * 100 + "b",)))))
    once, twice = (steps(partial(key.may_ask, "a" * times)) for times in (2_000, 4_000))
    assert twice <= MOST * once + FEW
    assert not key.may_ask("a" * 100_000)
