"""What was used and spent: `/liftgate/usage`, and LiteLLM's `/spend/…` in the forms that are asked for most.

The master key, and keys of the types management and read_only, see all owners; any other key sees its owner's own.
Money is US dollars. LiteLLM's answers have LiteLLM's names; a user there is an owner here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from liftgate.engine.usage import GROUPS, MOST_ROWS, Used
from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.json_types import JsonObject
from liftgate.keys.spending import shown_budget
from liftgate.server.page_tokens import token_of, words_of
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.server.usage_asked import (
    all_sums,
    days_asked,
    dearest,
    named_key,
    report_spent,
    usage_of,
    wanted_usage,
)
from liftgate.whole_numbers import whole_number

NO_ROWS = (
    "Liftgate keeps no row for each request: usage is summed by key, owner, model and day. Each request is a line of "
    "the access log, with its cost (`access_log: true`, `json_logs: true`)."
)


async def list_usage(request: Request) -> Response:
    query = request.query("key", "by", "start", "end", "key_id", "owner", "model", "limit", "after")
    by = [name for name in query.get("by", ",".join(GROUPS)).split(",") if name]
    for name in by:
        if name not in GROUPS or by.count(name) > 1:
            raise InvalidRequest(f"'by' names some of {', '.join(GROUPS)}, once each.", param="by")
    since, until = days_asked(request, query, "start", "end")
    wanted, seen = wanted_usage(request, query, since, until, key=query.get("key_id"))
    usage = usage_of(request)
    limit = whole_number(query.get("limit", str(MOST_ROWS)))
    if limit is None or not 1 <= limit <= MOST_ROWS:
        raise InvalidRequest(f"'limit' is a whole number from 1 to {MOST_ROWS:,}.", param="limit")
    found = await usage.summed(by, wanted, limit=limit, after=_after(query, by))
    has_more = len(found) > limit
    return json_response(
        {
            "object": "list",
            "scope": seen or "all owners",
            "start": wanted.since,
            "by": by,
            "data": [{**each.names, **_key_name(each), **_counts(each)} for each in found[:limit]],
            "total": _counts(await usage.total(wanted)),
            "has_more": has_more,
            "next": _token(found[limit - 1], by) if has_more else None,
        }
    )


def _token(last: Used, by: Sequence[str]) -> str:
    """What `after` of the next page is: the names of the last sum."""
    return token_of(msgspec.json.encode([last.names[name] for name in by]))


def _after(query: Mapping[str, str], by: Sequence[str]) -> list[str]:
    given = query.get("after")
    if not given:
        return []
    try:
        names = msgspec.json.decode(words_of(given), type=list[str])
    except (ValueError, msgspec.MsgspecError):
        names = []
    if not by or len(names) != len(by):
        raise InvalidRequest("'after' is the `next` of a page with the same `by`.", param="after")
    return names


async def spend_logs(request: Request) -> Response:
    """By day, as LiteLLM answers for a range of dates."""
    query = request.query("key", "start_date", "end_date", "api_key", "user_id", "summarize", "request_id")
    if query.get("request_id") or query.get("summarize", "true").lower() == "false":
        raise InvalidRequest(NO_ROWS, param="request_id" if query.get("request_id") else "summarize")
    since, until = days_asked(request, query)
    wanted, _ = wanted_usage(
        request, query, since, until, key=await named_key(request, query), owner=query.get("user_id")
    )
    days: dict[str, JsonObject] = {}
    for each in await all_sums(request, ("day", "owner", "model"), wanted):
        name = each.names
        day = days.setdefault(name["day"], {"startTime": name["day"], "spend": 0.0, "users": {}, "models": {}})
        for group, member in ((day["users"], name["owner"]), (day["models"], name["model"])):
            group[member] = _rounded(group.get(member, 0.0) + each.dollars)
        day["spend"] = _rounded(day["spend"] + each.dollars)
    return json_response(list(days.values()))


async def spend_keys(request: Request) -> Response:
    query = request.query("key", "limit")
    wanted, _ = wanted_usage(request, query)
    found = await dearest(request, ("key", "owner"), wanted, query)
    return json_response(
        [
            {
                "token": each.names["key"],
                "key_name": each.key_name,
                "key_alias": each.key_name,
                "user_id": each.names["owner"],
                "spend": each.dollars,
            }
            for each in found
        ]
    )


async def spend_users(request: Request) -> Response:
    query = request.query("key", "user_id")
    wanted, _ = wanted_usage(request, query, owner=query.get("user_id"))
    found = await dearest(request, ("owner",), wanted)
    return json_response([{"user_id": each.names["owner"], "spend": each.dollars} for each in found])


async def global_spend(request: Request) -> Response:
    """With the gateway's budgets, for those who see all: theirs is the spend of their windows."""
    wanted, seen = wanted_usage(request, request.query("key"))
    await report_spent(request)
    budgets = [] if seen else [shown_budget(each) for each in await request.gateway.budget.read()]
    if request.gateway.usage is None and budgets:
        spend = budgets[0]["spend"]
    else:
        spend = (await usage_of(request).total(wanted)).dollars
    first = budgets[0] if budgets else {"max_budget": 0, "budget_duration": None, "budget_reset_at": None}
    limit = {name: first[name] for name in ("max_budget", "budget_duration", "budget_reset_at")}
    return json_response({"spend": spend, **limit, "budgets": budgets})


async def global_models(request: Request) -> Response:
    query = request.query("key", "limit")
    found = await dearest(request, ("model",), wanted_usage(request, query)[0], query)
    return json_response([{"model": each.names["model"], "total_spend": each.dollars} for each in found])


async def global_keys(request: Request) -> Response:
    """Of the last 30 days by default, as LiteLLM has it."""
    query = request.query("key", "limit", "start_date", "end_date")
    wanted, _ = wanted_usage(request, query, *days_asked(request, query))
    return json_response(
        [
            {
                "api_key": each.names["key"],
                "key_alias": each.key_name,
                "key_name": each.key_name,
                "total_spend": each.dollars,
            }
            for each in await dearest(request, ("key",), wanted, query)
        ]
    )


async def global_teams(request: Request) -> Response:
    """Of the last 30 days by default, as LiteLLM has it; not rounded to cents."""
    query = request.query("key", "start_date", "end_date")
    wanted, _ = wanted_usage(request, query, *days_asked(request, query))
    teams = await dearest(request, ("owner",), wanted)
    days: dict[str, dict[str, float]] = {}
    for each in await all_sums(request, ("day", "owner"), wanted):
        days.setdefault(each.names["day"], {})[each.names["owner"]] = each.dollars
    return json_response(
        {
            "daily_spend": [{**spent, "date": day} for day, spent in days.items()],
            "teams": [each.names["owner"] for each in teams],
            "total_spend_per_team": [{"team_id": each.names["owner"], "total_spend": each.dollars} for each in teams],
        }
    )


async def spend_report(request: Request) -> Response:
    query = request.query("key", "start_date", "end_date", "group_by", "api_key", "internal_user_id", "team_id")
    for name in ("start_date", "end_date"):
        if not query.get(name):
            raise MissingParameter(name)
    group_by = query.get("group_by", "team")
    owner = query.get("internal_user_id") or query.get("team_id")
    since, until = days_asked(request, query)
    wanted, _ = wanted_usage(request, query, since, until, key=await named_key(request, query), owner=owner)
    if group_by == "team":
        return json_response(_by_team(await all_sums(request, ("day", "owner", "model", "key"), wanted)))
    if group_by in ("api_key", "internal_user_id"):
        ours = "key" if group_by == "api_key" else "owner"
        return json_response(_by_name(await all_sums(request, (ours, "model"), wanted), group_by, ours))
    raise InvalidRequest("'group_by' is team, api_key or internal_user_id here.", param="group_by")


# ── how it is shown ───────────────────────────────────────────────────────────────────────────────────────────────────


def _key_name(used: Used) -> dict[str, str]:
    return {"key_name": used.key_name} if "key" in used.names else {}


def _counts(used: Used) -> JsonObject:
    return {
        **{name: count for name, count in used.counts.items() if name != "nano_usd"},
        "total_tokens": used.tokens,
        "cost": used.dollars,
    }


def _rounded(dollars: float) -> float:
    """Sums of floats, in whole nano-dollars."""
    return round(dollars, 9)


def _by_team(found: Iterable[Used]) -> list[JsonObject]:
    days: dict[str, dict[str, JsonObject]] = {}
    for each in found:
        names = each.names
        teams = days.setdefault(names["day"], {})
        team = teams.setdefault(names["owner"], {"team_name": names["owner"], "total_spend": 0.0, "metadata": []})
        team["total_spend"] = _rounded(team["total_spend"] + each.dollars)
        team["metadata"].append(
            {
                "model": names["model"],
                "spend": each.dollars,
                "total_tokens": each.tokens,
                "api_key": names["key"],
            }
        )
    return [{"group_by_day": day, "teams": list(teams.values())} for day, teams in sorted(days.items())]


def _by_name(found: Iterable[Used], theirs: str, ours: str) -> list[JsonObject]:
    groups: dict[str, JsonObject] = {}
    for each in found:
        sums = {
            "total_cost": each.dollars,
            "total_input_tokens": each.counts["input_tokens"],
            "total_output_tokens": each.counts["output_tokens"] + each.counts["reasoning_tokens"],
        }
        name = each.names[ours]
        group = groups.setdefault(name, {theirs: name, **dict.fromkeys(sums, 0), "model_details": []})
        for sum_name, value in sums.items():
            group[sum_name] = _rounded(group[sum_name] + value)
        group["model_details"].append({"model": each.names["model"], **sums})
    return list(groups.values())
