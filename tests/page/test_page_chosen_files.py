"""What people choose and drop: folders, the same file twice, one that changes on the way, one that another tab has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from browser import Visit
from cut_line import content_of
from gateways import SandboxServer, client_for, gateway_server, settings_for
from liftgate.settings import LimitSettings
from relay import relay_to

MIB = 1 << 20
BROKEN = ("net::ERR_", "Failed to load resource")


def drop(page: Page, paths: Sequence[Path], place: str) -> None:
    """As from a file manager, by Chromium's own events."""
    box = page.locator(place).bounding_box()
    assert box
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    session.detach()


def taken(url: str) -> bytes:
    """The content of bob's only File, which is deleted."""
    with client_for(url, "sk-bob") as bob:
        [file] = bob.files.list().data
        content = bob.files.content(file.id).read()
        bob.files.delete(file.id)
    return content


def test_what_is_dropped_is_taken_and_a_folder_is_named(browser: Browser, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "all my talks"
    folder.mkdir()
    (folder / "inside.txt").write_bytes(b"inside")
    note = tmp_path / "note.txt"
    note.write_bytes(b"a note")
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in("sk-bob")
        # Beside the place for it a file would take the page's place in the tab.
        drop(page, [note], "h1")
        visit.look("Upload")
        drop(page, [folder, note], ".drop")
        expect(page.get_by_role("link", name="note.txt")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_text("“all my talks”: a folder is not taken. Choose the files in it.")
        expect(page.get_by_role("listitem")).to_have_count(1)
        drop(page, [note], "h1")
        drop(page, [folder], ".drop")
        expect(page.get_by_role("listitem")).to_have_count(1)
        visit.check_access()
    assert taken(url) == note.read_bytes()


def test_a_file_that_changes_on_the_way_is_not_taken_for_a_cut(browser: Browser, url: str, tmp_path: Path) -> None:
    path = tmp_path / "changing.txt"
    path.write_bytes(content_of(6 * MIB))
    with relay_to(url, stop_at=3 * MIB) as relay, Visit(browser, relay.url, allowed=BROKEN) as visit:
        page = visit.page
        chosen = visit.upload("sk-bob")
        chosen.set_input_files(path)
        assert relay.stopped.wait(60)
        path.write_bytes(b"another content")
        os.utime(path, (1, 1))
        relay.go_on()
        expect(page.get_by_role("alert")).to_contain_text("This file cannot be read any more")
        expect(page.get_by_role("button", name="Resume changing.txt")).to_have_count(0)
        chosen.set_input_files(path)
        expect(page.get_by_role("link", name="changing.txt")).to_be_visible()
        page.get_by_role("button", name="Cancel changing.txt").click()
        expect(page.get_by_role("listitem")).to_have_count(1)
    assert taken(url) == b"another content"


def test_the_same_file_again_is_an_upload_of_its_own(browser: Browser, url: str, tmp_path: Path) -> None:
    path = tmp_path / "twice.txt"
    path.write_bytes(content_of(5 * MIB))
    # The first whole, and a part of the second.
    with relay_to(url, stop_at=7 * MIB) as relay, Visit(browser, relay.url, allowed=BROKEN) as visit:
        page = visit.page
        chosen = visit.upload("sk-bob")
        chosen.set_input_files(path)
        expect(page.get_by_role("link", name="twice.txt")).to_be_visible()
        chosen.set_input_files(path)
        assert relay.stopped.wait(60)
        # The one that is done goes, with what is known of it; the other is still there after a reload.
        page.get_by_role("button", name="Clear twice.txt").click()
        expect(page.get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_role("button", name="Pause twice.txt")).to_be_visible()
        page.reload()
        expect(page.get_by_role("listitem")).to_contain_text("Choose the same file again")
        relay.go_on()
        page.get_by_role("button", name="Discard twice.txt").click()
        expect(page.get_by_role("listitem")).to_have_count(0)
    assert taken(url) == path.read_bytes()


def test_what_one_tab_sends_is_not_unfinished_in_another(browser: Browser, url: str, tmp_path: Path) -> None:
    path = tmp_path / "tabs.txt"
    path.write_bytes(content_of(5 * MIB))
    with relay_to(url, stop_at=3 * MIB) as relay, Visit(browser, relay.url, allowed=BROKEN) as visit:
        page = visit.page
        chosen = visit.upload("sk-bob")
        chosen.set_input_files(path)
        assert relay.stopped.wait(60)
        other = visit.context.new_page()
        other.goto(f"{relay.url}/ui#/upload")
        expect(other.get_by_role("heading", name="Upload", exact=True)).to_be_visible()
        other.locator("input[type=file]").set_input_files(path)
        expect(other.get_by_role("alert")).to_have_text("“tabs.txt”: another tab of this browser has it already.")
        expect(other.get_by_role("listitem")).to_have_count(0)
        # It is free when that tab is closed.
        page.close()
        expect(other.get_by_role("listitem")).to_contain_text("Choose the same file again")
        relay.go_on()
        other.locator("input[type=file]").set_input_files(path)
        expect(other.get_by_role("link", name="tabs.txt")).to_be_visible()
        expect(other.get_by_role("alert")).to_have_count(0)
    assert taken(url) == path.read_bytes()


def test_how_large_a_file_may_be_is_what_the_gateway_takes(
    browser: Browser, sandbox: SandboxServer, tmp_path: Path
) -> None:
    limits = LimitSettings(max_file_bytes=5 * MIB, file_bytes_by_owner={"bob": 3 * MIB})
    with gateway_server(settings_for(sandbox, tmp_path, limits=limits)) as url:
        for key, most in (("sk-ann", "5.0 MiB"), ("sk-bob", "3.0 MiB")):
            with Visit(browser, url, allowed=["400", "413"]) as visit:
                page = visit.page
                chosen = visit.upload(key)
                expect(page.get_by_text(f"Up to {most} each.")).to_be_visible()
                large = {"name": "large.bin", "mimeType": "video/mp4", "buffer": bytes(5 * MIB + 1)}
                chosen.set_input_files(large)  # type: ignore[arg-type]
                expect(page.get_by_role("alert")).to_contain_text(most)
