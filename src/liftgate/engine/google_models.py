"""Google's own list of models, as an account sees it: kept for a while, and served stale where Google cannot be asked.
One call asks and the others wait for it, not for long where there is an older list. No chat needs this list."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping

from liftgate.clock import Clock
from liftgate.deployments import Account
from liftgate.errors import LiftgateError, Unavailable
from liftgate.gemini.client import GeminiClient
from liftgate.json_types import JsonObject
from liftgate.names import bare_model
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.engine")

FRESH_SECONDS = 600.0
"""How old a list may be before it is asked for again."""
RETRY_SECONDS = 30.0
"""After a failure, as long as an older list serves."""
PATIENCE_SECONDS = 3.0
"""What a caller waits for a newer list who could have an older one."""
KNOWN_MODELS = 1024

ByName = Mapping[str, JsonObject]
"""Google's Model objects by their names without `models/`, in Google's order."""


class GoogleModels:
    def __init__(self, client: GeminiClient, clock: Clock, tasks: Tasks) -> None:
        self._client = client
        self._clock = clock
        self._tasks = tasks
        self._lists: dict[str, ByName] = {}
        self._due: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[LiftgateError | None]] = {}
        self._unlisted: OrderedDict[tuple[str, str], tuple[float, JsonObject]] = OrderedDict()

    def known(self, account: Account) -> ByName:
        """The list that is here, of whatever age; empty where none is."""
        return self._lists.get(account.name, {})

    async def list_models(self, account: Account) -> ByName:
        """Raises what Google's answer was, where no list was ever had."""
        name = account.name
        if self._clock.monotonic() >= self._due.get(name, 0.0):
            asking = self._asking.get(name)
            if asking is None:
                asking = self._asking[name] = self._tasks.start(self._ask(account), name=f"models of {name}")
                asking.add_done_callback(lambda _: self._asking.pop(name))
            await asyncio.wait({asking}, timeout=PATIENCE_SECONDS if name in self._lists else None)
            if name not in self._lists:
                failure = Unavailable("Liftgate is shutting down.") if asking.cancelled() else asking.result()
                if failure is not None:
                    raise failure.again()
        return self._lists[name]

    async def _ask(self, account: Account) -> LiftgateError | None:
        """A failure is a value: all who wait raise it, and an unawaited one is not logged."""
        try:
            models = await self._client.list_models(account)
        except LiftgateError as error:
            log.warning("the models of %s cannot be listed: %s", account.where or account.name, error.message)
            if account.name in self._lists:
                self._due[account.name] = self._clock.monotonic() + RETRY_SECONDS
            return error
        self._lists[account.name] = {bare_model(str(model["name"])): model for model in models}
        self._due[account.name] = self._clock.monotonic() + FRESH_SECONDS
        return None

    async def one(self, account: Account, model: str) -> JsonObject:
        """Google's Model. It serves more than it lists, so what is not listed is asked for by itself. Raises NotFound,
        and what else Google's answer was."""
        if (listed := self.known(account).get(model)) is not None or (
            listed := (await self.list_models(account)).get(model)
        ) is not None:
            return listed
        key = (account.name, model)
        now = self._clock.monotonic()
        kept = self._unlisted.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        found = await self._client.get_model(account, model)
        self._unlisted[key] = (now + FRESH_SECONDS, found)
        if len(self._unlisted) > KNOWN_MODELS:
            self._unlisted.popitem(last=False)
        return found
