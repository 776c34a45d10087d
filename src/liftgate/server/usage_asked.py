"""What of the usage a request asks for, and may see: shared by `/liftgate/usage` and LiteLLM's routes of spend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from liftgate.engine.usage import MOST_ROWS, Usage, Used
from liftgate.errors import InvalidRequest, NotFound, let_go
from liftgate.records import UsageFilter
from liftgate.server.request import Request
from liftgate.whole_numbers import whole_number

SHOWN_DAYS = 30
NO_QUERY: Mapping[str, str] = MappingProxyType({})
DIGEST_LENGTH = 64
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?\Z", re.ASCII)
"""LiteLLM's clients write a time behind it too."""


async def report_spent(request: Request) -> None:
    """What is shown next of money has all that this process has spent, as far as the catalogue takes writes."""
    gateway = request.gateway
    await gateway.admission.report_spent()
    if gateway.usage is not None:
        await gateway.usage.report_spent()


def usage_of(request: Request) -> Usage:
    usage = request.gateway.usage
    if usage is None:
        raise InvalidRequest("This gateway does not count what is spent. `spend: true` in liftgate_settings does it.")
    return usage


def wanted_usage(
    request: Request,
    query: Mapping[str, str],
    since: date | None = None,
    until: date | None = None,
    *,
    key: str | None = None,
    owner: str | None = None,
) -> tuple[UsageFilter, str | None]:
    """With the only owner that the caller sees; None: all."""
    only = None if request.caller.sees_all_owners else request.owner
    owner = owner or query.get("owner")
    if only is not None and owner not in (None, only):
        # Whether there is another owner of this name stays hidden.
        key, owner = "", only
    return UsageFilter(
        key=key,
        owner=owner if only is None else only,
        model=query.get("model"),
        since=None if since is None else since.isoformat(),
        until=None if until is None else until.isoformat(),
    ), only


async def named_key(request: Request, query: Mapping[str, str]) -> str | None:
    """Of `api_key`: LiteLLM's scripts name a key by its secret or its digest, too."""
    named = query.get("api_key")
    if named is None or not (named.startswith("sk-") or len(named) == DIGEST_LENGTH):
        return named
    try:
        return (await request.gateway.keyring.find(named)).id
    except NotFound as error:
        let_go(error)
        return named


async def all_sums(request: Request, by: Sequence[str], wanted: UsageFilter) -> list[Used]:
    """All of it: sums of a part would be taken for the whole. Raises InvalidRequest where it is too much."""
    found = await usage_of(request).summed(by, wanted)
    if len(found) > MOST_ROWS:
        raise InvalidRequest(
            f"These days have more than {MOST_ROWS:,} sums by {', '.join(by)}: ask for fewer of them, or for the pages "
            f"of /liftgate/usage?by={','.join(by)}.",
            param="start_date",
        )
    return found


async def dearest(
    request: Request, by: Sequence[str], wanted: UsageFilter, query: Mapping[str, str] = NO_QUERY
) -> list[Used]:
    """What cost most, first; as many as `limit` of the query says. Raises InvalidRequest where that says nothing, and
    there are too many."""
    given = query.get("limit")
    limit = MOST_ROWS if given is None else whole_number(given)
    if limit is None or not 0 <= limit <= MOST_ROWS:
        raise InvalidRequest(f"'limit' is a whole number, {MOST_ROWS:,} at most.", param="limit")
    found = await usage_of(request).summed(by, wanted, limit=limit, dearest=True)
    if given is None and len(found) > limit:
        raise InvalidRequest(
            f"There are more than {MOST_ROWS:,} sums by {', '.join(by)}: ask for the pages of "
            f"/liftgate/usage?by={','.join(by)}{', or give a limit' if query is not NO_QUERY else ''}.",
            param="limit" if query is not NO_QUERY else None,
        )
    return found[:limit]


def days_asked(
    request: Request, query: Mapping[str, str], start: str = "start_date", end: str = "end_date"
) -> tuple[date, date | None]:
    """The first and the last day. Without the first it is `SHOWN_DAYS` before the last, or before today."""
    since, until = day_asked(query, start), day_asked(query, end)
    if since is None:
        last = until or usage_of(request).today()
        since = last - min(timedelta(days=SHOWN_DAYS), last - date.min)
    if until is not None and until < since:
        raise InvalidRequest(f"'{end}' is a day before '{start}'.", param=end)
    return since, until


def day_asked(query: Mapping[str, str], name: str) -> date | None:
    value = query.get(name)
    if not value:
        return None
    try:
        found = _DAY.match(value)
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise InvalidRequest(f"'{name}' is a day such as 2026-11-28.", param=name) from None
