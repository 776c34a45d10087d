"""`/liftgate/…`: what the page shows, and whoever asks with curl: Files by name, copies, accounts, health.

Times are whole seconds since the epoch, sizes bytes; what there is none of is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from liftgate.dialects.openai_files import openai_file
from liftgate.engine.overview import PROJECT_BYTES, AccountUse, CopyPlace, FileCopy, Overview, SeenFile
from liftgate.errors import InvalidRequest, LiftgateError, let_go
from liftgate.json_types import JsonObject
from liftgate.records import CopyRecord, FileSearch
from liftgate.server.query import read_limit
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.settings.sections import LOCAL, MASTER

USUAL_PAGE = 100
LARGEST_PAGE = 1000
LONGEST_SEARCH = 200
_SORTS = ("created_at", "filename", "bytes")
_STATES = ("processed", "uploaded", "error")


async def find_files(request: Request) -> Response:
    query = request.query("key", "search", "type", "purpose", "status", "sort", "order", "after", "limit")
    search = query.get("search", "")
    if len(search) > LONGEST_SEARCH:
        raise InvalidRequest(f"'search' is longer than {LONGEST_SEARCH} characters.", param="search")
    wanted = FileSearch(
        search=search,
        type=query.get("type", "").lower(),
        purpose=query.get("purpose", ""),
        status=_one_of(query, "status", ("", *_STATES)),
        sort=cast(Literal["created_at", "filename", "bytes"], _one_of(query, "sort", _SORTS)),
        descending=_one_of(query, "order", ("desc", "asc")) == "desc",
        after=query.get("after"),
        limit=read_limit(query.get("limit"), USUAL_PAGE, LARGEST_PAGE),
    )
    files, following = await request.gateway.overview.find_files(request.owner, wanted)
    return json_response(
        {
            "object": "list",
            "data": [_file(each) for each in files],
            "has_more": following is not None,
            "next": following,
        }
    )


async def show_file(request: Request) -> Response:
    request.query("key")
    seen, _ = await request.gateway.overview.places(request.owner, request.params["file_id"])
    usage = request.gateway.usage
    shown = None
    if usage is not None:
        used = await usage.of_file(seen.file.id)
        shown = {"requests": used.requests, "unpriced": used.unpriced, "cost": used.cost}
    return json_response({**_file(seen), "usage": shown})


async def list_copies(request: Request) -> Response:
    request.query("key")
    _, places = await request.gateway.overview.places(request.owner, request.params["file_id"])
    return json_response({"object": "list", "data": [_place(each) for each in places]})


async def list_accounts(request: Request) -> Response:
    """For `master`, and for `local` where no key is configured, of all owners; for any other of its own Files."""
    request.query("key")
    everyones = request.owner in (MASTER, LOCAL)
    overview = request.gateway.overview
    uses = await overview.accounts(request.owner, everyones=everyones)
    under_way, failed = await overview.unsettled(request.owner)
    return json_response(
        {
            "object": "list",
            "scope": "all owners" if everyones else request.owner,
            "data": [_account(each) for each in uses],
            "under_way": [_under_way(each, overview) for each in under_way],
            "failed": [_unsettled(each) for each in failed],
        }
    )


async def health(request: Request) -> Response:
    """200 whatever is wrong: what is, stands in it."""
    request.query("key")
    overview = request.gateway.overview
    problem = None
    under_way: Sequence[FileCopy] = ()
    try:
        await request.gateway.ready()
        under_way, _ = await overview.unsettled(request.owner)
    except LiftgateError as error:
        problem = error.message
        let_go(error)
    return json_response(
        {
            "ready": problem is None,
            "problem": problem,
            "page_ins": overview.page_ins(),
            "under_way": [_under_way(each, overview) for each in under_way],
            "deployments": [
                {
                    "id": state.deployment.id,
                    "model_name": state.deployment.model_name,
                    "model": state.deployment.model,
                    "account": state.deployment.account.name,
                    "state": "cooling" if state.cooling else "up",
                    "failures": state.failures,
                    "cooling_seconds": round(state.cooling, 1),
                    "in_flight": state.in_flight,
                }
                for state in overview.deployments()
            ],
        }
    )


def _file(seen: SeenFile) -> JsonObject:
    """OpenAI's File object and what it leaves out."""
    states = [copy.state for copy in seen.copies]
    ends = [copy.expires_at for copy in seen.copies if copy.state == "active" and copy.expires_at is not None]
    return {
        **openai_file(seen.file),
        "mime_type": seen.file.mime_type,
        "sha256": seen.file.sha256,
        "display_name": seen.file.display_name,
        "copies": {state: states.count(state) for state in dict.fromkeys(states)},
        "copies_until": int(max(ends)) if ends else None,
    }


def _place(place: CopyPlace) -> JsonObject:
    return {"account": place.account, "state": place.state, **_copy(place.copy)}


def _copy(copy: CopyRecord | None) -> JsonObject:
    if copy is None:
        return {"mime_type": None, "bytes": None, "until": None, "last_used_at": None, "last_error": None}
    return {
        "mime_type": copy.form,
        "bytes": copy.bytes,
        "until": None if copy.expires_at is None else int(copy.expires_at),
        "last_used_at": int(copy.used_at) or None,
        "last_error": copy.error,
    }


def _account(use: AccountUse) -> JsonObject:
    counts = {each.state: each.copies for each in use.held}
    return {
        "account": use.account.name,
        "models": list(use.models),
        "bytes": sum(each.bytes for each in use.held if each.state != "failed"),
        "limit_bytes": PROJECT_BYTES,
        "copies": {state: counts.get(state, 0) for state in ("active", "uploading", "processing", "failed")},
        "to_purge": use.to_purge,
    }


def _unsettled(found: FileCopy) -> JsonObject:
    return {
        "file_id": found.file_id,
        "filename": found.filename,
        "account": found.copy.account,
        "state": found.copy.state,
        **_copy(found.copy),
    }


def _under_way(found: FileCopy, overview: Overview) -> JsonObject:
    return {**_unsettled(found), "sent_bytes": overview.sent(found.copy)}


def _one_of(query: dict[str, str], name: str, values: tuple[str, ...]) -> str:
    """The first of `values` where the query has none."""
    value = query.get(name, values[0])
    if value not in values:
        known = ", ".join(f"'{each}'" for each in values if each)
        raise InvalidRequest(
            f"Invalid value: '{value[:40]}'. Supported values are: {known}.", param=name, code="invalid_value"
        )
    return value
