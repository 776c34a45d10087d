"""Without a key the page opens by itself; with very many files it stays quick."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from browser import Visit
from gateways import SandboxServer, client_for, gateway_server, settings_for
from liftgate import ids
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import open_database
from liftgate.catalog.rows.files import commit_file
from liftgate.clock import SystemClock
from liftgate.records import BlobRecord, FileRecord
from liftgate.settings import AuthSettings

MANY = 10_000
DRAWN = """
const frame = window.requestAnimationFrame;
window.requestAnimationFrame = (act) => setTimeout(() => frame(act), 300);
new MutationObserver((_, watch) => {
  const rows = document.querySelectorAll("table.files tbody tr");
  if (!rows.length) return;
  watch.disconnect();
  const fill = rows[rows.length - 1].getBoundingClientRect().bottom >= innerHeight;
  requestAnimationFrame(() => {
    const painted = document.querySelectorAll("table.files tbody tr").length;
    window.drawnFirst = [fill, rows.length < 30, painted === rows.length];
  });
}).observe(document, { subtree: true, childList: true });"""
"""What is painted first, where frames come late as on a busy machine: a window full of rows, and none beyond them."""


def test_without_keys_nobody_signs_in(browser: Browser, sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(settings_for(sandbox, tmp_path, auth=AuthSettings())) as url, Visit(browser, url) as visit:
        asked: list[str] = []
        visit.context.on("request", lambda request: asked.append(request.url.removeprefix(url)))
        visit.open()
        expect(visit.page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
        expect(visit.page.get_by_text("There is no file yet.")).to_be_visible()
        # One after the other: the page; all that it names, with who is signed in; the files.
        page, *named, files = [re.sub(r"\.[0-9a-f]{12}\.", ".", each) for each in asked if "icon" not in each]
        assert (page, files.partition("?")[0]) == ("/ui", "/liftgate/files")
        assert sorted(named) == ["/liftgate/session", "/ui/app.js", "/ui/htm-preact.js", "/ui/page.css"]
        expect(visit.page.get_by_text("local", exact=True)).to_be_visible()
        for absent in ("Sign out", "Keys", "Spend"):
            expect(visit.page.get_by_text(absent, exact=True)).to_have_count(0)
        visit.look("Upload")
        file = {"name": "mine.txt", "mimeType": "text/plain", "buffer": b"mine"}
        visit.page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        expect(visit.page.get_by_role("link", name="mine.txt")).to_be_visible()
        visit.look("Health")
        expect(visit.page.get_by_text("The gateway is ready.")).to_be_visible()


@contextmanager
def below(url: str, path: str, *, only: str = "") -> Iterator[str]:
    """A proxy that has a gateway below a path, as `location /llm/ { proxy_pass http://gateway/; }` does. `only`: the
    one path that it passes on."""
    gateway = urlsplit(url).netloc

    class Proxy(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def passed_on(self) -> None:
            asked = self.path.removeprefix(path)
            if asked == self.path or (only and asked != only):
                self.send_error(404)
                return
            line = http.client.HTTPConnection(gateway, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            line.request(self.command, asked, body, {**self.headers, "Host": self.headers["Host"]})
            answer = line.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            line.close()

        do_GET = do_POST = do_DELETE = passed_on

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{path}"
        server.shutdown()
        thread.join()


def test_behind_a_proxy_that_has_the_gateway_below_a_path_all_of_it_works(browser: Browser, url: str) -> None:
    with below(url, "/llm/v2") as public, Visit(browser, public) as visit:
        page = visit.page
        page.goto(f"{public}/")
        page.get_by_label("Your key").fill("sk-ann")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
        visit.look("Upload")
        file = {"name": "behind.txt", "mimeType": "text/plain", "buffer": b"behind a proxy"}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        page.get_by_role("link", name="behind.txt").click()
        expect(page.get_by_role("region", name="Text of behind.txt")).to_contain_text("behind a proxy")
        page.get_by_label("Your question").fill("What does it say?")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_text("Answered")).to_be_attached()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You have signed out.")).to_be_visible()


def test_where_a_proxy_passes_on_the_page_alone_it_says_what_is_missing(browser: Browser, url: str) -> None:
    with below(url, "/llm", only="/ui") as public, Visit(browser, public, allowed=["404"]) as visit:
        visit.open()
        expect(visit.page.get_by_text("must pass on every path beside this one")).to_be_visible()


def fill(catalogue: str) -> None:
    """Very many files of Ann's that share the bytes of one."""

    def work(conn: Connection) -> None:
        blob = BlobRecord(ids.new_blob_id(), "ann", hashlib.sha256(b"x").hexdigest(), 1, conn.now())
        file = FileRecord(
            id="", owner="ann", blob_id=blob.id, filename="", mime_type="video/mp4", bytes=1, sha256=blob.sha256,
            purpose="user_data", created_at=0.0,
        )  # fmt: skip
        for at in range(MANY):
            named = replace(file, id=ids.new_file_id(), filename=f"Lecture {at:05}.mp4", created_at=conn.now() - at)
            commit_file(conn, named, blob, owner_limit=None)

    async def main() -> None:
        database = await open_database(catalogue, clock=SystemClock())
        await database.write(work, timeout=60)
        await database.close()

    asyncio.run(main())


@pytest.mark.full
def test_very_many_files_are_listed_searched_and_paged(
    sandbox: SandboxServer, tmp_path: Path, browser: Browser
) -> None:
    settings = settings_for(sandbox, tmp_path)
    with gateway_server(settings) as url, Visit(browser, url) as visit:
        page = visit.page
        with client_for(url) as ann:
            ann.files.create(file=("one.txt", b"x"), purpose="user_data")
        # In this thread Playwright's loop runs.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fill, settings.storage.catalog_url).result()
        visit.sign_in()
        expect(page.get_by_role("row")).to_have_count(101)
        # No more than a window shows is waited for, whatever a page has: `scripts/paint` measures how long that takes.
        visit.context.add_init_script(DRAWN)
        page.reload()
        expect(page.get_by_role("row")).to_have_count(101)
        assert page.evaluate("drawnFirst") == [True, True, True]
        page.get_by_role("button", name="Show more").click()
        expect(page.get_by_role("row")).to_have_count(201)
        page.get_by_label("Search by name").fill("09999")
        expect(page.get_by_role("row")).to_have_count(2)
        expect(page.get_by_role("link", name="Lecture 09999.mp4")).to_be_visible()
