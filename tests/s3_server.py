"""A small server that speaks S3 as clients of object stores use it: put, get with Range, delete, bulk delete, list v2.

Path-style addresses, one bucket, objects in memory. Lists come in pages of 100, so that a client has to follow them.
Runs in a thread of its own and shares no code with Liftgate. `failures` is a list of statuses (0: cut the connection)
that are given, one each, to the next requests. While they are cleared, `hold` keeps puts waiting, and `read_hold` what
reads blobs.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from html import escape, unescape
from urllib.parse import unquote

import pytest
from aiohttp import web

PAGE = 100
BUCKET = "bucket"
LONG_AGO = "2026-01-02T03:04:05.000Z"


@contextmanager
def s3_endpoint(environment: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A running server, and the environment that names it as an operator would."""
    server = S3Server()
    server.start()
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    environment.setenv("AWS_ACCESS_KEY_ID", "test-key")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    environment.setenv("AWS_REGION", "us-east-1")
    try:
        yield server
    finally:
        server.close()


@dataclass
class S3Server:
    """`url` once started; `requests` are (method, key), those that fail included. `written`: when, as lists say it; a
    sweep takes what nobody knows and is old."""

    url: str = ""
    bucket: str = BUCKET
    key: str = "test-key"
    objects: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    unsigned: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    read_hold: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _stop: asyncio.Event | None = None

    def start(self) -> None:
        self.hold.set()
        self.read_hold.set()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="s3")
        self._thread.start()
        assert ready.wait(10)

    def close(self) -> None:
        self.hold.set()
        self.read_hold.set()
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Until what this server has seen or holds fulfils `condition`; fails after 20 s."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(condition, 20)

        assert await asyncio.to_thread(wait)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith(f"AWS4-HMAC-SHA256 Credential={self.key}/"):
            self.unsigned += 1
            return _error(403, "AccessDenied")
        bucket, _, key = unquote(request.url.raw_path.lstrip("/")).partition("/")
        if bucket != self.bucket:
            return _error(404, "NoSuchBucket")
        with self._changed:
            self.requests.append((request.method, key))
            self._changed.notify_all()
        if self.failures:
            status = self.failures.pop(0)
            if status == 0:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            return _error(status, "InternalError")
        if not key:
            return await self._bulk_delete(request) if request.method == "POST" else self._list(request)
        return await self._object(request, key)

    async def _object(self, request: web.Request, key: str) -> web.StreamResponse:
        if request.method == "PUT":
            body = await request.read()
            await asyncio.to_thread(self.hold.wait, 30)
            with self._changed:
                if request.headers.get("If-None-Match") == "*" and key in self.objects:
                    return _error(412, "PreconditionFailed")
                self.objects[key] = body
                at = datetime.now(UTC)  # noqa: TID251 - another machine, with its own clock
                self.written[key] = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
                self._changed.notify_all()
            return web.Response(headers={"ETag": _etag(body)})
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        if "/blob-" in key:
            await asyncio.to_thread(self.read_hold.wait, 30)
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        body = self.objects[key]
        headers = {"ETag": _etag(body), "Last-Modified": formatdate(usegmt=True)}
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(len(body))})
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d+)?", request.headers.get("Range", "")):
            start, last = int(wanted[1]), min(int(wanted[2] or len(body)), len(body) - 1)
            if start > last:
                return _error(416, "InvalidRange")
            headers["Content-Range"] = f"bytes {start}-{last}/{len(body)}"
            return web.Response(status=206, body=body[start : last + 1], headers=headers)
        return web.Response(body=body, headers=headers)

    async def _bulk_delete(self, request: web.Request) -> web.Response:
        keys = [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", (await request.read()).decode())]
        for key in keys:
            self.objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return _xml(f"<DeleteResult>{deleted}</DeleteResult>")

    def _list(self, request: web.Request) -> web.Response:
        prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
        keys = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
        page = keys[:PAGE]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.written.get(key, LONG_AGO)}</LastModified>"
            f"<ETag>&quot;x&quot;</ETag><Size>{len(self.objects[key])}</Size></Contents>"
            for key in page
        )
        more = len(keys) > PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return _xml(
            f"<ListBucketResult><Name>{self.bucket}</Name><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        )


@functools.lru_cache(maxsize=32)
def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _xml(body: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0" encoding="UTF-8"?>{body}', content_type="application/xml")


def _error(status: int, code: str) -> web.Response:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return web.Response(status=status, text=body, content_type="application/xml")
