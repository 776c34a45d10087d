"""Fetching what requests name by URL: slow servers of one owner stop no other owner, and a request's time covers it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from gateways import MODEL, gateway_server, sandbox_server, settings_for
from liftgate.engine.shares import Shares
from liftgate.settings import LimitSettings

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
