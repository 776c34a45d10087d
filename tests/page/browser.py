"""Debian's Chromium at a real gateway, driven by Playwright: what it asks, says and shows is watched all the while.

It comes twice: as people have it, and as a shell, which is its engine, network and profile without the windows, bars
and services around them. A visit in the shell costs a third.
"""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from javascript import axe, missing

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WHOLE = ("chromium", "chromium-browser")
SHELL = ("chromium-headless-shell", *WHOLE)
"""Debian has the shell as a package; where there is none, Chromium itself does the same."""
PATIENCE = 60_000
"""Milliseconds that a failing test waits; no measurement."""
RECORDING = Path(__file__).parents[2] / "examples" / "recording.wav"


@contextmanager
def driver() -> Iterator[Playwright]:
    """To be left before anything else runs a loop in this thread, or its own taken off meanwhile."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@contextmanager
def launched(playwright: Playwright, *names: str) -> Iterator[Browser]:
    """The first of these programs that is installed. Skips the test where none is, and fails it there in CI."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        missing(f"{names[0]} is not installed")
    browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), env={**os.environ, "TZ": "UTC"})
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """As people have it."""
    with driver() as playwright, launched(playwright, *WHOLE) as browser:
        yield browser


class Visit:
    """A browser of its own at the page of `url`. Leaving it fails where the page said an error, asked another origin or
    opened a dialog of the browser's.

    `allowed`: parts of errors on the console that the test itself provokes.
    """

    def __init__(self, browser: Browser, url: str, *, allowed: Sequence[str] = (), **options: Any) -> None:
        self.url = url
        self.allowed = list(allowed)
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.dialogs: list[str] = []
        self.sent = 0
        self.context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(PATIENCE)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda told: self.errors.append(told.text) if told.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.context.on("request", self._asked)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        # Chromium's own reader of PDFs is asked for by a scheme of its own.
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.url + "/"):
            self.foreign.append(request.url)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.context.close()
        if kind is None:
            said = [error for error in self.errors if not any(part in error for part in self.allowed)]
            assert not (said or self.foreign or self.dialogs), (said, self.foreign, self.dialogs)

    def open(self, view: str = "") -> None:
        self.page.goto(f"{self.url}/ui{'#/' + view if view else ''}")

    def sign_in(self, key: str = "sk-ann") -> None:
        self.open()
        self.page.get_by_label("Your key").fill(key)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", name="Files", exact=True)).to_be_visible()

    def look(self, view: str) -> None:
        """At a view, by its link."""
        self.page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(view)

    def upload(self, key: str) -> Locator:
        """Signs in and looks at the view of uploads; where files are chosen."""
        self.sign_in(key)
        self.look("Upload")
        return self.page.locator("input[type=file]")

    def check_access(self) -> None:
        """No obstacle that axe knows, and nothing that is wider than the window, once the view is drawn."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        expect(self.page.locator("main [role=status]:text('…')")).to_have_count(0)
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(f"() => {{ {axe()}; }}")
        found = self.page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
        obstacles = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
        assert not obstacles, obstacles
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"]  # type: ignore[index]


def png(width: int = 200, height: int = 120) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x28\x78\xdc" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf(text: str) -> bytes:
    """One page with a line of text on it."""
    stream = f"BT /F1 24 Tf 40 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    rest = b"xref\n0 5\n0000000000 65535 f \n%strailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + rest % (table, len(out))
