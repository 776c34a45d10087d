"""Between the row of a response in the background, which has no answer, and what clients see of it."""

from __future__ import annotations

from liftgate.answer.choice import Head
from liftgate.catalog.rows.reply_runs import Kept, RunRow
from liftgate.dialects.responses.echo import ID
from liftgate.engine.reply_items import decoded_row
from liftgate.json_types import JsonObject
from liftgate.large_bodies import encoded


def head_of(run_id: str, response: JsonObject) -> Head:
    """As it was promised: the same at each attempt."""
    return Head(run_id.removeprefix(ID), response["model"], response["created_at"])


async def shown_run(run: RunRow) -> JsonObject:
    """The Response object of one that has no answer."""
    response: JsonObject = await decoded_row(run.body)
    response["status"] = run.state
    return response


def kept_of(response: JsonObject, request: JsonObject) -> Kept:
    """What is kept of one that ended without an answer. Of its request that is the input alone: its tools may hold
    keys of servers, which nobody needs any more."""
    return Kept(encoded(response), encoded({"input": request["input"]}))
