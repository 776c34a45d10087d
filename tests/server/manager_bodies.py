"""What managers send to the routes of keys, users and teams, with everything in it made larger: every list, text,
object and number of a body that has all fields, and objects as deep at each of these places."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from growth import Steps, larger, nested, places, shape
from liftgate.keys.fields import BY_FIELD, BY_OWNER_FIELD, ROWS

Body = dict[str, Any]
Written = Callable[[int], bytes]
DIGITS = "@digits@"
"""Where a number of so many digits stands."""
BUDGET = {"budget_duration": "30d", "max_budget": 1}
LIMITS: Body = {
    "metadata": {"a": {"b": ["c"]}},
    "rpm_limit": 5,
    "tpm_limit": 5,
    "max_parallel_requests": 5,
    "model_rpm_limit": {"m": 5},
    "model_tpm_limit": {"m": 5},
    "max_budget": 1,
    "budget_duration": "30d",
    "budget_limits": [BUDGET],
    "model_max_budget": {"m": {"budget_limit": 1, "time_period": "1d"}},
    "soft_budget": 1,
}
OWNERS: Body = {**LIMITS, "user_id": "u"}
KEYS: Body = {
    **LIMITS,
    "key": "sk-0123456789abcdef",
    "key_alias": "a",
    "duration": "30d",
    "user_id": "u",
    "team_id": "t",
    "models": ["m"],
    "aliases": {"a": "m"},
    "key_type": "default",
    "allowed_routes": ["/v1/*"],
    "blocked": False,
    "tags": ["a"],
}


def not_sent() -> set[str]:
    """Fields that act and stand in no body here: to be none."""
    acting = {row.field for row in ROWS if row.fate == "acts"}
    owners = {row.field for row in BY_OWNER_FIELD.values() if row.fate == "acts"}
    return (acting - set(KEYS)) | (owners - set(OWNERS))


def everything_of(body: Body) -> dict[str, Written]:
    """Each place of a body made larger, and deeper."""
    found: dict[str, Written] = {}
    for at in places(body):
        found[f"{shape(at)} larger"] = partial(_larger, body, at)
        if at:
            found[f"{shape(at)} deeper"] = partial(_deeper, body, at)
    for at in _numbers(body):
        found[f"{shape(at)} of many digits"] = partial(_digits, body, at)
    for name in sorted({*BY_FIELD, *BY_OWNER_FIELD} - set(body)):
        # What is refused or ignored is looked at too.
        found[f"{name} with much in it"] = partial(_field, body, name)
    return found


def _larger(body: Body, at: Steps, times: int) -> bytes:
    return json.dumps(larger(body, at, times)).encode()


def _deeper(body: Body, at: Steps, times: int) -> bytes:
    return json.dumps(nested(body, at, times)).encode()


def _field(body: Body, name: str, times: int) -> bytes:
    return json.dumps({**body, name: {f"m{number}": [number] for number in range(times)}}).encode()


def _digits(body: Body, at: Steps, times: int) -> bytes:
    return json.dumps(_set(body, at, DIGITS)).replace(f'"{DIGITS}"', "1" * times).encode()


def _set(value: Any, at: Steps, to: object) -> Any:
    if not at:
        return to
    copy = value.copy()
    copy[at[0]] = _set(value[at[0]], at[1:], to)
    return copy


def _numbers(value: Any, at: Steps = ()) -> list[Steps]:
    if isinstance(value, int) and not isinstance(value, bool):
        return [at]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in inner for found in _numbers(each, (*at, key))]


def growing(**fields: Callable[[int], object]) -> dict[str, Written]:
    """A body of one field, for each of these."""
    return {name: partial(_grown, name, grown) for name, grown in fields.items()}


def _grown(name: str, grown: Callable[[int], object], times: int) -> bytes:
    return json.dumps({name: grown(times)}).encode()


def a_text(times: int) -> str:
    return "k" * times


def a_list(times: int) -> list[str]:
    return [f"k{number}" for number in range(times)]


def an_object(times: int) -> dict[str, int]:
    return {f"m{number}": 1 for number in range(times)}
