"""The composition root: `Gateway(settings)` constructs every part and is the only place that does.

    async with Gateway(settings) as gateway:
        page = await gateway.files.list("local")

Entering opens the catalogue (applying migrations) and the blob store; leaving lets what is under way finish for a
while, hands over leases and closes everything. A process may hold several gateways; nothing is shared between them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from random import Random  # noqa: TID251 - jitter; ids come from liftgate.ids
from types import TracebackType
from typing import TYPE_CHECKING, Self

from liftgate import ids
from liftgate.blobs.open import open_blob_store
from liftgate.blobs.places import check_place, make_place
from liftgate.blobs.store import BlobStore, StoreAway
from liftgate.blobs.timed import TimedBlobs
from liftgate.catalog.database import START_SECONDS, Database, open_database
from liftgate.clock import Clock, SystemClock
from liftgate.copies.ensure import Copies
from liftgate.copies.kinds.files import FileCopies
from liftgate.copies.purge import PurgeAtOnce, Purger
from liftgate.copies.services import Services
from liftgate.dialects.chat.request import read_defaults
from liftgate.engine.access_log import access_log_of
from liftgate.engine.admission import Admission
from liftgate.engine.attachments import Attachments
from liftgate.engine.background import Background
from liftgate.engine.background_run import Workshop
from liftgate.engine.conversations import Conversations
from liftgate.engine.files import Files
from liftgate.engine.generate import Generate
from liftgate.engine.google_models import GoogleModels
from liftgate.engine.heal import Healer
from liftgate.engine.jobs import Jobs, Others
from liftgate.engine.meter import Meter, Meters
from liftgate.engine.models import Models
from liftgate.engine.needs import Needs
from liftgate.engine.overview import Overview
from liftgate.engine.pass_through import PassThrough
from liftgate.engine.prefetch import Prefetch
from liftgate.engine.pricing import Pricing
from liftgate.engine.replies import Replies
from liftgate.engine.reply_items import ReplyItems
from liftgate.engine.seals import Seals
from liftgate.engine.sign_ins import SignIns
from liftgate.engine.signatures import Signatures
from liftgate.engine.spend import Spend
from liftgate.engine.unreported import NoUsage
from liftgate.engine.usage import Usage
from liftgate.errors import ConfigError
from liftgate.files.alone import has_met_another, take_turn
from liftgate.files.arrival import Ingest
from liftgate.files.belonging import settle
from liftgate.files.part_store import PartStore
from liftgate.files.read import open_blob
from liftgate.files.sessions import Sessions
from liftgate.files.uploads import Uploads
from liftgate.gemini.client import GeminiClient
from liftgate.keys.gateway_budget import GatewayBudget
from liftgate.keys.keyring import Keyring, token_of
from liftgate.keys.known import KnownKeys
from liftgate.keys.known_owners import KnownOwners
from liftgate.keys.owners import Owners
from liftgate.later import Later
from liftgate.metrics.gauges import gauges_of
from liftgate.metrics.listener import listen
from liftgate.metrics.lookups import look_ups
from liftgate.metrics.scrape import Metrics
from liftgate.router.attempts import Router
from liftgate.settings import LimitSettings, Settings
from liftgate.tasks import Tasks

if TYPE_CHECKING:
    from liftgate.engine.fetch import Fetcher

LAST_SECONDS = 1.0
"""For each step of leaving that finds `drain_seconds` used up: time for a commit that is nearly done."""


async def open_services(
    settings: Settings,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    together: bool = True,
    serving: bool = False,
    drain: Callable[[], float] = lambda: 0.0,
) -> Services:
    """The services, open until `stack` is closed: for a gateway, and for work of the command line without one.

    `together`: raises ConfigError unless the catalogue and the store belong to each other. `serving`: raises it also
    unless the store takes writes. `drain`: how many seconds tasks that still run at the end may take; then they are
    cancelled.
    """
    db = await open_database(settings.storage.catalog_url, clock=clock)
    stack.push_async_callback(db.close)
    blobs = open_blob_store(settings.storage.blob_store, settings.storage.data_dir)
    stack.push_async_callback(blobs.close)
    if serving:
        db.wait_at_most(START_SECONDS)
        try:
            await blobs.check()
        except StoreAway as error:
            raise ConfigError(f"blob_store: {settings.storage.shown_store} cannot be used: {error.reason}.") from error
    if together:
        await settle(db, blobs)
    measurements = db.measurements
    if settings.counting.metrics and serving:
        blobs = TimedBlobs(blobs, measurements)
    client = GeminiClient(clock, measurements=measurements)
    stack.push_async_callback(client.close)
    tasks = Tasks()
    stack.push_async_callback(lambda: tasks.drain(drain()))
    return Services(
        db=db,
        blobs=blobs,
        open_blob=partial(open_blob, db, blobs),
        client=client,
        clock=clock,
        tasks=tasks,
        settings=settings.jobs,
        accounts={deployment.account.name: deployment.account for deployment in settings.deployments},
        holder=f"{socket.gethostname()}:{os.getpid()}:{ids.token(8)}",
        measurements=measurements,
    )


def _open_fetcher(limits: LimitSettings) -> Fetcher:
    from liftgate.engine.fetch import Fetcher  # aiohttp would be a quarter of the start, for few.

    return Fetcher(
        max_bytes=limits.fetch_max_bytes, timeout=limits.fetch_timeout, allowed_hosts=limits.fetch_allowed_hosts
    )


def purger_of(services: Services) -> Purger:
    """For every kind of copy."""
    return Purger(services, [FileCopies(services)])


class Gateway:
    """The attributes from `files` to `admission` exist between entering and leaving."""

    files: Files
    uploads: Uploads
    sessions: Sessions
    generate: Generate
    replies: Replies
    background: Background
    conversations: Conversations
    pass_through: PassThrough
    models: Models
    overview: Overview
    sign_ins: SignIns
    keyring: Keyring
    owners: Owners
    known_keys: KnownKeys
    budget: GatewayBudget
    admission: Admission

    def __init__(self, settings: Settings, *, clock: Clock | None = None, listeners: Sequence[Meter] = ()) -> None:
        """`listeners` hear the end of every call, after those that the settings ask for."""
        self.settings = settings
        self.clock = clock or SystemClock()
        own = access_log_of(settings.server)
        self.pricing = Pricing(settings.deployments)
        self.meters = Meters((*own, *listeners), self.clock, self.pricing, tell_cost=settings.counting.spend)
        self.usage: Usage | None = None
        self.metrics: Metrics | None = None
        self._exit = AsyncExitStack()
        self._db: Database | None = None
        self._ingest: Ingest | None = None
        self._drained_at: float | None = None
        self._blobs: BlobStore | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    def drain(self) -> None:
        """The process is to end: everything that still runs, requests included, has `drain_seconds` in all from now on.
        Leaving the gateway begins this too, unless it has begun. Idempotent."""
        if self._drained_at is None:
            self._drained_at = self.clock.monotonic() + self.settings.server.drain_seconds

    def _drain_left(self) -> float:
        self.drain()
        assert self._drained_at is not None, "it has begun"
        return max(LAST_SECONDS, self._drained_at - self.clock.monotonic())

    def _close_metrics(self) -> None:
        if self.metrics is not None:
            self.metrics.close()

    async def _open(self, stack: AsyncExitStack) -> None:
        settings, clock = self.settings, self.clock
        stack.callback(self._close_metrics)  # the last of all: what the others do at their end is counted too
        data_dir = settings.storage.data_dir
        spool_dir = data_dir / "spool"
        for place in (data_dir, spool_dir, *([data_dir / "spend"] if settings.counting.spend else ())):
            make_place(place, "data_dir")
        services = await open_services(settings, clock, stack, serving=True, drain=self._drain_left)
        db, blobs, client, tasks = services.db, services.blobs, services.client, services.tasks
        if await has_met_another(db, blobs):
            # Before anything is acknowledged here: the other one deletes nothing from now on.
            await take_turn(db, blobs)
        router = Router(settings.deployments, settings.router, clock, Random(), settings.names, services.measurements)
        copies, purger = Copies(services, FileCopies(services)), purger_of(services)
        ingest = Ingest(db, blobs, spool_dir, settings.limits)
        stack.push_async_callback(lambda: ingest.close(self._drain_left()))
        self._db, self._ingest, self._blobs = db, ingest, blobs
        await self._open_keys(services, stack)
        prefetch = Prefetch(services, copies)
        stack.push_async_callback(prefetch.close)
        part_store = PartStore(ingest)
        self.uploads = Uploads(part_store)
        purge = PurgeAtOnce(purger)
        self.files = Files(services, purge, ingest, self.uploads, prefetch, router)
        self.sessions = Sessions(part_store)
        self.overview = Overview(services, self.files, copies, router)
        self.sign_ins = SignIns(db)
        self.models = Models(router, GoogleModels(client, clock, tasks), clock)
        fetcher = Later(partial(_open_fetcher, settings.limits))
        stack.push_async_callback(fetcher.close)
        attachments = Attachments(services, ingest, fetcher)
        items = ReplyItems(services.db, self.files, attachments)
        self.replies = Replies(services, items, ingest.quotas, settings.limits.max_body_bytes)
        needs = Needs(self.files, copies, attachments, Healer(copies, client, clock))
        self.pass_through = PassThrough(services, router, needs, settings)
        seals = Seals(db)
        await seals.load()
        self.conversations = Conversations(services, items, ingest.quotas, purge, seals)
        self.generate = Generate(
            services, router, needs, Signatures(db, services.clock), seals, settings, read_defaults
        )
        shop = Workshop(self.generate, self.replies, items, ingest.quotas, self.meters, self.admission, self.known_keys)
        self.background = Background(services, shop, purge)
        others = await self._open_counters(services, stack)
        others["background"] = settings.jobs.lease_seconds / 2, self.background.take_up
        jobs = Jobs(services, [copies], purger, ingest, others)
        db.wait_at_most(None)
        jobs.start()
        stack.push_async_callback(jobs.stop)

    async def _open_counters(self, services: Services, stack: AsyncExitStack) -> Others:
        """Opens what counts calls, as the settings ask for it. Returns the jobs that this needs: name → (seconds,
        work)."""
        settings, data_dir, clock, db = self.settings, self.settings.storage.data_dir, self.clock, services.db
        others: Others = {}
        spend: Spend | None = None
        if settings.counting.spend:
            spend = Spend(db, data_dir / "spend", clock)
            self.usage = Usage(db, clock, spend.write)
            self.meters.add(spend)
            stack.push_async_callback(spend.close)
            others["spend"] = settings.counting.usage_write_seconds, spend.write
            others["left spend"] = settings.jobs.use_write_seconds, spend.adopt
        if settings.counting.traces_endpoint:
            from liftgate.engine.traces import open_traces

            traces = open_traces(settings.counting, clock)
            self.meters.add(traces)
            self.meters.tracer = traces
            stack.push_async_callback(traces.close)
            others["traces"] = 1.0, traces.send
        if settings.counting.metrics:
            try:
                metrics = self.metrics = Metrics(data_dir / "metrics", clock, self.meters)
            except OSError as error:
                raise ConfigError(f"metrics: {data_dir / 'metrics'} cannot be used: {error.strerror}.") from error
            self.meters.add(metrics.calls)
            gauges = gauges_of(services.client, self.admission, spend, clock)
            metrics.opened(look_ups(db, self.overview, data_dir, self.budget, clock.monotonic), gauges)
            services.measurements.listener = metrics.recorder
            others["metrics"] = 1.0, metrics.tick
            if settings.counting.metrics_port is not None:
                server = await listen(settings.counting.metrics_host, settings.counting.metrics_port, metrics.answer)
                stack.callback(server.close)
        return others

    async def _open_keys(self, services: Services, stack: AsyncExitStack) -> None:
        """Opens the keys that are made at run time, and the limits of all keys."""
        settings, db = self.settings, services.db
        known_owners = KnownOwners(db, services.tasks)
        self.known_keys = KnownKeys(db, services.clock, services.tasks, known_owners, settings.jobs.cache_stale_seconds)
        self.budget = await GatewayBudget(db, settings.budgets).open()
        self.admission = Admission(services, self.pricing, known_owners, self.budget)
        stack.push_async_callback(self.admission.close)
        self.meters.unreported = NoUsage(self.admission.estimates, services.tasks)
        # Other limits concern some calls only, whose records begin with their tickets.
        self.meters.on = self.meters.on or bool(self.budget.bounds)
        await self.known_keys.load()
        await known_owners.load()
        self.keyring = Keyring(db, {token_of(secret) for secret in settings.auth.owners()}, self.budget.zone)
        self.owners = Owners(db, self.budget.zone)

    async def ready(self) -> None:
        """Raises Unavailable while the catalogue cannot be reached, is not whole or takes no writes, while the store is
        not its own any more, and while there is no place for what comes in. An object store is not asked."""
        storage = self.settings.storage
        for place in (storage.data_dir, storage.data_dir / "spool"):
            check_place(place)
        if storage.blob_store == "local" and self._blobs is not None:
            await self._blobs.check()
        assert self._db is not None and self._ingest is not None, "the gateway is not open"
        self._ingest.check_open()
        await self._db.check()
