"""A key on its whole way through the page: made with limits, used by somebody, its spend watched, changed."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Browser, expect

from browser import Visit
from raw_http import call


def test_a_key_is_made_used_watched_and_changed(browser: Browser, url: str) -> None:
    with Visit(browser, url) as master, Visit(browser, url, allowed=["429"]) as user:
        page = master.page
        master.sign_in("sk-master")
        master.look("Keys")
        page.get_by_role("button", name="Make a key").click()
        for label, value in (
            ("Name, for lists and logs", "ci"),
            ("Owner, whose files it sees", "team-a"),
            ("Models, with commas between", "gemini-2.5-flash, gemini-2.5-pro"),
            ("Budget in dollars", "1.50"),
            ("Requests a minute", "2"),
        ):
            page.get_by_label(label).fill(value)
        page.get_by_label("The budget holds").select_option("each day")
        page.get_by_label("Good for").select_option("30 days")
        master.check_access()
        page.get_by_role("button", name="Make it").click()
        secret = page.get_by_label("The key", exact=True).input_value()
        row = page.get_by_role("row").filter(has_text="ci")
        expect(row).to_contain_text("gemini-2.5-flash, gemini-2.5-pro · $1.50 each day · 2 requests a minute")
        expect(row).to_contain_text(re.compile(r"good until .* \(in 30 days\)"))

        user.sign_in(secret)
        expect(user.page.get_by_text("team-a", exact=True)).to_be_visible()
        expect(user.page.get_by_role("link", name="Keys", exact=True)).to_have_count(0)
        user.look("Ask")
        for number in (1, 2):
            user.page.get_by_label(re.compile("Your question|Ask further")).fill(f"Question {number}")
            user.page.get_by_role("button", name="Ask", exact=True).click()
            expect(user.page.locator(".cost")).to_have_count(number)
        user.page.get_by_label("Ask further").fill("Question 3")
        user.page.get_by_role("button", name="Ask", exact=True).click()
        expect(user.page.get_by_role("alert")).to_contain_text(re.compile("limit", re.IGNORECASE))
        expect(user.page.get_by_label("Ask further")).to_have_value("Question 3")
        user.look("Spend")
        expect(user.page.get_by_role("table", name="By key")).to_contain_text("ci")
        expect(user.page.get_by_text("Budget each day")).to_be_visible()
        expect(user.page.get_by_text(re.compile(r"^\$0\.0\d+ of \$1\.50"))).to_be_visible()

        page.get_by_role("link", name="Spend of ci").click()
        expect(page.get_by_text("Of the key ci.")).to_be_visible()
        expect(page.get_by_text(re.compile(r"^\$0\.0\d+ of \$1\.50"))).to_be_visible()
        expect(page.get_by_role("img", name=re.compile(r"^Spend of 30 days: \$0\.0"))).to_be_visible()
        expect(page.get_by_role("table", name="By day").get_by_role("row")).to_have_count(2)
        master.check_access()
        page.get_by_label("The last").select_option("a year")
        expect(page.get_by_role("img", name=re.compile(r"^Spend of 365 days"))).to_be_visible()
        master.look("Keys")
        page.get_by_role("button", name="Change ci").click()
        expect(page.get_by_label("Budget in dollars")).to_have_value("1.5")
        page.get_by_label("Requests a minute").fill("")
        page.get_by_label("Tokens a minute").fill("100000")
        page.get_by_role("button", name="Change it").click()
        expect(row).to_contain_text("$1.50 each day · 100,000 tokens a minute")
        expect(row).not_to_contain_text("requests a minute")
        user.look("Ask")
        user.page.get_by_label("Your question").fill("Question 3")
        user.page.get_by_role("button", name="Ask", exact=True).click()
        expect(user.page.locator(".answer")).to_contain_text("Question 3")


def test_a_key_for_keys_begins_at_the_keys(browser: Browser, url: str) -> None:
    body = json.dumps({"key_type": "management"}).encode()
    made = call(url, "POST", "/key/generate", body, {"Authorization": "Bearer sk-master"}).json()
    with Visit(browser, url) as visit:
        visit.open()
        visit.page.get_by_label("Your key").fill(made["key"])
        visit.page.keyboard.press("Enter")
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("Keys")
        links = visit.page.get_by_role("navigation", name="Views").get_by_role("link")
        expect(links).to_have_text(["Keys", "Spend"])
        visit.look("Spend")
