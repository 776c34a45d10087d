"""The page over lines that are slow, dead or cut, and behind proxies that answer in the gateway's place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from browser import Visit, png
from gateways import client_for

BROKEN = ("net::ERR_", "Failed to load resource")
PORTAL = "<!doctype html><title>Sign in</title><p>Welcome to our network</p>"
SPAN = 16_000
"""Milliseconds in which a view that counts on by itself asks three times."""


@contextmanager
def held(page: Page, address: str) -> Iterator[list[Route]]:
    """What is asked for there is not answered."""
    asked: list[Route] = []
    page.route(address, lambda route: asked.append(route))
    yield asked
    for route in asked:
        # One that the page gave up is none any more.
        with suppress(Error):
            route.abort()
    page.unroute(address)


def test_an_answer_that_takes_long_is_waited_for(browser: Browser, url: str) -> None:
    """Views that ask again by themselves took back what they had asked: over a slow line they never had an answer."""
    with Visit(browser, url, allowed=BROKEN) as visit:
        page = visit.page
        page.clock.install()
        visit.sign_in()
        for view, path in (("Accounts", "accounts"), ("Health", "health"), ("Spend", "usage*")):
            with held(page, f"**/liftgate/{path}") as asked:
                visit.look(view)
                page.clock.run_for(1000)
                begun = len(asked)
                page.clock.run_for(SPAN)
                assert (begun > 0, len(asked)) == (True, begun), view


def test_a_line_that_is_dead_is_given_up(browser: Browser, url: str) -> None:
    with Visit(browser, url, allowed=BROKEN) as visit:
        page = visit.page
        page.clock.install()
        visit.sign_in()
        visit.look("Upload")
        with held(page, "**/liftgate/files?*"):
            visit.look("Files")
            expect(page.get_by_text("Loading the files …")).to_be_visible()
            page.clock.run_for(61_000)
            expect(page.get_by_role("alert")).to_contain_text("The gateway has not answered for a minute.")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("There is no file yet.")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (502, "text/html", "<h1>Bad Gateway</h1>", "A proxy on the way has no answer of the gateway (status 502)."),
        (
            504,
            "text/html",
            "<h1>Gateway Time-out</h1>",
            "A proxy on the way has no answer of the gateway (status 504).",
        ),
        (500, "application/json", '{"error": "upstream"}', "The gateway answered with status 500. Try again."),
        (403, "application/json", "null", "The gateway answered with status 403. Try again."),
        (200, "text/html", PORTAL, "What answered is not the gateway"),
        (200, "application/json", '{"object": "li', "What answered is not the gateway"),
    ],
)
def test_what_a_proxy_says_in_the_gateways_place_is_told_in_words(
    browser: Browser, url: str, status: int, kind: str, body: str, said: str
) -> None:
    with Visit(browser, url, allowed=BROKEN) as visit:
        page = visit.page
        visit.sign_in()
        page.route("**/liftgate/accounts", lambda route: route.fulfill(status=status, content_type=kind, body=body))
        visit.look("Accounts")
        expect(page.get_by_role("alert")).to_contain_text(said)
        page.unroute("**/liftgate/accounts")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("of 20.0 GiB").first).to_be_visible()


def test_what_a_line_kept_away_is_asked_for_again(browser: Browser, url: str) -> None:
    """A preview that did not come was said to be nothing that this browser shows; models were asked for once."""
    with client_for(url, "sk-bob") as bob, Visit(browser, url, allowed=BROKEN) as visit:
        file = bob.files.create(file=("picture.png", png()), purpose="vision")
        page = visit.page
        visit.sign_in("sk-bob")
        for address in ("**/content", "**/v1/models"):
            page.route(address, lambda route: route.abort())
        page.get_by_role("link", name="picture.png").click()
        expect(page.get_by_text("or the line broke")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("The gateway cannot be reached.")
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
        for address in ("**/content", "**/v1/models"):
            page.unroute(address)
        for _ in range(2):
            page.get_by_role("button", name="Try again").first.click()
        expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 200)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
        bob.files.delete(file.id)


def test_an_upload_outlasts_what_answers_in_the_gateways_place(browser: Browser, url: str) -> None:
    answers = [
        {"status": 200, "content_type": "text/html", "body": PORTAL},
        {"status": 503, "content_type": "application/json", "body": '{"error": {"message": "The disk is full."}}'},
    ]
    with Visit(browser, url, allowed=BROKEN) as visit:
        page = visit.page
        page.clock.install()
        visit.sign_in("sk-bob")
        visit.look("Upload")
        row = page.get_by_role("listitem").filter(has_text="portal.txt")

        def instead(route: Route) -> None:
            if answers:
                route.fulfill(**answers[0])  # type: ignore[arg-type]
            else:
                route.continue_()

        page.route("**/parts", instead)
        page.locator("input[type=file]").set_input_files(
            {"name": "portal.txt", "mimeType": "text/plain", "buffer": b"through a portal"}
        )
        page.clock.run_for(500)
        expect(row).to_contain_text("It goes on by itself")
        answers.pop(0)
        page.clock.run_for(3000)
        expect(row).to_contain_text("The disk is full.")
        answers.pop(0)
        page.clock.run_for(10_000)
        expect(page.get_by_role("link", name="portal.txt")).to_be_visible()
        page.route("**/parts", lambda route: route.fulfill(status=413, body="<h1>413 Request Entity Too Large</h1>"))
        page.locator("input[type=file]").set_input_files(
            {"name": "large.txt", "mimeType": "text/plain", "buffer": b"larger than a proxy takes"}
        )
        page.clock.run_for(500)
        expect(page.get_by_role("alert")).to_contain_text("A proxy on the way takes no request of this size")
        page.get_by_role("button", name="Cancel large.txt").click()
    with client_for(url, "sk-bob") as bob:
        [file] = [each for each in bob.files.list() if each.filename == "portal.txt"]
        bob.files.delete(file.id)


def test_a_failure_that_is_over_is_told_no_more(browser: Browser, url: str) -> None:
    with Visit(browser, url, allowed=BROKEN) as visit:
        page = visit.page
        visit.sign_in()
        visit.context.set_offline(True)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("alert")).to_have_text(
            re.compile("^You are still signed in. The gateway cannot be reached.")
        )
        visit.context.set_offline(False)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You have signed out.")).to_be_visible()
        page.get_by_label("Your key").fill("sk-ann")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_an_upload_whose_sign_in_ends_waits_for_the_next(browser: Browser, url: str, tmp_path: Path) -> None:
    """It goes on with what is there already."""
    from cut_line import content_of
    from relay import relay_to

    path = tmp_path / "expired.txt"
    path.write_bytes(content_of(6 << 20))
    with relay_to(url, stop_at=3 << 20) as relay, Visit(browser, relay.url, allowed=[*BROKEN, "401"]) as visit:
        page = visit.page
        visit.upload("sk-bob").set_input_files(path)
        assert relay.stopped.wait(60)
        ours = {"X-Liftgate-Page": "1", "Sec-Fetch-Site": "same-origin"}
        assert visit.context.request.delete(f"{relay.url}/liftgate/session", headers=ours).status == 200
        relay.go_on()
        expect(page.get_by_text("Your sign-in is over. Sign in again to go on.")).to_be_visible()
        page.get_by_label("Your key").fill("sk-bob")
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile(r"^Paused at"))).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
        page.get_by_role("button", name="Resume expired.txt").click()
        expect(page.get_by_role("link", name="expired.txt")).to_be_visible()
        assert relay.sent <= (6 + 2 + 1) << 20
    with client_for(url, "sk-bob") as bob:
        [file] = [each for each in bob.files.list() if each.filename == "expired.txt"]
        bob.files.delete(file.id)
