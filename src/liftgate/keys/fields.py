"""What becomes of every field of LiteLLM's key routes: it acts, is refused by name, or ignored for a stated reason.

`read_fields` acts on these rows, and the table of docs/keys.md is printed from them. A field that is refused or
ignored may be null, empty, 0 or false: then it asks for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from liftgate.errors import InvalidRequest, UnknownParameter, shortened
from liftgate.json_types import JsonMapping
from liftgate.keys import values
from liftgate.keys.terms import Terms
from liftgate.settings.spelling import hint

Reader = Callable[[object, str], Any]
Fields = dict[str, Any]
"""By LiteLLM's names, as the readers give them; only those that were sent."""


@dataclass(frozen=True, slots=True)
class Row:
    field: str
    fate: Literal["acts", "refused", "ignored"]
    note: str
    reader: Reader | None = None


ROWS: tuple[Row, ...] = (
    Row("key", "acts", "a secret of one's own, `sk-…` of 16 or more characters; by default one is made", values.secret),
    Row("key_alias", "acts", "a name for lists and logs; each is one key's", values.text),
    Row(
        "duration",
        "acts",
        "how long it is good: `30s`, `30m`, `30h`, `30d`, `1w`, `1mo` (30 days); `-1`: for ever",
        values.life,
    ),
    Row("user_id", "acts", "the owner: its files, shared with the owner's other keys", values.owner),
    Row("team_id", "acts", "the owner where there is no `user_id`", values.owner),
    Row(
        "models", "acts", "public names and patterns (`gemini-flash-*`) that may be asked; none means all", values.texts
    ),
    Row("aliases", "acts", "name that the caller writes → model that is asked", values.aliases),
    Row(
        "key_type",
        "acts",
        "`default` and `llm_api`: models and files; `management`: keys; `read_only`: looks at all",
        values.key_type,
    ),
    Row("allowed_routes", "acts", "paths, patterns and groups; they narrow what the type opens", values.routes),
    Row("blocked", "acts", "refuses the key while it is true", values.flag),
    Row("metadata", "acts", "kept and shown; an object of at most 16 KiB and 64 levels", values.metadata),
    Row("tags", "acts", "kept and shown", values.texts),
    Row("rpm_limit", "acts", "requests to models in any 60 seconds", values.number),
    Row("tpm_limit", "acts", "tokens in any 60 seconds, in and out", values.number),
    Row("max_parallel_requests", "acts", "requests to models at one time", values.number),
    Row("model_rpm_limit", "acts", "model → requests in any 60 seconds", values.numbers),
    Row("model_tpm_limit", "acts", "model → tokens in any 60 seconds", values.numbers),
    Row("max_budget", "acts", "US dollars, in all or in each window of `budget_duration`", values.dollars),
    Row(
        "budget_duration",
        "acts",
        "`1d` (from midnight), `1w` (Monday), `1mo` (the first), `30d`, `12h` …",
        values.duration,
    ),
    Row("budget_limits", "acts", "further budgets: an array of `{budget_duration, max_budget}`", values.budgets),
    Row(
        "model_max_budget",
        "acts",
        "model → US dollars, or `{budget_limit, time_period}` (also `{max_budget, budget_duration}`)",
        values.model_budgets,
    ),
    Row(
        "soft_budget",
        "acts",
        "US dollars; once they are spent, the log names the key, and nothing is refused",
        values.dollars,
    ),
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
            ("budget_fallbacks", "a request is refused, never answered by another model"),
            ("temp_budget_increase", "raise `max_budget`, and lower it again"),
            ("temp_budget_expiry", "raise `max_budget`, and lower it again"),
            ("throttle_on_budget_exceeded", "a request beyond the budget is refused"),
            ("tpd_limit", "limits are of a minute; a `1d` budget limits a day"),
            ("rpm_limit_type", "limits are exact, and reserve nothing"),
            ("tpm_limit_type", "limits are exact, and reserve nothing"),
        )
    ),
)
IN_METADATA = ("model_rpm_limit", "model_tpm_limit")
BY_FIELD: Mapping[str, Row] = {row.field: row for row in ROWS}


def read_fields(body: JsonMapping, *others: str, rows: Mapping[str, Row] = BY_FIELD, whose: str = "a key") -> Fields:
    """The fields of a body that act, read. `others`: names that the route itself reads. Raises InvalidRequest."""
    found: Fields = {}
    for name, value in body.items():
        if name in others:
            continue
        row = rows.get(name)
        if row is None:
            raise UnknownParameter(name, hint(shortened(name), rows))
        if row.reader is not None:
            found[name] = row.reader(value, name)
        elif row.fate == "refused" and value not in (None, False, 0, "", [], {}):
            raise InvalidRequest(
                f"Unsupported parameter: '{name}' of {whose}: {row.note}.", param=name, code="unsupported_parameter"
            )
    for name in IN_METADATA:
        # Where LiteLLM's older scripts write it, and mean a limit.
        if name in (noted := found.get("metadata") or {}) and name not in found:
            found[name] = values.numbers(noted[name], f"metadata.{name}")
    return found


def following_metadata(fields: Fields, before: Terms) -> Fields:
    """What `fields` change of `before`: a limit that stood in metadata goes with it."""
    noted = before.metadata if "metadata" in fields else {}
    gone = [
        name
        for name in IN_METADATA
        if name in noted and name not in fields and values.numbers(noted[name], name) == getattr(before, name)
    ]
    return {**fields, **{name: {} for name in gone}}


_LIMITS = (
    *("metadata", "rpm_limit", "tpm_limit", "max_parallel_requests", "model_rpm_limit", "model_tpm_limit"),
    *("max_budget", "budget_duration", "budget_limits", "model_max_budget", "soft_budget"),
)
_OWN = frozenset({"models", "aliases", "allowed_routes", "tags", "blocked", "duration", "permissions"})
OWNER_ROWS: tuple[Row, ...] = (
    *(BY_FIELD[name] for name in _LIMITS),
    *(
        Row(name, "ignored", note)
        for name, note in (
            ("user_email", "Liftgate sends no mail"),
            ("user_role", "`key_type` of a key says what it may"),
            ("sso_user_id", "people sign in with keys, not as owners"),
            ("send_invite_email", "Liftgate sends no mail"),
            ("spend", "what was spent is counted, not set"),
            ("members_with_roles", "a team is one owner; give its keys its `team_id`"),
            ("admins", "a team is one owner; give its keys its `team_id`"),
            ("members", "a team is one owner; give its keys its `team_id`"),
        )
    ),
    *(Row(name, "refused", "keys have it; an owner has limits") for name in sorted(_OWN)),
    *(Row(name, "refused", "a key may name a `user_id` and a `team_id`") for name in ("teams", "team_member_budget")),
    *(row for row in ROWS if row.fate == "refused" and row.field not in _OWN),
)
BY_OWNER_FIELD: Mapping[str, Row] = {row.field: row for row in OWNER_ROWS}


def fates(rows: Sequence[Row] = ROWS) -> str:
    """The tables of docs/keys.md."""
    lines = [f"| `{row.field}` | {row.fate} | {row.note} |\n" for row in rows]
    return "| field | fate | |\n|---|---|---|\n" + "".join(lines)
