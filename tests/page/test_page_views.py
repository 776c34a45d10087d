"""The whole way through the page in a real browser: every view, every kind of preview, by keyboard, at any width."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from browser import RECORDING, Visit, pdf, png
from gateways import MODEL, SandboxServer, client_for

LENGTH = """sound => new Promise((done, failed) => {
  sound.onerror = () => failed(sound.error);
  if (sound.readyState) done(sound.duration); else sound.onloadedmetadata = () => done(sound.duration);
})"""


def upload(page: Page, *files: tuple[str, str, bytes]) -> None:
    chosen = [{"name": name, "mimeType": kind, "buffer": content} for name, kind, content in files]
    page.locator("input[type=file]").set_input_files(chosen)  # type: ignore[arg-type]
    for name, _, _ in files:
        expect(page.get_by_role("link", name=name)).to_be_visible()


def check_reader(page: Page, name: str) -> None:
    """Chromium's own reader is open in the page, and has laid out one page of 400 × 200 points, as `pdf` makes it."""
    while not (readers := [frame for frame in page.frames if frame.url.startswith("chrome-extension://")]):
        page.wait_for_event("framenavigated")
    reader = readers[0]
    expect(reader.locator("#title")).to_have_text(name)
    expect(reader.locator("#pagelength")).to_have_text("1")
    paper = next(frame for frame in reader.child_frames if frame.url.endswith("/preview"))
    expect(paper.locator("embed")).to_be_visible()
    ratio = paper.locator("#sizer").evaluate("element => element.offsetWidth / element.offsetHeight")
    assert 1.9 <= ratio <= 2, ratio


def test_a_file_on_its_whole_way(browser: Browser, url: str) -> None:
    with Visit(browser, url) as visit:
        page = visit.page
        visit.open()
        visit.check_access()
        visit.sign_in()
        expect(page.get_by_text("There is no file yet.")).to_be_visible()
        visit.check_access()
        page.get_by_role("link", name="Upload the first one").click()
        upload(
            page,
            ("recording.wav", "audio/wav", RECORDING.read_bytes()),
            ("Notes.txt", "text/plain", b"What the lecture was about.\n" * 4000),
            ("picture.png", "image/png", png()),
            ("talk.mp4", "video/mp4", RECORDING.with_name("talk.mp4").read_bytes()),
            ("paper.pdf", "application/pdf", pdf("A paper")),
        )
        visit.check_access()

        visit.look("Files")
        expect(page.get_by_role("row")).to_have_count(6)
        page.get_by_label("Type").select_option("Audio")
        expect(page.get_by_role("row")).to_have_count(2)
        page.get_by_role("link", name="recording.wav").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("recording.wav")
        sound = page.locator("audio")
        assert sound.evaluate(LENGTH) > 7
        expect(page.get_by_role("cell", name="not there")).to_have_count(2)
        page.get_by_label("Your question").fill("What is said?")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".answer")).to_contain_text("The sandbox's gemini-2.5-flash received 1 file")
        expect(page.locator(".cost")).to_contain_text(re.compile(r"\d+ tokens in, \d+ out, \$0\.0"))
        expect(page.get_by_text("then made again on use")).to_be_visible()
        expect(page.get_by_text(re.compile(r"^\$0\.0\d+ in 1 request with it$"))).to_be_visible()
        page.get_by_label("Ask further").fill("And who speaks?")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".answer").nth(1)).to_contain_text("And who speaks?")
        visit.check_access()

        visit.look("Files")
        page.get_by_role("link", name="picture.png").click()
        expect(page.locator(".preview img")).to_have_js_property("complete", True)
        expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 200)
        visit.look("Files")
        page.get_by_role("link", name="talk.mp4").click()
        assert page.locator("video").evaluate(LENGTH) > 7
        expect(page.locator("video")).to_have_js_property("videoWidth", 320)
        visit.look("Files")
        page.get_by_label("Search by name").fill("notes")
        expect(page.get_by_role("row")).to_have_count(2)
        page.get_by_role("link", name="Notes.txt").click()
        expect(page.get_by_text("These are the first 64.0 KiB of 109.4 KiB.")).to_be_visible()
        expect(page.locator("pre")).to_contain_text("What the lecture was about.")
        visit.check_access()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "Notes.txt"
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_contain_text("Notes.txt and its copies at Google go.")
        visit.check_access()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Files")
        expect(page.get_by_role("row")).to_have_count(5)

        for view in ("Ask", "Accounts", "Health"):
            visit.look(view)
            visit.check_access()
        visit.look("Accounts")
        expect(page.get_by_text("of 20.0 GiB · 1 copy")).to_be_visible()
        visit.look("Spend")
        expect(page.get_by_role("img", name=re.compile(r"Spend of 30 days: \$0\.0"))).to_be_visible()
        expect(page.get_by_role("table", name="By model")).to_contain_text("gemini-2.5-flash")
        visit.check_access()

        visit.look("Files")
        page.get_by_label("Choose all that are shown").check()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("There is no file yet.")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You have signed out.")).to_be_visible()


def test_a_paper_is_open_in_the_browsers_own_reader(whole_browser: Browser, url: str) -> None:
    with client_for(url, "sk-bob") as bob:
        file = bob.files.create(file=("paper.pdf", pdf("A paper")), purpose="user_data").id
    with Visit(whole_browser, url) as visit:
        visit.sign_in("sk-bob")
        visit.page.get_by_role("link", name="paper.pdf").click()
        expect(visit.page.locator(".preview iframe")).to_have_attribute("src", re.compile("/preview$"))
        check_reader(visit.page, "paper.pdf")
    with client_for(url, "sk-bob") as bob:
        bob.files.delete(file)


def test_every_view_at_320_pixels_in_the_dark(browser: Browser, url: str) -> None:
    with client_for(url, "sk-master") as master:
        for name in ("a very long name without any place to break it " * 3, "x" * 200, "short"):
            master.files.create(file=(f"{name}.txt", name.encode()), purpose="user_data")
    with Visit(browser, url, viewport={"width": 320, "height": 640}, color_scheme="dark") as visit:
        page = visit.page
        visit.open()
        visit.check_access()
        visit.sign_in("sk-master")
        expect(page.get_by_role("row")).to_have_count(4)
        visit.check_access()
        page.get_by_label("Order").select_option("By name, from Z")
        expect(page.get_by_role("row").nth(1)).to_contain_text("xxx")
        page.get_by_label("Choose short.txt").check()
        page.get_by_role("link", name="Ask about it").click()
        expect(page.get_by_role("list", name="Files that are asked about")).to_contain_text("short.txt")
        page.get_by_label("Add a file by its name").fill("long")
        page.get_by_role("button", name=re.compile("^Add a very long")).click()
        visit.check_access()
        visit.look("Keys")
        page.get_by_role("button", name="Make a key").click()
        visit.check_access()
        for view in ("Upload", "Accounts", "Spend", "Health", "Files"):
            visit.look(view)
            visit.check_access()
        page.get_by_role("link", name="short.txt").click()
        expect(page.get_by_role("heading", name="Copies at Google")).to_be_visible()
        visit.check_access()


def test_tabs_of_one_browser_sign_in_and_out_together(browser: Browser, url: str) -> None:
    with Visit(browser, url, allowed=["401", "403"]) as visit:
        page = visit.page
        visit.open()
        page.get_by_label("Your key").fill("sk-nobody")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This key is not known here.")
        expect(page.get_by_role("status")).to_have_count(0)
        visit.sign_in("sk-ann")
        other = visit.context.new_page()
        other.goto(f"{url}/ui#/ask")
        expect(other.get_by_title("Whose files these are")).to_have_text("ann")
        page.get_by_role("button", name="Sign out").click()
        expect(other.get_by_text("You have signed out in another tab.")).to_be_visible()
        visit.sign_in("sk-bob")
        expect(other.get_by_title("Whose files these are")).to_have_text("bob")
        expect(other.get_by_role("heading", level=1)).to_have_text("Ask")
        # By an address that the master key's owner left in the browser.
        other.goto(f"{url}/ui#/keys")
        expect(other.get_by_role("alert")).to_contain_text("with the master key")
        expect(other.get_by_role("button", name="Make a key")).to_have_count(0)


def test_health_shows_how_far_a_copy_is(browser: Browser, url: str, sandbox: SandboxServer) -> None:
    sandbox.control("faults", {"kind": "stall", "operation": "upload.finalize", "after_bytes": 0, "seconds": 120})
    try:
        with client_for(url, "sk-bob") as bob:
            content = b"words \n" * 2_500_000
            prefetch = {"target_model_names": MODEL}
            long = bob.files.create(file=("long.txt", content), purpose="user_data", extra_body=prefetch)
        with Visit(browser, url) as visit:
            visit.sign_in("sk-bob")
            visit.look("Health")
            # Two pieces of 8 MiB of 17,500,000 bytes.
            expect(visit.page.get_by_role("table", name="Yours on the way")).to_contain_text("95 % sent")
            visit.check_access()
    finally:
        sandbox.control("faults", method="DELETE")
    with client_for(url, "sk-bob") as bob:
        bob.files.delete(long.id)
