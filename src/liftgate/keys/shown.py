"""A key, and an owner, as LiteLLM's routes show them. Never a secret: that is added by the call that made it."""

from __future__ import annotations

from datetime import UTC, datetime

from liftgate.json_types import JsonObject
from liftgate.keys.limits import NANO
from liftgate.keys.terms import Terms, read_terms
from liftgate.records import KeyRecord, OwnerLimits


def shown_key(record: KeyRecord) -> JsonObject:
    """By LiteLLM's names; times as ISO 8601 in UTC. `id` and `owner` are ours."""
    terms = read_terms(record.terms)
    return {
        "token": record.token,
        "id": record.id,
        "key_name": record.hint,
        "key_alias": record.alias,
        "owner": record.owner,
        "user_id": terms.user_id,
        "team_id": terms.team_id,
        "models": list(terms.models),
        "aliases": terms.aliases,
        "key_type": terms.key_type,
        "allowed_routes": list(terms.allowed_routes),
        **_limits(terms),
        "metadata": terms.metadata,
        "tags": list(terms.tags),
        "blocked": bool(record.blocked),
        "expires": iso(record.expires_at),
        "created_at": iso(record.created_at),
        "updated_at": iso(record.updated_at),
        "created_by": terms.made_by,
    }


def shown_owner(record: OwnerLimits) -> JsonObject:
    """`id` and `owner` are ours."""
    terms = read_terms(record.terms)
    return {
        "id": record.id,
        "owner": record.owner,
        "alias": record.alias,
        **_limits(terms),
        "metadata": terms.metadata,
        "created_at": iso(record.created_at),
        "updated_at": iso(record.updated_at),
        "created_by": terms.made_by,
    }


def _limits(terms: Terms) -> JsonObject:
    return {
        "rpm_limit": terms.rpm_limit,
        "tpm_limit": terms.tpm_limit,
        "max_parallel_requests": terms.max_parallel_requests,
        "model_rpm_limit": terms.model_rpm_limit,
        "model_tpm_limit": terms.model_tpm_limit,
        "max_budget": in_dollars(terms.max_budget),
        "soft_budget": in_dollars(terms.soft_budget),
        "budget_duration": terms.budget_duration,
        "budget_limits": [
            {"budget_duration": each.duration, "max_budget": in_dollars(each.amount)} for each in terms.budget_limits
        ],
        "model_max_budget": {
            model: {"budget_limit": in_dollars(each.amount), "time_period": each.duration}
            for model, each in terms.model_max_budget.items()
        },
    }


def made_key(shown: JsonObject, secret: str) -> JsonObject:
    """What the call answers that made the secret: the only place where it is shown. `shown`: the key."""
    return {"key": secret, "token_id": shown["token"], **shown}


def in_dollars(nanos: int | None) -> float | None:
    return None if nanos is None else nanos / NANO


def iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
