"""The values of LiteLLM's fields of keys and of owners, read: each reader takes what was sent and its parameter's path.

All of them raise InvalidRequest.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from liftgate.durations import read_duration, seconds_of
from liftgate.errors import InvalidRequest, shortened
from liftgate.json_types import JsonObject
from liftgate.keys.key import GROUPS, TYPES
from liftgate.keys.limits import NANO
from liftgate.keys.terms import Budget
from liftgate.large_bodies import fits
from liftgate.settings.references import stand_in
from liftgate.whole_numbers import as_whole

LONGEST_TEXT = 256
MOST_ITEMS = 1000
LONGEST_METADATA = 16 * 1024
"""Bytes of its JSON."""
MOST_LEVELS = 64
"""Of metadata: it is shown within lists, which are nested too, and read by programs that bound this as well."""
SHORTEST_SECRET = 16
MOST_A_MINUTE = 10**12
MOST_DOLLARS = 10**8
MOST_BUDGETS = 8
MOST_MODELS = 100
OWNERS_RESERVED = ("master", "local")
_SECRET = re.compile(r"sk-[!-~]{1,253}\Z", re.ASCII)
_ROUTE = re.compile(r"/[!-~]{0,255}\Z", re.ASCII)
_DIGITS = re.compile(r"\d{1,13}\Z", re.ASCII)
_DECIMAL = re.compile(r"(\d{1,18}\.?\d{0,18}|\.\d{1,18})(e[+-]?\d{1,2})?\Z", re.ASCII | re.IGNORECASE)
_encode = msgspec.json.Encoder().encode


def _wrong(param: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid value for '{param}': expected {expected}.", param=param, code="invalid_value")


def text(value: object, param: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise _wrong(param, f"a text of 1 to {LONGEST_TEXT} printable characters")
    return value


def owner(value: object, param: str) -> str | None:
    name = text(value, param)
    if name in OWNERS_RESERVED:
        raise _wrong(param, f"another name: {name!r} is taken by Liftgate itself")
    return name


def secret(value: object, param: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _SECRET.match(value) or len(value) < SHORTEST_SECRET:
        raise _wrong(
            param,
            f"a key that begins with 'sk-' and has {SHORTEST_SECRET} or more ASCII characters without white space",
        )
    if stand_in(value, {}, refers=False) is not None:
        raise _wrong(param, "the key itself, not a reference that was not filled in or a placeholder")
    return value


def texts(value: object, param: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise _wrong(param, f"an array of at most {MOST_ITEMS} texts")
    found = [text(each, f"{param}[{at}]") for at, each in enumerate(value)]
    if None in found:
        raise _wrong(param, "an array of texts")
    return tuple(dict.fromkeys(each for each in found if each is not None))


def routes(value: object, param: str) -> tuple[str, ...]:
    found = texts(value, param)
    for at, each in enumerate(found):
        if each not in GROUPS and not _ROUTE.match(each):
            raise _wrong(f"{param}[{at}]", f"a path such as '/v1/chat/completions', or one of {', '.join(GROUPS)}")
    return found


def key_type(value: object, param: str) -> str:
    if value is None:
        return "default"
    if not isinstance(value, str) or value not in TYPES:
        raise _wrong(param, f"one of {', '.join(TYPES)}")
    return value


def aliases(value: object, param: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_ITEMS:
        raise _wrong(param, f"an object of at most {MOST_ITEMS} names of models")
    found = {}
    for name, meant in value.items():
        where = f"{param}.{shortened(name)}"
        if text(name, where) is None or text(meant, where) is None:
            raise _wrong(where, "the name of a model")
        found[name] = meant
    return found


def metadata(value: object, param: str) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(param, "an object")
    # A value counts as 16 characters there, be it but one.
    if not _is_flat(value) or not fits(value, 16 * LONGEST_METADATA) or len(_encode(value)) > LONGEST_METADATA:
        raise _wrong(param, f"an object of at most {LONGEST_METADATA} bytes and {MOST_LEVELS} levels")
    return value


def _is_flat(value: JsonObject) -> bool:
    """Whether it has at most `MOST_LEVELS`, and none with more values than metadata has bytes."""
    level: list[object] = [value]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
        if len(level) > LONGEST_METADATA:
            return False
    return not any(isinstance(each, dict | list) for each in level)


def flag(value: object, param: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise _wrong(param, "true or false")
    return bool(value)


def life(value: object, param: str) -> float | None:
    """Seconds; None for no end, which LiteLLM also writes as -1."""
    return None if value in (None, "-1", "") else seconds_of(value, param)


def number(value: object, param: str) -> int | None:
    """LiteLLM takes digits in a text too, and what libraries write that know decimals only."""
    if value is None:
        return None
    value = as_whole(value)
    if isinstance(value, str) and _DIGITS.match(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_A_MINUTE:
        raise _wrong(param, f"a whole number from 0 to {MOST_A_MINUTE}")
    return value


def numbers(value: object, param: str) -> dict[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_MODELS:
        raise _wrong(param, f"an object of at most {MOST_MODELS} names of models with numbers")
    found = {}
    for name, amount in value.items():
        where = f"{param}.{shortened(name)}"
        if text(name, where) is None or (read := number(amount, where)) is None:
            raise _wrong(where, "a whole number")
        found[name] = read
    return found


def dollars(value: object, param: str) -> int | None:
    """In whole nano-dollars. LiteLLM takes a number in a text too."""
    if value is None:
        return None
    if isinstance(value, str) and _DECIMAL.match(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_DOLLARS:
        raise _wrong(param, f"US dollars from 0 to {MOST_DOLLARS:,}")
    return int(Decimal(str(value)) * NANO)


def duration(value: object, param: str) -> str | None:
    if value is None:
        return None
    read_duration(value, param)
    return str(value)


def budgets(value: object, param: str) -> tuple[Budget, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_BUDGETS:
        raise _wrong(param, f"an array of at most {MOST_BUDGETS} budgets")
    return tuple(_budget(each, f"{param}[{at}]") for at, each in enumerate(value))


def _budget(value: object, where: str) -> Budget:
    fields = {"budget_duration", "max_budget"}
    if not isinstance(value, dict) or value.keys() != fields:
        raise _wrong(where, "an object of budget_duration and max_budget")
    amount = dollars(value["max_budget"], f"{where}.max_budget")
    window = duration(value["budget_duration"], f"{where}.budget_duration")
    if amount is None or window is None:
        raise _wrong(where, "budget_duration and max_budget, and neither null")
    return Budget(amount, window)


def model_budgets(value: object, param: str) -> dict[str, Budget]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_MODELS:
        raise _wrong(param, f"an object of at most {MOST_MODELS} names of models with budgets")
    found = {}
    for name, budget in value.items():
        where = f"{param}.{shortened(name)}"
        if text(name, where) is None:
            raise _wrong(where, "the name of a model")
        found[name] = _model_budget(budget, where)
    return found


def _model_budget(value: object, where: str) -> Budget:
    """A number, or LiteLLM's object, whose fields have an older and a newer name."""
    window = None
    if isinstance(value, dict):
        names = ("max_budget", "budget_duration") if "max_budget" in value else ("budget_limit", "time_period")
        if not value.keys() <= set(names) or names[0] not in value:
            raise _wrong(where, "US dollars, or an object of budget_limit and time_period")
        window = duration(value.get(names[1]), f"{where}.{names[1]}")
        value, where = value[names[0]], f"{where}.{names[0]}"
    amount = dollars(value, where)
    if amount is None:
        raise _wrong(where, "US dollars")
    return Budget(amount, window)
