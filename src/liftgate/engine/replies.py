"""Stored responses: what a request goes on from, keeping what came of it, and what clients ask of it afterwards.

A response is kept whole, in one transaction, before the client learns that it has ended. It holds its own turn alone;
the turns before it are found by walking the chain. Media lie in Files, which a client's deletion of a File can take
away: then a text stands in their place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from typing import Literal

import msgspec

from liftgate.answer.choice import Answer
from liftgate.catalog.database import Connection
from liftgate.catalog.rows import conversations
from liftgate.catalog.rows import replies as rows
from liftgate.catalog.rows.reply_items import ItemRow, items_of
from liftgate.catalog.rows.reply_runs import RunRow, find_run
from liftgate.catalog.rows.reply_settings import Setting, new_bytes, settings_of
from liftgate.catalog.steady import steady
from liftgate.copies.services import Services
from liftgate.dialects.responses import included, kept_items
from liftgate.dialects.responses.echo import unabridged
from liftgate.dialects.responses.native import NO_NATIVES, Native, Natives
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.dialects.responses.request import check_beginning, conversation_not_found, earlier, previous_not_found
from liftgate.engine.answer_stream import AnswerStream
from liftgate.engine.group_commit import GroupCommit
from liftgate.engine.kept_stream import KeptStream
from liftgate.engine.reply_items import ItemPage, ReplyItems, are_large, decoded_row, page_of
from liftgate.engine.run_rows import shown_run
from liftgate.engine.turns import NewReply, Turn
from liftgate.errors import InvalidRequest, NotFound, shortened
from liftgate.files.quota import LITTLE, Quotas, amount
from liftgate.json_types import JsonObject
from liftgate.large_bodies import encoded
from liftgate.records import Owner
from liftgate.sizes import exact_size

MOST_TURNS = 1000
"""Responses that may stand one behind the other in a chain."""
NOT_STORED = "The response cannot be stored: "
MOST_ITEMS = 10_000
"""Of a conversation that a request goes on from."""

_encode = msgspec.json.Encoder().encode


class Replies:
    """`most_bytes`: of the items that a request may go on from, as much as a client could send itself."""

    def __init__(
        self,
        services: Services,
        items: ReplyItems,
        quotas: Quotas,
        most_bytes: int,
    ) -> None:
        self._db = services.db
        self._tasks = services.tasks
        self._items = items
        self._quotas = quotas
        self._most_bytes = most_bytes
        self._together = GroupCommit(services.db, services.tasks, services.clock, _add)

    async def begin(
        self,
        owner: Owner,
        request: JsonObject,
        *,
        keeps: bool | None = None,
        large: bool = False,
        natives: Natives = NO_NATIVES,
    ) -> Turn:
        """Finds what a request goes on from and refers to. `keeps`: by default as its `store` says. `natives`: what is
        known of its input already. Raises NotFound and InvalidRequest naming the parameter, and TooLarge where the
        owner may store nothing more."""
        check_beginning(request)
        previous_id, conversation_id = earlier(request)
        if keeps is None:
            keeps = request.get("store") is not False
        if keeps:
            measure = partial(kept_items.size_of_texts, request.get("input"))
            coming = await asyncio.to_thread(measure) if large else 0
            lead = f"{NOT_STORED}it has {amount(coming, exact=False)}, and " if coming else NOT_STORED
            await self._quotas.make_room(owner, coming, lead=lead, param="store")
        look = partial(kept_items.referenced, request.get("input"))
        references = await asyncio.to_thread(look) if large else look()
        if previous_id is None and conversation_id is None and not references:
            return Turn(request, keeps, natives=natives, large=large)
        known: dict[str, Native] = dict(natives)
        found: list[ItemRow] = []
        depth = 0
        if previous_id is not None:
            found, depth = await self._chain(owner, previous_id)
        elif conversation_id is not None:
            found = await self._db.read(partial(self._conversation, owner=owner, conversation_id=conversation_id))
        # Looked at first: to read a large row empties it.
        large = large or are_large(found)
        items = await self._items.show_items(owner, found, known, earlier=True)
        if references:
            here = {item["id"] for item in items if "id" in item}
            request = {**request, "input": kept_items.without_known(request["input"], here)}
            references = [each for each in references if each not in here]
        if references:
            named = await self._items.named(owner, references)
            large = large or are_large(named.values())
            request = {**request, "input": await self._items.resolved(owner, request["input"], named, known)}
        given = request.get("input")
        if conversation_id is not None:
            find = partial(kept_items.with_results, items, given)
            items, moved = await asyncio.to_thread(find) if large else find()
            request = {**request, "input": moved}
        return Turn(request, keeps, items, known, previous_id, depth, conversation_id, given, large)

    async def keep(
        self, owner: Owner, turn: Turn, response: JsonObject, answer: Answer[ResponsesQuestion]
    ) -> bytes | None:
        """Stores what came of a turn; durable when it returns. Gives the response as JSON where it was written for that
        already. Raises NotFound where the conversation was deleted meanwhile, Unavailable, StorageFull, TooLarge."""
        large = answer.large
        make = partial(NewReply, owner, turn, response, answer)
        new = await asyncio.to_thread(make) if large else make()
        files = [] if new.only_words else await self._items.put_away(owner, new.items, large=large)
        made = await asyncio.to_thread(new.made, encoded, files) if large else new.made(_encode, files)

        def work(conn: Connection) -> bool:
            made.reply.created_at = steady(conn)
            coming = made.reply.bytes + new_bytes(conn, owner, made.settings)
            self._quotas.check_stored(conn, owner, coming, lead=NOT_STORED, param="store")
            return rows.add_reply(conn, made, files)

        if turn.conversation_id is None and not files and made.bytes < LITTLE:
            # Nothing that another could take away meanwhile.
            await self._together.write(made)
        elif not await self._db.write(work, storing=True):
            raise conversation_not_found(turn.conversation_id or "")
        return None if large or files else new.joined(made)

    def keep_at_end(
        self, owner: Owner, turn: Turn, stream: AnswerStream[ResponsesQuestion]
    ) -> AnswerStream[ResponsesQuestion]:
        """The stream of a turn whose answer is stored before its end goes out, and also when its reader leaves."""

        async def keep(answer: Answer[ResponsesQuestion]) -> None:
            response = (
                await asyncio.to_thread(turn.dialect.whole, answer) if answer.large else turn.dialect.whole(answer)
            )
            await self.keep(owner, turn, response, answer)

        return KeptStream(stream, keep, self._tasks)

    async def get(self, owner: Owner, response_id: str, *, include: Collection[str] = ()) -> JsonObject:
        """The Response object, also of one in the background that was not answered, or not yet. `include`: what is to
        be seen beside what its request asked for. Raises NotFound."""

        def look(conn: Connection) -> tuple[rows.ReplyRow | RunRow | None, list[ItemRow], list[Setting]]:
            # One that ends meanwhile is seen before its end or after it.
            with conn.snapshot():
                reply = rows.find_reply(conn, owner, response_id, steady(conn))
                if reply is None:
                    return find_run(conn, owner, response_id, steady(conn)), [], []
                items = items_of(conn, [reply.id]) if reply.given is None else []
                return reply, items, settings_of(conn, owner, reply.id)

        found, items, settings = await self._db.read(look)
        if found is None:
            raise response_not_found(response_id)
        if isinstance(found, RunRow):
            return await shown_run(found)
        response: JsonObject = await decoded_row(found.body)
        if found.given is not None:
            response = unabridged(found.id, response)
        for each in settings:
            response[each.field] = await decoded_row(each.value)
        natives: dict[str, Native] | None = None if included.KEPT.isdisjoint(include) else {}
        if found.given is None:
            output = [item for item in items if not item.given]
            response["output"] = await self._items.show_items(owner, output, natives)
        if natives is not None:
            included.show_included(response, include, natives)
        return response

    async def input_items(
        self,
        owner: Owner,
        response_id: str,
        *,
        after: str | None,
        limit: int,
        order: Literal["asc", "desc"],
        images: bool,
    ) -> ItemPage:
        """What it was asked with, the turns before it included where it was answered. `images`: as in
        `ReplyItems.show_items`. Raises NotFound."""

        def look(conn: Connection) -> tuple[list[ItemRow], bool] | RunRow | None:
            with conn.snapshot():
                chain = rows.chain_of(conn, owner, response_id, steady(conn), MOST_TURNS + 1)
                if chain is None:
                    return find_run(conn, owner, response_id, steady(conn))
                descending = order == "desc"
                return rows.page_of_input(conn, owner, chain, after=after, limit=limit, descending=descending)

        found = await self._db.read(look)
        if found is None:
            raise response_not_found(response_id)
        if isinstance(found, RunRow):
            input_page = page_of((await decoded_row(found.request))["input"], after=after, limit=limit, order=order)
            await self._items.show_images(owner, input_page.items)
            return input_page
        page, has_more = found
        return ItemPage(await self._items.show_items(owner, page, images=images), has_more)

    # ── what a request goes on from ──────────────────────────────────────────────────────────────

    async def _chain(self, owner: Owner, previous_id: str) -> tuple[list[ItemRow], int]:
        """The items of a response and of all before it, and how many responses these are."""

        def look(conn: Connection) -> tuple[list[ItemRow], int]:
            with conn.snapshot():
                chain = rows.chain_of(conn, owner, previous_id, steady(conn), MOST_TURNS + 1)
                if not chain:
                    run = find_run(conn, owner, previous_id, steady(conn))
                    raise previous_not_found(previous_id, "not found" if run is None else _unanswered(run))
                if chain[0].depth != 1:
                    # Without it the rest may mean something else.
                    raise previous_not_found(previous_id, "cannot be gone on from: one before it was deleted")
                size = sum(link.bytes for link in chain)
                self._check_length("previous_response_id", "responses", len(chain), MOST_TURNS - 1, size)
                before: list[ItemRow] = []
                if chain[0].conversation_id is not None:
                    before = conversations.items_in(conn, chain[0].conversation_id, before=chain[0].place)
                    if conversations.find_conversation(conn, owner, chain[0].conversation_id) is None:
                        raise previous_not_found(previous_id, "cannot be gone on from: its conversation was deleted")
                return before + items_of(conn, [link.id for link in chain]), len(chain)

        return await self._db.read(look)

    def _conversation(self, conn: Connection, *, owner: Owner, conversation_id: str) -> list[ItemRow]:
        with conn.snapshot():
            if conversations.find_conversation(conn, owner, conversation_id) is None:
                raise conversation_not_found(conversation_id)
            number, size = conversations.size_of(conn, conversation_id)
            self._check_length("conversation", "items", number, MOST_ITEMS, size)
            return conversations.items_in(conn, conversation_id)

    def _check_length(self, param: str, what: str, number: int, most: int, size: int) -> None:
        """Of what a request goes on from."""
        if number > most or size > self._most_bytes:
            raise InvalidRequest(
                f"Invalid '{param}': a request may go on from {most} {what} and {exact_size(self._most_bytes)}, and "
                f"there are {number} and {exact_size(size)}. Begin anew with the items that are still needed.",
                param=param,
                code="history_too_long",
            )


def _unanswered(run: RunRow) -> str:
    return f"is {run.state}: only one that is completed or incomplete can be gone on from"


def _add(conn: Connection, turns: Sequence[rows.NewTurn]) -> None:
    at = steady(conn)
    for turn in turns:
        turn.reply.created_at = at
    rows.add_replies(conn, turns)


def response_not_found(response_id: str) -> NotFound:
    """Also for one of another owner's."""
    return NotFound(f"Response with id '{shortened(response_id)}' not found.")
