"""Pictures of the page: `scripts/screenshots [FOLDER]`; with `--all` every view, wide and narrow, light and dark."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import openai
from playwright.sync_api import Browser, expect

from browser import RECORDING, Visit, chromium, png
from gateways import ask, client_for, deployments, gateway_server, sandbox_server, settings_for
from liftgate.settings import CountingSettings

FOLDER = Path(__file__).parents[2] / "docs" / "images"
TALK = RECORDING.with_name("talk.mp4")
WIDTHS = {1280: 800, 320: 640}
SCHEMES = ("light", "dark")


def fill(client: openai.OpenAI) -> None:
    kept = [
        ("Lecture 12, thermodynamics.mp4", TALK.read_bytes()),
        ("Interview with the pilot.wav", RECORDING.read_bytes()),
        ("Whiteboard.png", png(640, 360)),
        ("Minutes of the meeting.txt", b"The ferry leaves at noon.\n" * 40),
        ("Contract, signed.txt", b"Between the parties.\n" * 4000),
    ]
    files = [client.files.create(file=each, purpose="user_data").id for each in kept]
    for file in files[:3]:
        ask(client, file)


def take(browser: Browser, url: str, folder: Path, width: int, scheme: str, names: tuple[str, ...] = ()) -> None:
    size = {"width": width, "height": WIDTHS[width]}
    with Visit(browser, url, viewport=size, color_scheme=scheme) as visit:
        page = visit.page

        def picture(name: str) -> None:
            if not names or name in names:
                page.wait_for_load_state("networkidle")
                page.mouse.move(0, 0)
                page.screenshot(path=folder / f"page-{name}-{width}-{scheme}.png", full_page=not names)

        visit.open()
        expect(page.get_by_label("Your key")).to_be_visible()
        picture("signin")
        visit.sign_in("sk-master")
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        picture("files")
        page.get_by_role("link", name="Lecture 12").click()
        page.get_by_label("Your question").fill("When does the ferry leave?")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".cost")).to_be_visible()
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        picture("file")
        for view in ("Upload", "Ask", "Accounts", "Keys", "Spend", "Health"):
            visit.look(view)
            if view == "Keys":
                page.get_by_role("button", name="Make a key").click()
            picture(view.lower())


def main(everything: bool, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sandbox_server() as sandbox, chromium() as browser:
        settings = settings_for(
            sandbox,
            Path(data),
            deployments=deployments(sandbox.url, ("research", "teaching")),
            counting=CountingSettings(spend=True, usage_write_seconds=0.1),
        )
        with gateway_server(settings) as url:
            with client_for(url, "sk-master") as client:
                fill(client)
            if everything:
                for width in WIDTHS:
                    for scheme in SCHEMES:
                        take(browser, url, folder, width, scheme)
            else:
                take(browser, url, folder, 1280, "light", ("files",))
                take(browser, url, folder, 1280, "dark", ("file",))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    arguments.add_argument("--all", action="store_true", help="every view, wide and narrow, light and dark")
    given = arguments.parse_args()
    main(given.all, given.folder)
