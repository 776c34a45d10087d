"""LiteLLM's activity by day: tokens, requests and spend, by model, key and owner. Days are in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from liftgate.engine.usage import Used
from liftgate.json_types import JsonObject
from liftgate.server.handlers.keys import page_number
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.server.usage_asked import all_sums, days_asked, named_key, wanted_usage

BY_DAY = ("start_date", "end_date")
LAST_PAGE, LARGEST_PAGE = 10**6, 1000


async def user_activity(request: Request) -> Response:
    query = request.query("key", *BY_DAY, "model", "api_key", "user_id", "page", "page_size")
    since, until = days_asked(request, query)
    key = await named_key(request, query)
    wanted, _ = wanted_usage(request, query, since, until, key=key, owner=query.get("user_id"))
    return _by_day(await all_sums(request, ("day", "owner", "model", "key"), wanted), _page(query))


async def team_activity(request: Request) -> Response:
    """`team_ids`, `exclude_team_ids`: owners, with commas between them."""
    query = request.query("key", *BY_DAY, "model", "api_key", "team_ids", "exclude_team_ids", "page", "page_size")
    since, until = days_asked(request, query)
    teams, left_out = (
        {each.strip() for each in query.get(name, "").split(",")} - {""} for name in ("team_ids", "exclude_team_ids")
    )
    only = next(iter(teams)) if len(teams) == 1 else None
    wanted, _ = wanted_usage(request, query, since, until, key=await named_key(request, query), owner=only)
    found = await all_sums(request, ("day", "owner", "model", "key"), wanted)
    return _by_day(
        [each for each in found if each.names["owner"] not in left_out and (not teams or each.names["owner"] in teams)],
        _page(query),
    )


async def global_activity(request: Request) -> Response:
    query = request.query("key", *BY_DAY)
    wanted, _ = wanted_usage(request, query, *days_asked(request, query))
    return json_response(_requests(await all_sums(request, ("day",), wanted)))


async def model_activity(request: Request) -> Response:
    """The models that were asked most come first."""
    query = request.query("key", *BY_DAY)
    wanted, _ = wanted_usage(request, query, *days_asked(request, query))
    models = _grouped(await all_sums(request, ("day", "model"), wanted), "model")
    shown = [{"model": model, **_requests(of_model)} for model, of_model in models.items()]
    return json_response(sorted(shown, key=lambda each: -each["sum_api_requests"]))


def _requests(found: Sequence[Used]) -> JsonObject:
    """`date` is written as LiteLLM does, without the year; in the order of the days."""
    return {
        "daily_data": [
            {
                "date": date.fromisoformat(each.names["day"]).strftime("%b %d"),
                "api_requests": each.counts["requests"],
                "total_tokens": each.tokens,
            }
            for each in found
        ],
        "sum_api_requests": sum(each.counts["requests"] for each in found),
        "sum_total_tokens": sum(each.tokens for each in found),
    }


def _page(query: Mapping[str, str]) -> int:
    page_number(query, "page_size", LARGEST_PAGE, LARGEST_PAGE)
    return page_number(query, "page", 1, LAST_PAGE)


def _by_day(found: Sequence[Used], page: int) -> Response:
    """All days are the first page: who goes on asks for nothing twice."""
    found = found if page == 1 else ()
    results = [
        {
            "date": day,
            "metrics": _activity(of_day),
            "breakdown": {
                "models": {
                    model: {"metrics": _activity(of_model), "metadata": {}}
                    for model, of_model in _grouped(of_day, "model").items()
                },
                "api_keys": _keys(of_day),
                "providers": {"gemini": {"metrics": _activity(of_day), "metadata": {}}},
                "entities": {
                    owner: {
                        "metrics": _activity(of_owner),
                        "metadata": {"team_alias": owner},
                        "api_key_breakdown": _keys(of_owner),
                    }
                    for owner, of_owner in _grouped(of_day, "owner").items()
                },
            },
        }
        for day, of_day in sorted(_grouped(found, "day").items(), reverse=True)
    ]
    total = {f"total_{name.removeprefix('total_')}": value for name, value in _activity(found).items()}
    return json_response({"results": results, "metadata": {**total, "page": page, "total_pages": 1, "has_more": False}})


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


def _keys(found: Sequence[Used]) -> JsonObject:
    return {
        key: {"metrics": _activity(of_key), "metadata": {"key_alias": of_key[0].key_name}}
        for key, of_key in _grouped(found, "key").items()
    }


def _grouped(found: Sequence[Used], by: str) -> dict[str, list[Used]]:
    groups: dict[str, list[Used]] = {}
    for each in found:
        groups.setdefault(each.names[by], []).append(each)
    return groups
