"""The page by keyboard alone: everything is reached, and the place is kept when what it was at is taken away."""

from __future__ import annotations

from playwright.sync_api import Browser, Locator, expect

from browser import Visit
from gateways import SandboxServer, client_for


def test_by_keyboard_alone(browser: Browser, url: str) -> None:
    with client_for(url, "sk-bob") as bob:
        for name in ("one.txt", "two.txt"):
            bob.files.create(file=(name, name.encode()), purpose="user_data")
    with Visit(browser, url) as visit:
        page = visit.page
        keys = page.keyboard

        def to(role: str, name: str, key: str = "Tab", within: Locator | None = None) -> None:
            """Goes on until this is what the keyboard acts on; never past the page's end, where the browser's own
            buttons come, and the way back is its own business."""
            wanted = (within or page.locator("body")).get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
            expect(wanted).to_be_visible()
            passed: list[str] = []
            while not wanted.evaluate("element => element === document.activeElement"):
                passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
                assert len(passed) < 40 and not (passed[1:] and passed[-1].startswith("<body")), (name, passed)
                keys.press(key)

        visit.open()
        expect(page.get_by_label("Your key")).to_be_focused()
        keys.type("sk-bob")
        keys.press("Enter")
        to("checkbox", "Choose two.txt")
        keys.press("Space")
        to("button", "Delete", "Shift+Tab")
        keys.press("Enter")
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        keys.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name="Delete")).to_be_focused()
        keys.press("Enter")
        to("button", "Delete", within=page.get_by_role("dialog"))
        keys.press("Enter")
        expect(page.get_by_role("link", name="two.txt")).to_have_count(0)
        expect(page.get_by_role("heading", name="Files", exact=True)).to_be_focused()
        to("link", "one.txt")
        keys.press("Enter")
        expect(page.get_by_role("heading", name="one.txt", exact=True)).to_be_focused()
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
        to("textbox", "Your question")
        keys.type("What is it?")
        keys.press("Control+Enter")
        expect(page.locator(".cost")).to_be_visible()
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
        to("button", "Sign out", "Shift+Tab")
        keys.press("Enter")
        expect(page.get_by_label("Your key")).to_be_focused()


def test_the_place_is_kept_when_what_the_keyboard_was_at_goes(
    browser: Browser, url: str, sandbox: SandboxServer
) -> None:
    with client_for(url, "sk-bob") as bob:
        kept = [bob.files.create(file=(f"{name}.txt", name.encode()), purpose="user_data") for name in ("ham", "egg")]
    with Visit(browser, url) as visit:
        page = visit.page
        keys = page.keyboard
        visit.sign_in("sk-bob")
        page.get_by_label("Choose egg.txt").press("Space")
        page.get_by_role("button", name="Choose none").press("Enter")
        expect(page.get_by_label("Choose all that are shown")).to_be_focused()
        page.get_by_label("Choose egg.txt").press("Space")
        page.get_by_role("link", name="Ask about it").press("Enter")
        expect(page.get_by_role("heading", name="Ask", exact=True)).to_be_focused()

        # A question stays when a file comes to it, and files are chosen and left out by keyboard.
        page.get_by_label("Your question").fill("What are these?")
        page.get_by_label("Add a file by its name").fill("ham")
        page.get_by_role("button", name="Add ham.txt").press("Enter")
        expect(page.get_by_label("Add a file by its name")).to_be_focused()
        expect(page.get_by_label("Your question")).to_have_value("What are these?")
        page.get_by_role("button", name="Leave out egg.txt").press("Enter")
        expect(page.get_by_role("link", name="ham.txt")).to_be_focused()

        # Whoever goes on elsewhere while an answer comes is left there when it ends; nothing is asked twice meanwhile.
        sandbox.control("faults", {"kind": "stall", "operation": "stream", "seconds": 120})
        try:
            page.get_by_label("Your question").press("Control+Enter")
            expect(page.get_by_role("button", name="Stop")).to_be_visible()
            page.get_by_label("Ask further").fill("And then?")
            keys.press("Control+Enter")
            page.get_by_label("Add a file by its name").focus()
        finally:
            sandbox.control("faults", method="DELETE")
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
        expect(page.get_by_label("Add a file by its name")).to_be_focused()
        expect(page.get_by_label("Ask further")).to_have_value("And then?")
        expect(page.locator(".answer")).to_have_count(1)
        expect(page.locator(".answer")).to_contain_text("received 1 file")
        page.get_by_label("Ask further").press("Control+Enter")
        expect(page.locator(".cost")).to_have_count(2)
        page.get_by_role("button", name="Begin anew").press("Enter")
        expect(page.locator(".answer")).to_have_count(0)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()

        visit.look("Upload")
        empty = [{"name": f"{name}.txt", "mimeType": "text/plain", "buffer": b""} for name in ("first", "second")]
        page.locator("input[type=file]").set_input_files(empty)  # type: ignore[arg-type]
        page.get_by_role("button", name="Clear first.txt").press("Enter")
        expect(page.get_by_role("button", name="Clear second.txt")).to_be_focused()
        keys.press("Enter")
        expect(page.locator("input[type=file]")).to_be_focused()
    with client_for(url, "sk-bob") as bob:
        for file in kept:
            bob.files.delete(file.id)


def test_a_dialog_that_is_left_and_asked_for_again_at_once_is_there(browser: Browser, url: str) -> None:
    """Both before the browser has said that the first one is closed: it says so in a later task."""
    with client_for(url, "sk-bob") as bob:
        bob.files.create(file=("asked.txt", b"asked"), purpose="user_data")
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in("sk-bob")
        page.get_by_label("Choose asked.txt").press("Space")
        page.get_by_role("button", name="Delete", exact=True).press("Enter")
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        page.evaluate(
            """async () => {
                const dialog = document.querySelector("dialog");
                const asks = [...document.querySelectorAll("button.danger")].find((each) => !dialog.contains(each));
                dialog.requestClose();
                await Promise.resolve();
                asks.click();
            }"""
        )
        page.wait_for_timeout(300)
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("link", name="asked.txt")).to_be_visible()
