"""Fetching what requests name by URL: slow servers of one owner stop no other owner, and a request's time covers it."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from gateways import MODEL, gateway_server, sandbox_server, settings_for
from liftgate.engine.name_lookup import MOST_AT_ONCE, THREADS, Address, NameLookup
from liftgate.engine.shares import Shares
from liftgate.settings import LimitSettings
from liftgate.tasks import Tasks

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@contextmanager
def slow_and_quick() -> Iterator[tuple[str, threading.Semaphore, threading.Event]]:
    """A web server that answers `/quick` at once and leaves all else waiting; how many wait, and the word to go on."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    waiting, go_on = threading.Semaphore(0), threading.Event()

    def one(client: socket.socket) -> None:
        with client:
            if b"/quick" not in client.recv(65536):
                waiting.release()
                go_on.wait(60)
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(PNG)
            client.sendall(answer + PNG)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", waiting, go_on
    finally:
        go_on.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def asked(url: str, key: str, urls: list[str], **more: object) -> tuple[int, dict[str, object]]:
    parts = [{"type": "image_url", "image_url": {"url": each}} for each in urls]
    body = {"model": MODEL, "messages": [{"role": "user", "content": parts}], **more}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urlopen(Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def test_slow_urls_of_one_owner_stop_no_other(tmp_path: Path) -> None:
    limits = LimitSettings(fetch_allowed_hosts=("127.0.0.1",))
    with sandbox_server() as sandbox, slow_and_quick() as (web, waiting, go_on):
        settings = replace(settings_for(sandbox, tmp_path), limits=limits)
        with gateway_server(settings) as url, ThreadPoolExecutor(16) as pool:
            slow = [
                pool.submit(asked, url, "sk-ann", [f"{web}/slow{n}-{part}" for part in range(4)]) for n in range(12)
            ]
            for _ in range(32):
                assert waiting.acquire(timeout=20)
            assert asked(url, "sk-bob", [f"{web}/quick"] * 4)[0] == 200
            assert not waiting.acquire(timeout=0.2), "no owner has more than its most"
            go_on.set()
            assert [each.result()[0] for each in slow] == [200] * 12


def test_the_time_of_a_request_covers_its_fetching(tmp_path: Path) -> None:
    limits = LimitSettings(fetch_allowed_hosts=("127.0.0.1",))
    with sandbox_server() as sandbox, slow_and_quick() as (web, waiting, _):
        settings = replace(settings_for(sandbox, tmp_path), limits=limits)
        with gateway_server(settings) as url:
            status, body = asked(url, "sk-ann", [f"{web}/slow"], timeout=0.5)
            assert waiting.acquire(timeout=0)
            assert status == 503
            error = body["error"]
            assert isinstance(error, dict)
            assert (error["code"], error["param"]) == ("file_not_ready", "messages[0].content[0].image_url.url")


def test_an_owner_has_its_share_whatever_the_others_take() -> None:
    async def scenario() -> None:
        shares = Shares(own=1, most=3, total=4)
        held = asyncio.Event()
        begun: list[str] = []

        async def work(owner: str) -> None:
            async with shares.turn(owner):
                begun.append(owner)
                await held.wait()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(owner)) for owner in ["a"] * 5 + ["b"] * 3 + ["c"] * 2]
            await asyncio.sleep(0)
            assert begun == ["a", "a", "a", "b", "c"]
            tasks[3].cancel()  # one that waits
            tasks[0].cancel()  # one that has a turn: another takes it
            for _ in range(4):
                await asyncio.sleep(0)
            assert sorted(begun[5:]) == ["a"] or sorted(begun[5:]) == []
            held.set()
        assert len(begun) == 9
        assert shares.is_idle

    asyncio.run(scenario())


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def hostile_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Semaphore, threading.Event]]:
    """The system's resolver, for which names below `.slow.test` never come: how many wait, and the word to go on."""
    waiting, go_on = threading.Semaphore(0), threading.Event()
    system = socket.getaddrinfo

    def slow(host: Any, *more: Any, **named: Any) -> Any:
        if str(host).endswith(".slow.test"):
            waiting.release()
            go_on.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return system(host, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", slow)
        try:
            yield waiting, go_on
        finally:
            go_on.set()


def test_slow_names_of_one_owner_stop_neither_files_nor_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = LimitSettings(fetch_allowed_hosts=("localhost",))
    with (
        sandbox_server() as sandbox,
        slow_and_quick() as (web, _, _),
        hostile_name_server(monkeypatch) as (waiting, go_on),
    ):
        settings = replace(settings_for(sandbox, tmp_path), limits=limits)
        with gateway_server(settings) as url, ThreadPoolExecutor(16) as pool:
            urls = [[f"http://n{n}-{part}.slow.test/a.png" for part in range(4)] for n in range(12)]
            slow = [pool.submit(asked, url, "sk-ann", each) for each in urls]
            for _ in range(MOST_AT_ONCE):
                assert waiting.acquire(timeout=20)
            assert not waiting.acquire(timeout=0.2), "no owner has more look-ups than its most"
            quick = web.replace("127.0.0.1", "localhost") + "/quick"
            assert asked(url, "sk-bob", [quick] * 4)[0] == 200
            # What works in threads: a large body is decoded there, and its picture is hashed and stored.
            large = "data:image/png;base64," + base64.b64encode(PNG + bytes(3 << 20)).decode()
            assert asked(url, "sk-bob", [large, quick])[0] == 200
            go_on.set()
            for each in slow:
                status, body = each.result()
                error = body["error"]
                assert isinstance(error, dict)
                assert (status, error["code"]) == (400, "invalid_image_url")


def test_a_name_has_an_end_and_its_thread_keeps_the_turn() -> None:
    go_on = threading.Event()
    asked_for: list[str] = []

    def resolve(host: str, port: int, family: int) -> list[Address]:
        asked_for.append(host)
        if host.startswith("slow"):
            go_on.wait(30)
        return [(socket.AF_INET, "192.0.2.1", port)]

    async def scenario() -> None:
        names = NameLookup(resolve)
        tasks = Tasks()
        slow = [tasks.start(names.addresses("ann", f"slow{n}", 80, 0), name="slow") for n in range(MOST_AT_ONCE + 2)]
        assert await names.addresses("bob", "quick", 80, 0) == [(socket.AF_INET, "192.0.2.1", 80)]
        for each in slow:
            # Nobody waits for them any more, and the threads are stuck all the same.
            each.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await names.addresses("ann", "quick2", 80, 0)
        assert "quick2" not in asked_for and len(asked_for) == MOST_AT_ONCE + 1
        go_on.set()
        assert await names.addresses("ann", "quick3", 8080, 0) == [(socket.AF_INET, "192.0.2.1", 8080)]

    asyncio.run(scenario())


def test_all_look_ups_together_are_bounded() -> None:
    go_on = threading.Event()
    begun = threading.Semaphore(0)

    def resolve(host: str, port: int, family: int) -> list[Address]:
        begun.release()
        go_on.wait(30)
        raise OSError("no such name")

    async def scenario() -> None:
        names = NameLookup(resolve)
        owners = range(THREADS)
        tasks = Tasks()
        asking = [
            tasks.start(names.addresses(f"owner-{n}", "a", 80, 0), name="asking") for n in owners for _ in range(2)
        ]
        for _ in range(THREADS):
            assert await asyncio.to_thread(begun.acquire, timeout=20)
        assert not await asyncio.to_thread(begun.acquire, timeout=0.2)
        go_on.set()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(each, OSError) and str(each) == "no such name" for each in found)

    asyncio.run(scenario())
