"""What others wrote is shown as it stands: names in every view, answers, addresses, what a browser had kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser import Visit
from foreign_pages import Pages
from gateways import SandboxServer, client_for
from raw_http import call
from serving import serve

TAG = "<img src=x onerror=alert(1)>"
TURNED = "invo\u2060ice\u202efdp.exe"
PLAIN = "invo\ufffdice\ufffdfdp.exe"
NAMES = ("__proto__", "constructor", "{{1+1}}${1+1}", "--><textarea><script>alert(2).txt", TURNED)
ANSWER = """<script>alert(1)</script><style>body { display: none }</style><svg onload=alert(2)></svg>

[script](javascript:alert(3)) [data](data:text/html,<script>alert(4)</script>) [session](/liftgate/session)
![picture]({elsewhere}/picture.png) <a href="{elsewhere}">raw</a>

<meta http-equiv="refresh" content="0;url={elsewhere}"><base href="{elsewhere}"><form action="{elsewhere}">

| <iframe src="{elsewhere}"></iframe> |
|---|
| [elsewhere]({elsewhere}/place) |
"""


def is_whole(page: Page) -> None:
    """Nothing but the page's own parts is in it, nothing shared by all objects was changed."""
    assert page.locator("main :is(script, style, meta, base, [onload], [onerror], iframe)").count() == 0
    assert page.locator("script").count() == 1
    assert page.evaluate("[Object.keys(Object.prototype), 'id' in {}, document.title.includes('Liftgate')]") == [
        [],
        False,
        True,
    ]


def test_names_are_only_names_in_every_view(browser: Browser, url: str) -> None:
    with client_for(url, "sk-master") as master:
        files = [master.files.create(file=(name, b"words"), purpose="user_data").id for name in NAMES]
    for alias in (TAG, "__proto__"):
        body = json.dumps({"key_alias": alias, "user_id": f"{alias} & others"}).encode()
        assert call(url, "POST", "/key/generate", body, {"Authorization": "Bearer sk-master"}).status == 200
    shown = [*NAMES[:-1], PLAIN]
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in("sk-master")
        for name in shown:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
            page.get_by_label(f"Choose {name}", exact=True).check()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text([*shown])
        is_whole(page)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("link", name="Ask about them").click()
        expect(page.get_by_role("listitem").get_by_role("link")).to_have_text([*shown])
        is_whole(page)
        for file, name in zip(files, shown, strict=True):
            visit.open(f"files/{file}")
            expect(page.get_by_role("heading", level=1)).to_have_text(name)
            expect(page).to_have_title(f"{name} – Liftgate")
            with page.expect_download() as download:
                page.get_by_role("link", name="Download").click()
            assert not {"\u202e", "/", "<"} & set(download.value.suggested_filename)
        is_whole(page)
        visit.look("Keys")
        for name in (TAG, "__proto__"):
            expect(page.get_by_role("rowheader").filter(has_text=name)).to_be_visible()
            expect(page.get_by_role("cell", name=f"{name} & others")).to_be_visible()
        page.get_by_role("button", name=f"Delete {TAG}").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"Delete {TAG}?")
        is_whole(page)
        page.keyboard.press("Escape")
        visit.look("Upload")
        names = [{"name": name, "mimeType": "text/plain", "buffer": name.encode()} for name in ("toString", TURNED)]
        page.locator("input[type=file]").set_input_files(names)  # type: ignore[arg-type]
        for name in ("toString", PLAIN):
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        is_whole(page)


def test_names_of_any_length_leave_the_page_as_wide_as_the_window(browser: Browser, url: str) -> None:
    body = json.dumps({"key_alias": "A" * 250, "user_id": "L" * 190, "models": ["gemini-2.5-flash"]}).encode()
    key = call(url, "POST", "/key/generate", body, {"Authorization": "Bearer sk-master"}).json()["key"]
    with client_for(url, key) as someone:
        file = someone.files.create(file=("W" * 200 + ".txt", b"words"), purpose="user_data").id
        question: Any = [{"type": "text", "text": "Q" * 500}, {"type": "file", "file": {"file_id": file}}]
        someone.chat.completions.create(model="gemini-2.5-flash", messages=[{"role": "user", "content": question}])
    with Visit(browser, url, viewport={"width": 320, "height": 640}) as visit:
        visit.sign_in(key)
        expect(visit.page.get_by_title("L" * 190)).to_be_visible()
        visit.check_access()
        for view in (f"files/{file}", f"ask?files={file}", "accounts", "spend", "upload"):
            visit.open(view)
            visit.check_access()
    with Visit(browser, url, viewport={"width": 320, "height": 640}) as visit:
        visit.sign_in("sk-master")
        visit.look("Keys")
        visit.page.get_by_role("button", name="Delete A").click()
        expect(visit.page.get_by_role("dialog")).to_be_visible()
        visit.check_access()


def test_what_google_says_of_a_failure_is_text_and_short(browser: Browser, url: str, sandbox: SandboxServer) -> None:
    """Tags, what turns letters round, lines, a key, and very much of it."""
    told = f"{TAG}<script>alert(1)</script>\n{TURNED} " + "W" * 1_000_000
    fault = {"kind": "failed_processing", "operation": "upload.finalize", "message": told}
    sandbox.control("faults", fault)
    with client_for(url, "sk-bob") as bob:
        body = {"target_model_names": "gemini-2.5-flash"}
        file = bob.files.create(file=("refused.txt", b"refused"), purpose="user_data", extra_body=body).id
        for _ in range(600):
            if bob.files.retrieve(file).status == "error":
                break
            time.sleep(0.05)
    refusal = {"error": {"code": 400, "message": f"{told} key-a key-b", "status": "INVALID_ARGUMENT"}}
    sandbox.control("scripts", {"status": 400, "body": refusal})
    with Visit(browser, url, viewport={"width": 320, "height": 640}, allowed=["400"]) as visit:
        page = visit.page

        def is_short(place: Locator) -> None:
            expect(place).to_contain_text(f"{TAG}<script>alert(1)</script> {PLAIN}")
            assert len(place.inner_text()) < 1000
            is_whole(page)
            visit.check_access()

        visit.sign_in("sk-bob")
        visit.open(f"files/{file}")
        is_short(page.get_by_role("table", name="Copies at Google").get_by_role("cell", name="Gemini could not"))
        is_short(page.locator("dd", has_text="Gemini could not"))
        visit.look("Accounts")
        is_short(page.get_by_role("table", name="Refused by Google").get_by_role("cell", name="Gemini could not"))
        visit.look("Ask")
        page.get_by_label("Your question").fill("What is it?")
        page.get_by_role("button", name="Ask", exact=True).click()
        is_short(page.get_by_role("alert").locator("p"))
    sandbox.control(
        "scripts", {"status": 400, "body": {"error": {**refusal["error"], "message": "Not key-a, not key-b"}}}
    )
    with client_for(url, "sk-bob") as bob, pytest.raises(openai.BadRequestError) as refused:
        bob.chat.completions.create(model="gemini-2.5-flash", messages=[{"role": "user", "content": "Hm?"}])
    assert "[the key]" in str(refused.value)


def test_an_answer_is_neither_run_nor_a_way_to_anything_of_ours(
    browser: Browser, url: str, sandbox: SandboxServer
) -> None:
    with serve(Pages({"/place": "<!doctype html><title>place</title>"}), lifespan="off") as elsewhere:
        text = ANSWER.replace("{elsewhere}", elsewhere)
        parts = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        sandbox.control("scripts", {"chunks": [{"candidates": [parts]}]})
        with Visit(browser, url) as visit:
            page = visit.page
            visit.sign_in("sk-bob")
            visit.look("Ask")
            page.get_by_label("Your question").fill("What is it?")
            page.get_by_role("button", name="Ask", exact=True).click()
            answer = page.locator(".answer")
            expect(answer).to_contain_text("<svg onload=alert(2)></svg>")
            for written in ("[script](javascript:alert(3))", "[data](data:", "[session](/liftgate/session)"):
                expect(answer).to_contain_text(written)
            is_whole(page)
            links = answer.get_by_role("link").evaluate_all("links => links.map((link) => link.href)")
            assert links and all(link.startswith(f"{elsewhere}/") for link in links), links
            assert answer.locator("img, form, svg").count() == 0
            visit.check_access()
            with page.expect_popup() as popup:
                answer.get_by_role("link", name="elsewhere").click()
            expect(popup.value).to_have_title("place")
            assert popup.value.evaluate("[document.referrer, opener]") == ["", None]
            visit.foreign.clear()  # followed on purpose


@pytest.fixture(scope="module")
def master(browser: Browser, url: str) -> Iterator[Visit]:
    """One that has signed in, for all that leaves it as it was."""
    with Visit(browser, url, allowed=["404", "400"]) as visit:
        visit.sign_in("sk-master")
        yield visit


@pytest.mark.parametrize(
    ("place", "heading"),
    [
        ("constructor", "Files"),
        ("__proto__", "Files"),
        ("%E0%A4%A", "Files"),
        ("files/%2e%2e%2f%2e%2e%2fv1%2fmodels", "File"),
        ("files/" + "a" * 5000, "File"),
        ("ask?files=__proto__,..%2fsession,%3Cscript%3E", "Ask"),
        ("spend?key=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", "Spend"),
        ("keys?__proto__[x]=1", "Keys"),
    ],
)
def test_an_address_that_was_made_up_shows_a_view(master: Visit, place: str, heading: str) -> None:
    master.open(place)
    master.page.reload()
    expect(master.page.get_by_role("heading", level=1)).to_have_text(heading)
    is_whole(master.page)
    master.look("Health")


def test_what_another_version_kept_in_the_browser_is_left_alone(browser: Browser, url: str) -> None:
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in("sk-bob")
        for kept in ("null", "[]", "{", '{"x": 1}', '{"[]": null}', '{"[\\"bob\\"]": {"id": 5}}', '{"__proto__": {}}'):
            page.evaluate("kept => localStorage.setItem('liftgate.uploads', kept)", kept)
            page.evaluate("localStorage.setItem('liftgate.model', '<script>alert(1)</script>')")
            page.reload()
            visit.look("Upload")
            expect(page.get_by_text("Not finished")).to_have_count(0)
            visit.look("Ask")
            expect(page.get_by_label("Model")).to_have_value("gemini-2.5-flash")
        file = {"name": "after.txt", "mimeType": "text/plain", "buffer": b"after"}
        visit.look("Upload")
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        expect(page.get_by_role("link", name="after.txt")).to_be_visible()


def test_nothing_that_was_seen_is_left_after_signing_out(browser: Browser, url: str) -> None:
    with client_for(url, "sk-bob") as bob:
        file = bob.files.create(file=("secret.txt", b"a secret of Bob's"), purpose="user_data").id
    kept = """path => fetch(path, { mode: "same-origin", cache: "only-if-cached" })
      .then((answer) => answer.status, () => 0)"""
    with Visit(browser, url, allowed=["401", "net::ERR_CACHE_MISS"]) as visit:
        page = visit.page
        visit.sign_in("sk-bob")
        visit.open(f"files/{file}")
        expect(page.get_by_role("region", name="Text of secret.txt")).to_contain_text("a secret")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You have signed out.")).to_be_visible()
        assert "secret" not in page.content()
        for path in (f"/v1/files/{file}/content", f"/liftgate/files/{file}", "/liftgate/files", "/v1/models"):
            assert page.evaluate(kept, path) in (0, 504), path
            assert page.evaluate("path => fetch(path).then((answer) => answer.status)", path) == 401, path
        page.go_back()
        expect(page.get_by_label("Your key")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Your key")).to_be_visible()
        assert "secret" not in page.content()
