"""PostgreSQL goes away under load: what needs it not goes on, the rest fails clearly and recovers, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateways import client_for, gateway_server, sandbox_server
from liftgate.settings import StorageSettings
from postgres_cluster import PostgresCluster
from scene import Scene, eventually, outcome, quick_settings

LIVE = b"a note that is live at Gemini"


@dataclass
class Load:
    """The same calls over and over until it is over; what they were told, by call."""

    calls: dict[str, Callable[[], object]]
    told: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        over = threading.Event()
        threads = [threading.Thread(target=self._repeat, args=(name, over)) for name in self.calls]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        assert not self.failures, self.failures

    def _repeat(self, name: str, over: threading.Event) -> None:
        self.told[name] = Counter()
        try:
            while not over.is_set():
                self.told[name][outcome(self.calls[name])] += 1
                time.sleep(0.05)
        except BaseException as failure:
            self.failures.append(failure)


@contextmanager
def stopped(cluster: PostgresCluster) -> Iterator[None]:
    cluster.stop(at_once=True)
    try:
        yield
    finally:
        cluster.start()


@contextmanager
def frozen(cluster: PostgresCluster) -> Iterator[None]:
    cluster.pause(on=True)
    try:
        yield
    finally:
        cluster.pause(on=False)


def outlive(cluster: PostgresCluster, url: str, data_dir: Path, seconds: float, *, by_freezing: bool) -> None:
    with sandbox_server() as sandbox:
        settings = quick_settings(sandbox, data_dir, storage=StorageSettings(data_dir=data_dir, database_url=url))
        with gateway_server(settings) as gateway, client_for(gateway) as client:
            of = Scene(sandbox, gateway, client)
            live = of.create(LIVE)
            of.ask(live, LIVE)
            created: dict[str, bytes] = {}

            def create() -> None:
                content = b"note %d" % len(created)
                created[of.create(content)] = content

            load = Load(
                {
                    "chat": lambda: of.ask(live, LIVE),
                    "retrieve": lambda: client.files.retrieve(live),
                    "create": create,
                    "list": lambda: client.files.list(),
                }
            )
            with load.running():
                time.sleep(0.5)
                with (frozen if by_freezing else stopped)(cluster):
                    time.sleep(seconds)
                assert eventually(lambda: outcome(lambda: client.files.list()) == "answer", 20)
            for name in ("chat", "retrieve"):
                assert set(load.told[name]) == {"answer"}, load.told
            for name in ("create", "list"):
                assert set(load.told[name]) == {"answer", "503 None"}, load.told
            listed = {file.id for file in client.files.list()}
            assert set(created) <= listed
            for file_id, content in created.items():
                assert of.content(file_id) == content
            last = of.create(b"after it all")
            of.ask(last, b"after it all")


@pytest.mark.parametrize("by_freezing", [False, True], ids=["stopped", "frozen"])
def test_postgres_away_for_seconds_under_load(
    postgres_cluster: PostgresCluster, postgres_url: str, tmp_path: Path, *, by_freezing: bool
) -> None:
    outlive(postgres_cluster, postgres_url, tmp_path, 6.0 if by_freezing else 4.0, by_freezing=by_freezing)


@pytest.mark.full
@pytest.mark.parametrize("by_freezing", [False, True], ids=["stopped", "frozen"])
def test_postgres_away_for_twenty_seconds_under_load(
    postgres_cluster: PostgresCluster, postgres_url: str, tmp_path: Path, *, by_freezing: bool
) -> None:
    outlive(postgres_cluster, postgres_url, tmp_path, 20.0, by_freezing=by_freezing)


def test_page_in_that_the_outage_interrupts_goes_on_after_it(
    postgres_cluster: PostgresCluster, postgres_url: str, tmp_path: Path
) -> None:
    with sandbox_server() as sandbox:
        settings = quick_settings(
            sandbox, tmp_path, storage=StorageSettings(data_dir=tmp_path, database_url=postgres_url)
        )
        with gateway_server(settings) as gateway, client_for(gateway) as client:
            of = Scene(sandbox, gateway, client)
            file_id = of.create(LIVE)
            of.order(kind="slow", operation="upload.finalize", seconds=1)
            thread = threading.Thread(target=lambda: outcome(lambda: of.ask(file_id, LIVE)))
            thread.start()
            assert eventually(lambda: of.operations("upload.finalize") == 1)
            with stopped(postgres_cluster):
                time.sleep(2)
            thread.join(60)
            assert eventually(lambda: outcome(lambda: of.ask(file_id, LIVE)) == "answer", 20)
            assert of.finalized == 1, "what is at Gemini is found by the session that the row kept"
