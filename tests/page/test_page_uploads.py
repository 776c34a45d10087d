"""Uploads in a real browser over a real line: cut, reloaded, paused, several at once; every byte once, or nearly."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser import Visit
from cut_line import content_of
from gateways import client_for
from relay import relay_to

MIB = 1 << 20
BROKEN = ("net::ERR_", "Failed to load resource")
"""What Chromium writes on its console where a test breaks the line."""


@pytest.mark.parametrize("size", [32 * MIB, pytest.param(300 * MIB, marks=pytest.mark.full)])
def test_an_upload_goes_on_after_two_cuts_and_a_reload(browser: Browser, url: str, tmp_path: Path, size: int) -> None:
    content = content_of(size)
    path = tmp_path / f"lecture {size}.bin.txt"
    path.write_bytes(content)
    cuts = [size * 3 // 10, size * 5 // 10]
    with (
        relay_to(url, cuts=cuts, stop_at=size * 7 // 10) as relay,
        Visit(browser, relay.url, allowed=BROKEN) as visit,
    ):
        page = visit.page
        visit.sign_in()
        visit.look("Upload")
        page.locator("input[type=file]").set_input_files(path)
        assert relay.stopped.wait(120), "the line was never used so far"
        assert relay.broken == 2
        page.reload()
        relay.go_on()
        unfinished = page.get_by_role("listitem").filter(has_text="Choose the same file again")
        expect(unfinished).to_contain_text(path.name)
        page.locator("input[type=file]").set_input_files(path)
        expect(page.get_by_role("link", name=path.name)).to_be_visible(timeout=120_000)
        expect(page.get_by_text("Not finished")).to_have_count(0)
        # What three breaks can cost: two parts each, and of a large file a hundredth is a part.
        most = 1.1 * size if size > 128 * MIB else size + 3 * 2 * MIB + MIB
        assert relay.sent <= most, f"{relay.sent / size:.3f} × the bytes"
        assert page.evaluate("localStorage.getItem('liftgate.uploads')") == "{}"
    with client_for(url) as ann:
        [file] = [each for each in ann.files.list() if each.filename == path.name]
        digest = hashlib.sha256(ann.files.content(file.id).read()).hexdigest()
    assert digest == hashlib.sha256(content).hexdigest()


def test_uploads_wait_for_each_other_are_paused_and_taken_back(browser: Browser, url: str, tmp_path: Path) -> None:
    paths = []
    for name in ("one.txt", "two.txt", "three.txt"):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content_of(5 * MIB, seed=len(name)))
    with relay_to(url, stop_at=3 * MIB) as relay, Visit(browser, relay.url, allowed=BROKEN) as visit:
        page = visit.page
        visit.upload("sk-bob").set_input_files(paths)
        assert relay.stopped.wait(60)
        page.get_by_role("button", name="Pause one.txt").click()
        page.get_by_role("button", name="Cancel two.txt").click()
        expect(page.get_by_text("Paused at")).to_be_visible()
        expect(page.get_by_text("two.txt")).to_have_count(0)
        relay.go_on()
        expect(page.get_by_role("link", name="three.txt")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("link", name="one.txt")).to_have_count(0)
        visit.check_access()
        page.get_by_role("button", name="Resume one.txt").click()
        expect(page.get_by_role("link", name="one.txt")).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Clear what is done").click()
        expect(page.get_by_role("link", name=re.compile("one|three"))).to_have_count(0)
        # An empty file is refused in words, and others who sign in in this browser hear nothing of it.
        page.locator("input[type=file]").set_input_files({"name": "empty.txt", "mimeType": "text/plain", "buffer": b""})
        expect(page.get_by_role("alert")).to_contain_text("The file is empty")
        expect(page.get_by_role("button", name="Resume empty.txt")).to_have_count(0)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Your key")).to_be_visible()
        page.get_by_label("Your key").fill("sk-ann")
        page.keyboard.press("Enter")
        visit.look("Upload")
        expect(page.get_by_role("listitem")).to_have_count(0)
    with client_for(url, "sk-bob") as bob:
        assert sorted(file.filename for file in bob.files.list()) == ["one.txt", "three.txt"]
