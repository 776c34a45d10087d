"""LiteLLM's `/key/…`: keys that are made at run time, by the master key or a key of the type management."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from liftgate.audit import By
from liftgate.durations import grace_of
from liftgate.errors import Conflict, InvalidRequest, LiftgateError, MissingParameter, NotFound, Unavailable, let_go
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.keys.fields import read_fields
from liftgate.keys.key import Caller
from liftgate.keys.shown import made_key
from liftgate.keys.values import dollars, text, texts
from liftgate.records import KeyRecord, KeySearch
from liftgate.server.auditing import by_of
from liftgate.server.bodies import SMALL
from liftgate.server.query import check_known
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.server.usage_asked import report_spent
from liftgate.whole_numbers import whole_number

LARGEST_PAGE = 100
STATUSES: dict[str, Literal["active", "blocked", "expired"]] = {
    "active": "active",
    "expired": "expired",
    "revoked": "blocked",
    "blocked": "blocked",
}
"""LiteLLM's and ours → ours."""
ORDERS = ("created_at", "updated_at", "expires", "key_alias", "key_name", "user_id")


async def generate(request: Request) -> Response:
    by = managing(request)
    fields = read_fields(await optional_object(request))
    return json_response(made_key(*await request.gateway.keyring.generate(fields, by)))


async def update(request: Request) -> Response:
    by = managing(request)
    body = await optional_object(request)
    key = _named(body)
    fields = _without_secret(body)
    await report_spent(request)
    return json_response({**await request.gateway.keyring.update(key, fields, by), "key": key})


async def bulk_update(request: Request) -> Response:
    """Of many keys, each with its own fields; one that cannot be changed keeps no other from it."""
    by = managing(request)
    body = await optional_object(request)
    items = body.get("keys")
    if items is None:
        raise MissingParameter("keys")
    check_known(body, "keys")
    if not isinstance(items, list) or not 0 < len(items) <= LARGEST_PAGE:
        raise InvalidRequest(f"'keys' is an array of 1 to {LARGEST_PAGE} objects.", param="keys")
    done: list[JsonObject] = []
    failed: list[JsonObject] = []
    await report_spent(request)
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            raise InvalidRequest(f"Invalid value for 'keys[{at}]': expected an object.", param=f"keys[{at}]")
        try:
            key = _named(item)
            shown = await request.gateway.keyring.update(key, _without_secret(item), by)
            done.append({"key": key, "key_info": shown})
        except (InvalidRequest, NotFound, Conflict) as error:
            let_go(error)
            failed.append(_not_changed(item, error))
        except Unavailable as error:
            if not done:
                raise
            # What was changed before is to be said; the others are not tried in vain.
            let_go(error)
            failed += [_not_changed(each, error) for each in items[at:]]
            break
    return json_response({"total_requested": len(items), "successful_updates": done, "failed_updates": failed})


def _not_changed(item: object, error: LiftgateError) -> JsonObject:
    key = item.get("key") if isinstance(item, dict) else None
    return {"key": key, "key_info": None, "failed_reason": error.message}


async def reset_spend(request: Request) -> Response:
    """Less counts as spent of the key's budgets: `reset_to`, US dollars."""
    by = managing(request)
    body = await optional_object(request)
    check_known(body, "reset_to")
    to = dollars(body.get("reset_to"), "reset_to")
    if to is None:
        raise MissingParameter("reset_to")
    # What was spent before belongs to what is set back.
    await report_spent(request)
    found = await request.gateway.keyring.reset_spend(request.params["key"], to, by)
    return json_response({**found, "key_hash": found["token"]})


async def service_account(request: Request) -> Response:
    """A key of a team, and of no user."""
    by = managing(request)
    fields = read_fields(await optional_object(request))
    if fields.get("team_id") is None:
        raise MissingParameter("team_id")
    if fields.get("user_id") is not None:
        raise InvalidRequest("A service account's key has a 'team_id' and no 'user_id'.", param="user_id")
    return json_response(made_key(*await request.gateway.keyring.generate(fields, by)))


async def delete(request: Request) -> Response:
    """By `keys` and `key_aliases`; all of them or none."""
    by = managing(request)
    keys, aliases = _named_many(await optional_object(request))
    if not keys and not aliases:
        raise MissingParameter("keys")
    keyring = request.gateway.keyring
    await keyring.delete([*keys, *[await keyring.find_alias(alias) for alias in aliases]], by)
    return json_response({"deleted_keys": [*keys, *aliases]})


async def block(request: Request) -> Response:
    return await _block(request, on=True)


async def unblock(request: Request) -> Response:
    return await _block(request, on=False)


async def _block(request: Request, *, on: bool) -> Response:
    by = managing(request)
    body = await optional_object(request)
    key = _named(body)
    check_known(body, "key")
    await report_spent(request)
    return json_response(await request.gateway.keyring.block(key, by, on=on))


async def regenerate(request: Request) -> Response:
    """The same key with another secret; `grace_period`: how long the old one is good too."""
    by = managing(request)
    body = await optional_object(request)
    key = request.params.get("key") or _named(body)
    fields = _without_secret(body, "new_key", "grace_period")
    if (new := read_fields({"key": body.get("new_key")})["key"]) is not None:
        fields["key"] = new
    seconds = grace_of(body.get("grace_period"), "grace_period")
    await report_spent(request)
    return json_response(made_key(*await request.gateway.keyring.regenerate(key, fields, seconds, by)))


async def info(request: Request) -> Response:
    """Without a parameter: of the key that asks."""
    key = request.query("key").get("key")
    caller = request.caller
    if key is None:
        if caller.key is None:
            return json_response({"key": caller.name, "info": _of_config(caller)})
        record = caller.key.record
        return json_response({"key": record.hint, "info": await shown(request, record)})
    caller.check_sees_keys()
    return json_response({"key": key, "info": await shown(request, await request.gateway.keyring.find(key))})


async def infos(request: Request) -> Response:
    """Of many keys, by `keys` and `key_aliases`; those that are not there are left out."""
    request.caller.check_sees_keys()
    request.query()
    body = await optional_object(request)
    keys, aliases = _named_many(body)
    if "keys" not in body and "key_aliases" not in body:
        raise MissingParameter("keys")
    if len(keys) + len(aliases) > LARGEST_PAGE:
        raise InvalidRequest(f"'keys' and 'key_aliases' name at most {LARGEST_PAGE} keys at once.", param="keys")
    await report_spent(request)
    return json_response({"key": keys, "info": await request.gateway.keyring.show_named(keys, aliases)})


def _of_config(caller: Caller) -> JsonObject:
    """A key of the config may all that its owner may, without an end."""
    return {
        "key_alias": caller.name,
        "owner": caller.owner,
        "user_id": caller.owner,
        "models": [],
        "expires": None,
        "blocked": False,
        "in_config": True,
    }


async def list_keys(request: Request) -> Response:
    request.caller.check_sees_keys()
    query = request.query(
        *("page", "size", "user_id", "team_id", "key_alias", "key_hash", "search", "status", "sort_by", "sort_order"),
        *("return_full_object", "include_team_keys", "include_created_by_keys", "organization_id"),
    )
    if "organization_id" in query:
        raise InvalidRequest("Owners have no organizations here, so no key is of one.", param="organization_id")
    search = _search(query)
    found, total = await request.gateway.keyring.list(search)
    whole = query.get("return_full_object", "").lower() == "true"
    return json_response(
        {
            "keys": await shown_all(request, found) if whole else [record.token for record in found],
            "total_count": total,
            "current_page": search.page,
            "total_pages": -(-total // search.size),
        }
    )


async def list_aliases(request: Request) -> Response:
    request.caller.check_sees_keys()
    query = request.query("page", "size", "search", "team_id")
    page = page_number(query, "page", 1, 10**6)
    size = page_number(query, "size", 50, LARGEST_PAGE)
    text, team = query.get("search", ""), query.get("team_id")
    aliases, total = await request.gateway.keyring.list_aliases(text, team, page=page, size=size)
    return json_response(
        {
            "aliases": aliases,
            "total_count": total,
            "current_page": page,
            "total_pages": -(-total // size),
            "size": size,
        }
    )


def _search(query: Mapping[str, str]) -> KeySearch:
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"Invalid value for 'status': expected one of {', '.join(STATUSES)}.", param="status")
    order, descending = sorting(query, ORDERS, "created_at", "desc")
    return KeySearch(
        page=page_number(query, "page", 1, 10**6),
        size=page_number(query, "size", 10, LARGEST_PAGE),
        owner=query.get("user_id"),
        team=query.get("team_id"),
        alias=query.get("key_alias"),
        token=query.get("key_hash"),
        text=query.get("search"),
        status=STATUSES[status] if status else None,
        order=order,
        descending=descending,
    )


def sorting(query: Mapping[str, str], orders: Collection[str], order: str, way: str) -> tuple[str, bool]:
    """By which of `orders`, and whether from the last to the first; `order` and `way` where the query is silent. Raises
    InvalidRequest."""
    order, way = query.get("sort_by", order), query.get("sort_order", way)
    if order not in orders:
        raise InvalidRequest(f"Invalid value for 'sort_by': expected one of {', '.join(orders)}.", param="sort_by")
    if way not in ("asc", "desc"):
        raise InvalidRequest("Invalid value for 'sort_order': expected asc or desc.", param="sort_order")
    return order, way == "desc"


def page_number(query: Mapping[str, str], name: str, default: int, largest: int) -> int:
    given = query.get(name)
    value = default if given is None else whole_number(given)
    if value is None or not 1 <= value <= largest:
        raise InvalidRequest(f"Invalid value for '{name}': expected a number from 1 to {largest}.", param=name)
    return value


async def shown(request: Request, record: KeyRecord) -> JsonObject:
    """With what it has spent by now."""
    [found] = await shown_all(request, [record])
    return found


async def shown_all(request: Request, records: Sequence[KeyRecord]) -> list[JsonObject]:
    await report_spent(request)
    return await request.gateway.keyring.show(*records)


def managing(request: Request) -> By:
    """Who makes and changes keys. Raises PermissionDenied."""
    request.caller.check_manages()
    request.query()
    return by_of(request)


async def optional_object(request: Request) -> JsonObject:
    """LiteLLM's clients may send none where every field is optional."""
    return await request.json_object(SMALL) if request.unread else {}


def _named(body: JsonMapping) -> str:
    key = text(body.get("key"), "key")
    if key is None:
        raise MissingParameter("key")
    return key


def _named_many(body: JsonMapping) -> tuple[list[str], tuple[str, ...]]:
    """`keys` and `key_aliases`."""
    check_known(body, "keys", "key_aliases")
    return list(texts(body.get("keys"), "keys")), texts(body.get("key_aliases"), "key_aliases")


def _without_secret(body: JsonMapping, *others: str) -> JsonObject:
    """The fields that change a key; `key` names it there."""
    return read_fields(body, "key", *others)
