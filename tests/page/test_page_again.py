"""Views that are come back to, looked at with another clock, on paper, and in colours of the reader's own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser import Visit
from gateways import SandboxServer, ask, client_for, settings_for
from liftgate.clock import SystemClock
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import CountingSettings
from raw_http import call
from serving import serve

DAY = 86_400
PALE = "() => getComputedStyle(document.body).backgroundColor"


def test_a_view_comes_back_as_it_was_left(browser: Browser, url: str) -> None:
    """By Back, Forward and a reload; to its owner only."""
    with client_for(url, "sk-bob") as bob, Visit(browser, url) as visit:
        kept = [bob.files.create(file=(f"{name}.txt", name.encode()), purpose="user_data") for name in ("ham", "egg")]
        page = visit.page
        visit.sign_in("sk-bob")
        page.get_by_label("Search by name").fill("egg")
        expect(page.get_by_role("row")).to_have_count(2)
        page.get_by_role("button", name="Size").click()
        page.get_by_role("link", name="egg.txt").click()
        expect(page.get_by_role("heading", name="egg.txt")).to_be_visible()
        for come_back in (page.go_back, page.reload):
            come_back()
            expect(page.get_by_role("row")).to_have_count(2)
            expect(page.get_by_label("Search by name")).to_have_value("egg")
            expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
        page.go_forward()
        expect(page.get_by_role("heading", name="egg.txt")).to_be_visible()
        visit.look("Spend")
        page.get_by_label("The last").select_option("7 days")
        visit.look("Ask")
        page.get_by_label("Add a file by its name").fill("ham")
        page.get_by_role("button", name="Add ham.txt").click()
        page.reload()
        expect(page.get_by_role("list", name="Files that are asked about")).to_contain_text("ham.txt")
        page.go_back()
        expect(page.get_by_label("The last")).to_have_value("7")
        page.go_back()
        page.go_back()
        expect(page.get_by_label("Search by name")).to_have_value("egg")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Your key")).to_be_visible()
        page.get_by_label("Your key").fill("sk-ann")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Search by name")).to_have_value("")
        for file in kept:
            bob.files.delete(file.id)


def test_files_that_are_gone_are_left_out_of_a_question(browser: Browser, url: str) -> None:
    with client_for(url, "sk-bob") as bob, Visit(browser, url, allowed=["404"]) as visit:
        kept = [bob.files.create(file=(f"{name}.txt", name.encode()), purpose="user_data") for name in ("one", "two")]
        bob.files.delete(kept[0].id)
        visit.sign_in("sk-bob")
        visit.open(f"ask?files={kept[0].id},{kept[1].id}")
        expect(visit.page.get_by_role("list", name="Files that are asked about")).to_contain_text("two.txt")
        expect(visit.page.get_by_role("alert")).to_have_text("1 file of those that were chosen is not there any more.")
        bob.files.delete(kept[1].id)


def test_a_question_keeps_its_lines(browser: Browser, url: str) -> None:
    asked = "Two things:\n\n  1. Who speaks?\n  2. When?"
    with Visit(browser, url) as visit:
        visit.sign_in("sk-bob")
        visit.open("ask")
        visit.page.get_by_label("Your question").fill(asked)
        visit.page.get_by_role("button", name="Ask", exact=True).click()
        shown = visit.page.locator(".question")
        expect(shown).to_be_visible()
        assert shown.inner_text().endswith(asked)


@pytest.mark.parametrize("model", ["gemini-2.5-flash-preview-tts", "gemini-2.5-flash-image"])
def test_sound_and_images_of_an_answer_are_told(
    browser: Browser, sandbox: SandboxServer, tmp_path: Path, model: str
) -> None:
    settings = settings_for(sandbox, tmp_path)
    served = (replace(settings.deployments[0], model_name=model, model=model),)
    with serve(build_app(Gateway(replace(settings, deployments=served)))) as url, Visit(browser, url) as visit:
        visit.sign_in("sk-bob")
        visit.open("ask")
        visit.page.get_by_label("Your question").fill("A cat, please")
        visit.page.get_by_role("button", name="Ask", exact=True).click()
        expect(visit.page.get_by_text("The model answered with sound or an image")).to_be_visible()
        # Words that came beside it are shown as ever.
        expect(visit.page.locator(".answer").get_by_text("A cat, please")).to_have_count(int("image" in model))


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (
            ["gemini-2.5-flash-image", "gemini-2.5-flash-preview-tts", "gemini-2.5-pro", "gemini-2.5-flash"],
            "gemini-2.5-flash",
        ),
        (["gemini-embedding-001", "gemini-2.5-flash-native-audio-latest", "gemini-2.5-pro"], "gemini-2.5-pro"),
        (["gemini-2.5-flash", "google/gemini-flash-latest"], "google/gemini-flash-latest"),
        (["gemini-2.5-flash-preview-tts"], "gemini-2.5-flash-preview-tts"),
    ],
)
def test_the_model_that_is_asked_first_answers_in_words(
    browser: Browser, sandbox: SandboxServer, tmp_path: Path, names: list[str], first: str
) -> None:
    settings = settings_for(sandbox, tmp_path)
    listed = tuple(replace(settings.deployments[0], id=name, model_name=name) for name in names)
    with serve(build_app(Gateway(replace(settings, deployments=listed)))) as url, Visit(browser, url) as visit:
        visit.sign_in("sk-bob")
        visit.open("ask")
        expect(visit.page.get_by_label("Model")).to_have_value(first)


def test_what_is_chosen_stays_when_others_are_found(browser: Browser, url: str) -> None:
    with client_for(url, "sk-bob") as bob, Visit(browser, url) as visit:
        kept = [bob.files.create(file=(f"n{at:02}.txt", b"%d" % at), purpose="user_data") for at in range(52)]
        page = visit.page
        visit.sign_in("sk-bob")
        page.get_by_label("Search by name").fill("n00")
        expect(page.get_by_role("row")).to_have_count(2)
        page.get_by_label("Choose all that are shown").check()
        page.get_by_label("Search by name").fill("n01")
        expect(page.get_by_role("link", name="n01.txt")).to_be_visible()
        page.get_by_label("Choose all that are shown").check()
        expect(page.get_by_text("2 files chosen")).to_be_visible()
        page.get_by_label("Choose all that are shown").uncheck()
        expect(page.get_by_text("1 file chosen")).to_be_visible()
        page.get_by_label("Search by name").fill("")
        expect(page.get_by_role("row")).to_have_count(53)
        page.get_by_label("Choose all that are shown").check()
        expect(page.get_by_role("link", name="Ask about the first 50")).to_be_visible()
        page.get_by_role("button", name="Choose none").click()
        expect(page.get_by_role("button", name="Choose none")).to_have_count(0)
        for file in kept:
            bob.files.delete(file.id)


def test_a_key_far_down_is_changed_where_it_can_be_seen(browser: Browser, url: str) -> None:
    master = {"Authorization": "Bearer sk-master"}
    made = [call(url, "POST", "/key/generate", b'{"key_alias": "k%d"}' % at, master).json()["key"] for at in range(30)]
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in("sk-master")
        visit.look("Keys")
        page.get_by_role("button", name="Change k0", exact=True).click()
        form = page.get_by_role("form", name="Change k0")
        expect(form.get_by_label("Models, with commas between")).to_be_focused()
        expect(form.get_by_label("Models, with commas between")).to_be_in_viewport()
        form.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Make a key").click()
        expect(page.get_by_label("Name, for lists and logs")).to_be_focused()
    for key in made:
        call(url, "POST", "/key/delete", b'{"keys": ["%s"]}' % key.encode(), master)


def test_a_page_of_keys_that_is_gone_leads_to_the_last_one(browser: Browser, url: str) -> None:
    master = {"Authorization": "Bearer sk-master"}
    made = [call(url, "POST", "/key/generate", b'{"key_alias": "p%d"}' % at, master).json()["key"] for at in range(51)]
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in("sk-master")
        visit.look("Keys")
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text("Page 2 of 2")).to_be_visible()
        expect(page.get_by_role("row")).to_have_count(2)  # its own, after those of the page before
        page.get_by_role("button", name=re.compile("^Delete p")).click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("row")).to_have_count(51)
        expect(page.get_by_text("No key was made yet.")).to_have_count(0)
    for key in made:
        call(url, "POST", "/key/delete", b'{"keys": ["%s"]}' % key.encode(), master)


@pytest.mark.parametrize("days", [-400, 3])
def test_times_are_the_gateways_whatever_the_browsers_clock_says(
    browser: Browser, sandbox: SandboxServer, tmp_path: Path, days: int
) -> None:
    settings = settings_for(sandbox, tmp_path, counting=CountingSettings(spend=True))
    with (
        serve(build_app(Gateway(settings)), date_header=True) as url,
        client_for(url, "sk-bob") as bob,
        Visit(browser, url) as visit,
    ):
        file = bob.files.create(file=("clock.txt", b"what time is it"), purpose="user_data")
        ask(bob, file.id)
        page = visit.page
        now = SystemClock().now()
        page.clock.install(time=now + days * DAY)
        visit.sign_in("sk-bob")
        row = page.get_by_role("row").filter(has_text="clock.txt")
        expect(row).to_contain_text("today")
        # The gateway's seconds are whole ones: within the first of them it is a part of one more than 48 hours.
        expect(row).to_contain_text(re.compile("(48 h|2 days) left"))
        row.get_by_role("link").click()
        expect(page.get_by_text(re.compile(r"\(in (48 h|2 days)\), then made again on use"))).to_be_visible()
        visit.look("Spend")
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        expect(page.locator(".curve").get_by_text(today)).to_be_visible()
        bob.files.delete(file.id)


def test_a_text_is_shown_in_its_own_encoding(browser: Browser, url: str) -> None:
    said = "Grüße, Ōsaka €"
    texts = {
        "marked.txt": ("text/plain", said.encode("utf-16")),
        "plain.txt": ("text/plain", said.encode()),
        "declared.txt": ("text/plain; charset=utf-16be", said.encode("utf-16-be")),
        "older.txt": ("text/plain", "Grüße, €".encode("cp1252")),
        # The 64 KiB that are shown end in the middle of a letter.
        "long.txt": ("text/plain", ("x" + "ü" * 65536).encode()),
    }
    shown = {"older.txt": "Grüße, €", "long.txt": "x" + "ü" * (32 * 1024 - 1)}
    with client_for(url, "sk-bob") as bob, Visit(browser, url) as visit:
        kept = [bob.files.create(file=(name, data, kind), purpose="user_data") for name, (kind, data) in texts.items()]
        visit.sign_in("sk-bob")
        for file in kept:
            visit.open(f"files/{file.id}")
            text = visit.page.get_by_role("region", name=f"Text of {file.filename}")
            expect(text).to_have_text(shown.get(file.filename, said))
            bob.files.delete(file.id)


def test_on_paper_a_view_is_dark_on_white_and_whole(browser: Browser, url: str) -> None:
    with client_for(url, "sk-bob") as bob, Visit(browser, url, color_scheme="dark") as visit:
        file = bob.files.create(file=("minutes.txt", b"The ferry leaves at noon.\n" * 400), purpose="user_data")
        page = visit.page
        visit.sign_in("sk-bob")
        page.get_by_role("link", name="minutes.txt").click()
        text = page.get_by_role("region", name="Text of minutes.txt")
        expect(text).to_be_visible()
        assert page.evaluate(PALE) != "rgb(255, 255, 255)"
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(PALE) == "rgb(255, 255, 255)"
        assert text.evaluate("element => element.clientHeight >= element.scrollHeight")
        for pressed in (
            page.get_by_role("link", name="Download"),
            page.get_by_role("button"),
            page.get_by_role("navigation"),
            page.get_by_label("Your question"),
        ):
            expect(pressed.first).to_be_hidden()
        page.emulate_media(media="screen")
        visit.look("Files")
        page.emulate_media(media="print")
        expect(page.get_by_role("columnheader", name="Size")).to_have_text("Size")
        expect(page.get_by_role("button", name="Size")).to_be_visible()
        expect(page.get_by_role("checkbox").first).to_be_hidden()
        bob.files.delete(file.id)


def test_in_colours_of_the_readers_own_the_view_that_is_open_is_marked(browser: Browser, url: str) -> None:
    with Visit(browser, url, forced_colors="active", color_scheme="dark") as visit:
        visit.sign_in("sk-ann")
        for view in ("Upload", "Ask", "Accounts", "Spend", "Health", "Files"):
            visit.look(view)
            here = visit.page.get_by_role("navigation", name="Views").get_by_role("link", name=view)
            assert here.evaluate("element => getComputedStyle(element).textDecorationLine") == "underline", view
