"""What was used and spent: `/liftgate/usage`, and LiteLLM's `/spend/…` in the forms that are asked for most.

The master key, and keys of the types management and read_only, see all owners; any other key sees its owner's own.
Money is US dollars. LiteLLM's answers have LiteLLM's names; a user there is an owner here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from liftgate.engine.usage import GROUPS, MOST_ROWS, Usage, Used
from liftgate.errors import InvalidRequest, MissingParameter, NotFound, let_go
from liftgate.json_types import JsonObject
from liftgate.records import UsageFilter
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.settings.sections import LOCAL, MASTER

SHOWN_DAYS = 30
DIGEST_LENGTH = 64
NO_ROWS = (
    "Liftgate keeps no row for each request: usage is summed by key, owner, model and day. Each request is a line of "
    "the access log, with its cost (`access_log: true`, `json_logs: true`)."
)


async def list_usage(request: Request) -> Response:
    query = request.query("key", "by", "start", "end", "key_id", "owner", "model")
    by = [name for name in query.get("by", ",".join(GROUPS)).split(",") if name]
    for name in by:
        if name not in GROUPS or by.count(name) > 1:
            raise InvalidRequest(f"'by' names some of {', '.join(GROUPS)}, once each.", param="by")
    since = _day(query, "start") or _usage(request).today() - timedelta(days=SHOWN_DAYS)
    wanted, seen = _wanted(request, query, since, _day(query, "end"), key=query.get("key_id"))
    usage = _usage(request)
    found = await usage.summed(by, wanted)
    return json_response(
        {
            "object": "list",
            "scope": seen or "all owners",
            "start": wanted.since,
            "by": by,
            "data": [{**each.names, **_key_name(each), **_counts(each)} for each in found[:MOST_ROWS]],
            "total": _counts(await usage.total(wanted)),
            "has_more": len(found) > MOST_ROWS,
        }
    )


async def spend_logs(request: Request) -> Response:
    """By day, as LiteLLM answers for a range of dates."""
    query = request.query("key", "start_date", "end_date", "api_key", "user_id", "summarize", "request_id")
    if query.get("request_id") or query.get("summarize", "true").lower() == "false":
        raise InvalidRequest(NO_ROWS, param="request_id" if query.get("request_id") else "summarize")
    since, until = _range(request, query)
    wanted, _ = _wanted(request, query, since, until, key=await _key_id(request, query), owner=query.get("user_id"))
    days: dict[str, JsonObject] = {}
    for each in await _usage(request).summed(("day", "owner", "model"), wanted):
        name = each.names
        day = days.setdefault(name["day"], {"startTime": name["day"], "spend": 0.0, "users": {}, "models": {}})
        for group, member in ((day["users"], name["owner"]), (day["models"], name["model"])):
            group[member] = _rounded(group.get(member, 0.0) + each.dollars)
        day["spend"] = _rounded(day["spend"] + each.dollars)
    return json_response(list(days.values()))


async def spend_keys(request: Request) -> Response:
    query = request.query("key", "limit")
    wanted, _ = _wanted(request, query)
    found = _dearest(await _usage(request).summed(("key", "owner"), wanted))
    limit = query.get("limit", str(MOST_ROWS))
    if not (limit.isascii() and limit.isdigit()):
        raise InvalidRequest("'limit' is a whole number.", param="limit")
    return json_response(
        [
            {
                "token": each.names["key"],
                "key_name": each.key_name,
                "key_alias": each.key_name,
                "user_id": each.names["owner"],
                "spend": each.dollars,
            }
            for each in found[: int(limit)]
        ]
    )


async def spend_users(request: Request) -> Response:
    query = request.query("key", "user_id")
    wanted, _ = _wanted(request, query, owner=query.get("user_id"))
    found = _dearest(await _usage(request).summed(("owner",), wanted))
    return json_response([{"user_id": each.names["owner"], "spend": each.dollars} for each in found])


async def global_spend(request: Request) -> Response:
    query = request.query("key")
    total = await _usage(request).total(_wanted(request, query)[0])
    return json_response({"spend": total.dollars, "max_budget": 0})


async def global_models(request: Request) -> Response:
    query = request.query("key", "limit")
    found = _dearest(await _usage(request).summed(("model",), _wanted(request, query)[0]))
    return json_response([{"model": each.names["model"], "total_spend": each.dollars} for each in found])


async def spend_report(request: Request) -> Response:
    query = request.query("key", "start_date", "end_date", "group_by", "api_key", "internal_user_id", "team_id")
    for name in ("start_date", "end_date"):
        if not query.get(name):
            raise MissingParameter(name)
    group_by = query.get("group_by", "team")
    owner = query.get("internal_user_id") or query.get("team_id")
    since, until = _day(query, "start_date"), _day(query, "end_date")
    wanted, _ = _wanted(request, query, since, until, key=await _key_id(request, query), owner=owner)
    if group_by == "team":
        return json_response(_by_team(await _usage(request).summed(("day", "owner", "model", "key"), wanted)))
    if group_by in ("api_key", "internal_user_id"):
        ours = "key" if group_by == "api_key" else "owner"
        return json_response(_by_name(await _usage(request).summed((ours, "model"), wanted), group_by, ours))
    raise InvalidRequest("'group_by' is team, api_key or internal_user_id here.", param="group_by")


async def daily_activity(request: Request) -> Response:
    query = request.query("key", "start_date", "end_date", "model", "api_key", "user_id", "page", "page_size")
    since, until = _range(request, query)
    wanted, _ = _wanted(request, query, since, until, key=await _key_id(request, query), owner=query.get("user_id"))
    days: dict[str, list[Used]] = {}
    for each in await _usage(request).summed(("day", "model", "key"), wanted):
        days.setdefault(each.names["day"], []).append(each)
    results = [
        {
            "date": day,
            "metrics": _activity(of_day),
            "breakdown": {
                "models": _parts(of_day, "model"),
                "api_keys": _parts(of_day, "key"),
                "providers": {"gemini": {"metrics": _activity(of_day), "metadata": {}}},
            },
        }
        for day, of_day in sorted(days.items(), reverse=True)
    ]
    sums = _activity([each for of_day in days.values() for each in of_day])
    total = {f"total_{name.removeprefix('total_')}": value for name, value in sums.items()}
    return json_response({"results": results, "metadata": {**total, "page": 1, "total_pages": 1, "has_more": False}})


# ── who sees what, from when ─────────────────────────────────────────────────────────────────────────────────────────


def _usage(request: Request) -> Usage:
    usage = request.gateway.usage
    if usage is None:
        raise InvalidRequest("This gateway does not count what is spent. `spend: true` in liftgate_settings does it.")
    return usage


def _wanted(
    request: Request,
    query: Mapping[str, str],
    since: date | None = None,
    until: date | None = None,
    *,
    key: str | None = None,
    owner: str | None = None,
) -> tuple[UsageFilter, str | None]:
    """With the only owner that the caller sees; None: all."""
    caller = request.caller
    sees_all = request.owner in (MASTER, LOCAL) or (caller.key is not None and caller.key.looks_at_all)
    only = None if sees_all else request.owner
    owner = owner or query.get("owner")
    if only is not None and owner not in (None, only):
        # Whether there is another owner of this name is not told.
        key, owner = "", only
    return UsageFilter(
        key=key,
        owner=owner if only is None else only,
        model=query.get("model"),
        since=None if since is None else since.isoformat(),
        until=None if until is None else until.isoformat(),
    ), only


async def _key_id(request: Request, query: Mapping[str, str]) -> str | None:
    """Of `api_key`: LiteLLM's scripts name a key by its secret or its digest, too."""
    named = query.get("api_key")
    if named is None or not (named.startswith("sk-") or len(named) == DIGEST_LENGTH):
        return named
    try:
        return (await request.gateway.keyring.find(named)).id
    except NotFound as error:
        let_go(error)
        return named


def _range(request: Request, query: Mapping[str, str]) -> tuple[date, date | None]:
    since = _day(query, "start_date") or _usage(request).today() - timedelta(days=SHOWN_DAYS)
    return since, _day(query, "end_date")


def _day(query: Mapping[str, str], name: str) -> date | None:
    """LiteLLM's clients write a time behind it too."""
    value = query.get(name)
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise InvalidRequest(f"'{name}' is a day such as 2026-11-28.", param=name) from None


# ── how it is told ───────────────────────────────────────────────────────────────────────────────────────────────────


def _key_name(used: Used) -> dict[str, str]:
    return {"key_name": used.key_name} if "key" in used.names else {}


def _counts(used: Used) -> JsonObject:
    return {
        **{name: count for name, count in used.counts.items() if name != "nano_usd"},
        "total_tokens": used.tokens,
        "cost": used.dollars,
    }


def _dearest(found: Sequence[Used]) -> list[Used]:
    return sorted(found, key=lambda each: -each.counts["nano_usd"])


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


def _activity(found: Sequence[Used]) -> JsonObject:
    def of(name: str) -> int:
        return sum(each.counts[name] for each in found)

    return {
        "spend": of("nano_usd") / 1e9,
        "prompt_tokens": of("input_tokens"),
        "completion_tokens": of("output_tokens") + of("reasoning_tokens"),
        "cache_read_input_tokens": of("cached_tokens"),
        "cache_creation_input_tokens": 0,
        "total_tokens": sum(each.tokens for each in found),
        "successful_requests": of("requests") - of("failed"),
        "failed_requests": of("failed"),
        "api_requests": of("requests"),
    }


def _parts(found: Sequence[Used], by: str) -> JsonObject:
    groups: dict[str, list[Used]] = {}
    for each in found:
        groups.setdefault(each.names[by], []).append(each)
    return {
        name: {"metrics": _activity(members), "metadata": {"key_alias": members[0].key_name} if by == "key" else {}}
        for name, members in groups.items()
    }
