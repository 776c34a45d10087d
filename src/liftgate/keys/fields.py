"""What becomes of every field of LiteLLM's key routes: it acts, is refused by name, or ignored for a stated reason.

`read_fields` acts on these rows, and the table of docs/keys.md is printed from them. A field that is refused or
ignored may be null, empty, 0 or false: then it asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

from liftgate.errors import InvalidRequest, shortened
from liftgate.keys.durations import read_duration, seconds_of
from liftgate.keys.key import GROUPS, TYPES
from liftgate.keys.limits import NANO
from liftgate.keys.terms import Budget
from liftgate.settings.spelling import hint

Reader = Callable[[object, str], Any]
Fields = dict[str, Any]
"""By LiteLLM's names, as the readers give them; only those that were sent."""

LONGEST_TEXT = 256
MOST_ITEMS = 1000
LONGEST_METADATA = 16 * 1024
"""Bytes of its JSON."""
SHORTEST_SECRET = 16
MOST_A_MINUTE = 10**12
MOST_DOLLARS = 10**8
MOST_BUDGETS = 8
MOST_MODELS = 100
OWNERS_RESERVED = ("master", "local")
_SECRET = re.compile(r"sk-[!-~]{1,253}\Z", re.ASCII)
_ROUTE = re.compile(r"/[!-~]{0,255}\Z", re.ASCII)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Row:
    field: str
    fate: Literal["acts", "refused", "ignored"]
    note: str
    reader: Reader | None = None


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
    if value not in TYPES:
        raise _wrong(param, f"one of {', '.join(TYPES)}")
    return str(value)


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


def metadata(value: object, param: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(param, "an object")
    if len(_encode(value)) > LONGEST_METADATA:
        raise _wrong(param, f"an object of at most {LONGEST_METADATA} bytes")
    return value


def flag(value: object, param: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise _wrong(param, "true or false")
    return bool(value)


def life(value: object, param: str) -> float | None:
    """Seconds; None for no end, which LiteLLM also writes as -1."""
    return None if value in (None, "-1", "") else seconds_of(value, param)


def number(value: object, param: str) -> int | None:
    if value is None:
        return None
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
    """In whole nano-dollars."""
    if value is None:
        return None
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


ROWS: tuple[Row, ...] = (
    Row("key", "acts", "a secret of one's own, `sk-…` of 16 or more characters; by default one is made", secret),
    Row("key_alias", "acts", "a name for lists and logs; each is one key's", text),
    Row(
        "duration",
        "acts",
        "how long it is good: `30s`, `30m`, `30h`, `30d`, `1w`, `1mo` (30 days); `-1`: for ever",
        life,
    ),
    Row("user_id", "acts", "the owner: its files, shared with the owner's other keys", owner),
    Row("team_id", "acts", "the owner where there is no `user_id`", owner),
    Row("models", "acts", "public names and patterns (`gemini-2.5-*`) that may be asked; none means all", texts),
    Row("aliases", "acts", "name that the caller writes → model that is asked", aliases),
    Row(
        "key_type",
        "acts",
        "`default` and `llm_api`: models and files; `management`: keys; `read_only`: looks at all",
        key_type,
    ),
    Row("allowed_routes", "acts", "paths, patterns and groups; they narrow what the type opens", routes),
    Row("blocked", "acts", "refuses the key while it is true", flag),
    Row("metadata", "acts", "kept and shown; an object of at most 16 KiB", metadata),
    Row("tags", "acts", "kept and shown", texts),
    Row("rpm_limit", "acts", "requests to models in any 60 seconds", number),
    Row("tpm_limit", "acts", "tokens in any 60 seconds, in and out", number),
    Row("max_parallel_requests", "acts", "requests to models at one time", number),
    Row("model_rpm_limit", "acts", "model → requests in any 60 seconds", numbers),
    Row("model_tpm_limit", "acts", "model → tokens in any 60 seconds", numbers),
    Row("max_budget", "acts", "US dollars, in all or in each window of `budget_duration`", dollars),
    Row("budget_duration", "acts", "`1d` (from midnight), `1w` (Monday), `1mo` (the first), `30d`, `12h` …", duration),
    Row("budget_limits", "acts", "further budgets: an array of `{budget_duration, max_budget}`", budgets),
    Row("soft_budget", "acts", "US dollars from which on the key is told of in the log; nothing is refused", dollars),
    *(
        Row(name, "ignored", note)
        for name, note in (
            ("config", "LiteLLM itself no longer reads it"),
            ("spend", "what was spent is counted, not set"),
            ("send_invite_email", "Liftgate sends no mail"),
            ("soft_budget_cooldown", "LiteLLM has no use for it either"),
        )
    ),
    *(
        Row(name, "refused", note)
        for name, note in (
            ("guardrails", "Liftgate has no guardrails"),
            ("disable_global_guardrails", "Liftgate has no guardrails"),
            ("policies", "Liftgate has no policies"),
            ("prompts", "Liftgate keeps no prompts"),
            ("enforced_params", "a caller's request is never changed"),
            ("permissions", "`allowed_routes` and `models` say what a key may"),
            ("object_permission", "there are no MCP servers and vector stores here"),
            ("allowed_passthrough_routes", "there are no such routes here; `allowed_routes` names paths"),
            ("allowed_vector_store_indexes", "there are no vector stores here"),
            ("allowed_cache_controls", "a caller's request is never changed"),
            ("router_settings", "routing is the config's"),
            ("organization_id", "owners have no organizations"),
            ("project_id", "owners have no projects"),
            ("agent_id", "there are no agents here"),
            ("access_group_ids", "write the models into `models`"),
            ("budget_id", "write the budget into the key itself"),
            ("auto_rotate", "regenerate the key, with a `grace_period`"),
            ("rotation_interval", "regenerate the key, with a `grace_period`"),
            ("model_max_budget", "a budget is for all models of a key; limit what it may ask with `models`"),
            ("budget_fallbacks", "a request is refused, never answered by another model"),
            ("temp_budget_increase", "raise `max_budget`, and lower it again"),
            ("temp_budget_expiry", "raise `max_budget`, and lower it again"),
            ("throttle_on_budget_exceeded", "a request beyond the budget is refused"),
            ("tpd_limit", "limits are of a minute; a `1d` budget limits a day"),
            ("rpm_limit_type", "limits are exact, and guaranteed to nobody"),
            ("tpm_limit_type", "limits are exact, and guaranteed to nobody"),
        )
    ),
)
BY_FIELD: Mapping[str, Row] = {row.field: row for row in ROWS}


def read_fields(body: Mapping[str, Any], *others: str) -> Fields:
    """The fields of a body that act, read. `others`: names that the route itself reads. Raises InvalidRequest."""
    found: Fields = {}
    for name, value in body.items():
        if name in others:
            continue
        row = BY_FIELD.get(name)
        if row is None:
            raise InvalidRequest(
                f"Unknown parameter: '{shortened(name)}'.{hint(shortened(name), BY_FIELD)}",
                param=name,
                code="unknown_parameter",
            )
        if row.reader is not None:
            found[name] = row.reader(value, name)
        elif row.fate == "refused" and value not in (None, False, 0, "", [], {}):
            raise InvalidRequest(
                f"Unsupported parameter: '{name}' of a key: {row.note}.", param=name, code="unsupported_parameter"
            )
    return found


def fates() -> str:
    """The table of docs/keys.md."""
    lines = [f"| `{row.field}` | {row.fate} | {row.note} |\n" for row in ROWS]
    return "| field | fate | |\n|---|---|---|\n" + "".join(lines)
