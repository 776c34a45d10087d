"""LiteLLM's `/user/…` and `/team/…`: what owners may use together. A user and a team are owners here alike.

By the master key or a key of the type management; any key sees its own owners.
"""

from __future__ import annotations

from liftgate import ids
from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.keys.fields import BY_OWNER_FIELD, Fields, read_fields
from liftgate.keys.owners import no_such_owner
from liftgate.keys.shown import made_key
from liftgate.keys.values import flag, owner, text, texts
from liftgate.records import OwnerSearch
from liftgate.server.handlers.keys import managing, optional_object, page_number, sorting
from liftgate.server.query import check_known
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.server.usage_asked import report_spent

LARGEST_PAGE = 100
MOST_TEAMS = 1_000
"""LiteLLM's `/team/list` has no pages: more than these are asked for by page."""
ORDERS = ("id", "alias", "created_at", "updated_at")
"""What a list can be sorted by; LiteLLM's names of the first two have the noun before them."""
NOT_KEPT = ("user_email", "role", "sso_user_ids", "team", "organization_id")
"""What LiteLLM's lists can be narrowed by, and owners have not here."""
KEY_FIELDS = ("key_alias", "models", "aliases", "duration", "key_type", "allowed_routes")
"""What `/user/new` says of the key that it makes."""


class OwnerRoutes:
    """`noun`: `user` or `team`, which LiteLLM's fields begin with."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._id = f"{noun}_id"
        self._alias = f"{noun}_alias"

    async def new(self, request: Request) -> Response:
        """A user comes with a key, unless `auto_create_key` is false."""
        by = managing(request)
        body = await optional_object(request)
        name = owner(body.get(self._id), self._id) or f"{self._noun}-{ids.token()}"
        wanted = flag(body.get("auto_create_key", True), "auto_create_key")
        makes_key = wanted and self._noun == "user"
        others = (*KEY_FIELDS, "auto_create_key") if makes_key else ("auto_create_key",)
        fields = self._fields(body, *others)
        of_key = read_fields({each: body[each] for each in KEY_FIELDS if each in body}) if makes_key else {}
        alias = fields.pop("alias", None)
        new = request.gateway.keyring.new({**of_key, "user_id": name}, by) if makes_key else None
        await report_spent(request)
        made, key = await request.gateway.owners.add(name, alias, fields, by, new)
        shown = self._named_so(made)
        return json_response(shown if new is None else {**made_key(key, new.secret), **shown})

    async def update(self, request: Request) -> Response:
        by = managing(request)
        body = await optional_object(request)
        name, fields = self._named(body), self._fields(body)
        await report_spent(request)
        of_owner = self._named_so(await request.gateway.owners.update(name, fields, by))
        return json_response({**of_owner, "data": of_owner})

    async def delete(self, request: Request) -> Response:
        """By `user_ids` or `team_ids`, with their keys; all of them or none."""
        by = managing(request)
        body = await optional_object(request)
        many = f"{self._id}s"
        check_known(body, many)
        names = list(texts(body.get(many), many))
        if not names:
            raise MissingParameter(many)
        await request.gateway.owners.delete(names, by)
        return json_response({f"deleted_{many}": names, "deleted": len(names)})

    async def info(self, request: Request) -> Response:
        """Without a parameter: of the owner of the key that asks."""
        caller = request.caller
        name = request.query(self._id, "key").get(self._id) or request.owner
        own = name in (request.owner, *caller.owners)
        if not caller.sees_all_keys and not own:
            # Whether there is another owner of this name stays hidden.
            raise no_such_owner(name)
        await report_spent(request)
        shown, keys = await request.gateway.owners.show(name, own=own)
        return json_response({self._id: name, f"{self._noun}_info": self._named_so(shown), "keys": keys})

    async def list(self, request: Request) -> Response:
        request.caller.check_sees_keys()
        search = self._search(request)
        await report_spent(request)
        found, total = await request.gateway.owners.list(search)
        shown = [self._named_so(each) for each in found]
        if self._noun == "team":
            if search.size == MOST_TEAMS and total > MOST_TEAMS:
                raise InvalidRequest(f"There are more than {MOST_TEAMS:,} of them: ask by 'page'.", param="page")
            return json_response(shown)
        pages = {"page": search.page, "page_size": search.size, "total_pages": -(-total // search.size)}
        return json_response({f"{self._noun}s": shown, "total": total, **pages})

    def _search(self, request: Request) -> OwnerSearch:
        """By LiteLLM's names; `user_ids` may hold several, with commas between them or each for itself."""
        many = f"{self._id}s"
        allowed = ("page", "page_size", "sort_by", "sort_order", self._id, self._alias, *NOT_KEPT)
        query = request.query(*allowed, lists=(many,))
        if wanted := next((name for name in NOT_KEPT if name in query), None):
            raise InvalidRequest(f"Owners have no '{wanted}' here, so none can be found by it.", param=wanted)
        by_name = {f"{self._noun}_{each}" if each in ("id", "alias") else each: each for each in ORDERS}
        order, descending = sorting(query, by_name, self._id, "asc")
        named = [each.strip() for name in (self._id, many) for each in query.get(name, "").split(",") if each.strip()]
        is_whole = self._noun == "team" and not {"page", "page_size"} & query.keys()
        return OwnerSearch(
            page=page_number(query, "page", 1, 10**6),
            size=MOST_TEAMS if is_whole else page_number(query, "page_size", 25, LARGEST_PAGE),
            owners=tuple(named) if self._id in query or many in query else None,
            alias=query.get(self._alias),
            order=by_name[order],
            descending=descending,
        )

    def _fields(self, body: JsonMapping, *others: str) -> Fields:
        fields = read_fields(body, self._id, self._alias, *others, rows=BY_OWNER_FIELD, whose="an owner")
        if self._alias in body:
            fields["alias"] = text(body[self._alias], self._alias)
        return fields

    def _named(self, body: JsonMapping) -> str:
        name = text(body.get(self._id), self._id)
        if name is None:
            raise MissingParameter(self._id)
        return name

    def _named_so(self, shown: JsonMapping) -> JsonObject:
        """By LiteLLM's names for this kind of owner."""
        alias = {self._alias: shown["alias"]} if "alias" in shown else {}
        return {self._id: shown["owner"], **alias, **{name: value for name, value in shown.items() if name != "alias"}}


USERS, TEAMS = OwnerRoutes("user"), OwnerRoutes("team")
