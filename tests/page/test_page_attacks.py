"""What others may try with a browser that is signed in: scripts in files, frames, foreign requests, stolen cookies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser import Visit
from foreign_pages import Pages
from gateways import client_for
from raw_http import call
from serving import serve

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
NAMES = (
    "<script>alert(1)<img src=x onerror=alert(2)>.txt",
    '"><svg onload=alert(3)>.html',
    "javascript:alert(4).txt",
    "'-alert(5)-'.md",
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(6)"><script>alert(7)</script></svg>'


LOADED = """async ([scripts, sheet]) => {
  const content = (id) => `/v1/files/${id}/content`;
  const ended = (element) => new Promise((done) => {
    element.onload = element.onmessage = () => done("run");
    element.onerror = () => done("refused");
  });
  const added = (tag, fields) => {
    const element = Object.assign(document.createElement(tag), fields);
    document.head.append(element);
    return ended(element);
  };
  const told = [added("link", { rel: "stylesheet", href: content(sheet) })];
  for (const id of scripts) {
    told.push(added("script", { src: content(id) }), import(content(id)).then(() => "run", () => "refused"));
    told.push(ended(new Worker(content(id))));
    told.push(navigator.serviceWorker.register(content(id)).then(() => "run", () => "refused"));
  }
  return Promise.all(told);
}"""


@pytest.fixture(scope="module")
def pages() -> Iterator[tuple[Pages, str]]:
    app = Pages({})
    with serve(app, lifespan="off") as base:
        yield app, base


def test_what_was_uploaded_never_runs(browser: Browser, url: str) -> None:
    with client_for(url) as ann:
        files = [ann.files.create(file=(name, SCRIPT.encode()), purpose="user_data").id for name in NAMES]
        svg = ann.files.create(file=("drawing.svg", SVG, "image/svg+xml"), purpose="user_data").id
        html = ann.files.create(file=("page.html", SCRIPT.encode(), "text/html"), purpose="user_data").id
    with Visit(browser, url) as visit:
        page = visit.page
        visit.sign_in()
        expect(page.get_by_role("row")).to_have_count(len(files) + 3)
        for name in NAMES:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        for file, name in zip((*files, svg, html), (*NAMES, "drawing.svg", "page.html"), strict=True):
            visit.open(f"files/{file}")
            expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
            expect(page.get_by_role("region", name="Text of")).to_contain_text("alert(")
        page.get_by_label("Your question").fill(SCRIPT)
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".answer")).to_contain_text(f"Prompt: {SCRIPT}")
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_contain_text("page.html")
        page.keyboard.press("Escape")
        # Opened by itself it is downloaded, whatever it calls itself.
        for file in (svg, html):
            with page.expect_download():
                page.evaluate("path => { location.href = path; }", f"/v1/files/{file}/content")
        assert page.evaluate("[document.cookie, document.scripts.length]") == ["", 1]
        assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in visit.context.cookies())


def test_a_script_that_got_into_the_page_would_not_run(browser: Browser, url: str) -> None:
    with client_for(url) as ann:
        # No text, and so no text/plain.
        code = ("code", b"/*\xff\xfe\x00*/ document.title = 'run'; postMessage('run')", "application/ecmascript")
        own = [
            ann.files.create(file=file, purpose="user_data").id
            for file in (code, ("code.js", b"document.title = 'run'", "text/javascript"))
        ]
        sheet = ann.files.create(file=("sheet.css", b"h1 { color: red }", "text/css"), purpose="user_data").id
    with Visit(browser, url, allowed=["Content Security Policy"]) as visit:
        visit.sign_in()
        # Its own origin has what anybody uploaded.
        loaded = visit.page.evaluate(LOADED, [own, sheet])
        assert loaded == ["refused"] * len(loaded) and len(loaded) == 9
        assert visit.page.title() == "Files – Liftgate"
        visit.allowed += ["403", "Refused to execute", "MIME type", "ServiceWorker"]
        visit.page.evaluate(
            """() => {
              document.querySelector("h1").innerHTML = "<img src=x onerror=alert(1)>";
              const script = document.createElement("script");
              script.textContent = "alert(2)";
              document.body.append(script);
              const foreign = document.createElement("script");
              foreign.src = "http://127.0.0.1:9/x.js";
              document.body.append(foreign);
            }"""
        )
        expect(visit.page.locator("h1 img")).to_have_count(1)
        told = visit.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'let out', () => 'kept in')")
        assert told == "kept in"
        visit.foreign.clear()  # asked for, and refused by the policy before anything left
        visit.allowed += ["Failed to load resource"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_page_can_neither_frame_nor_use_a_sign_in(
    browser: Browser, url: str, pages: tuple[Pages, str], host: str
) -> None:
    """Of another port of this host (the same site, to which `SameSite` means nothing), and of another site."""
    app, base = pages
    with client_for(url, "sk-bob") as bob:
        mine = bob.files.create(file=("picture.txt", b"Bob's"), purpose="user_data").id
    app.bodies["/evil"] = f"""<!doctype html><title>evil</title>
      <iframe src="{url}/ui"></iframe><iframe src="{url}/liftgate/files/{mine}/preview"></iframe>
      <form id="form" method="post" target="sink" action="{url}/liftgate/session" enctype="text/plain">
        <input name='{{"key": "sk-ann", "a": "' value='"}}'></form><iframe name="sink"></iframe>"""
    theirs = base.replace("127.0.0.1", host)
    with Visit(browser, url) as visit:
        visit.sign_in("sk-bob")
        before = visit.context.cookies()
        evil = visit.context.new_page()
        evil.goto(f"{theirs}/evil")
        visit.foreign.clear()
        framed, preview = evil.frames[1:3]
        assert not framed.url.startswith("http") and not framed.locator("#page").count()
        assert not preview.get_by_text("Bob's").count()
        told = evil.evaluate(
            """async ([url, file]) => {
              const told = [];
              const headers = { "X-Liftgate-Page": "1" };
              for (const [method, path] of [
                ["GET", "/v1/files"], ["GET", "/liftgate/session"], ["DELETE", `/v1/files/${file}`],
                ["POST", "/v1/uploads"], ["DELETE", "/liftgate/session"],
              ]) {
                const asked = fetch(url + path, { method, headers, credentials: "include" });
                told.push(await asked.then((answer) => answer.status, () => "refused"));
              }
              const blind = { method: "POST", mode: "no-cors", credentials: "include" };
              await fetch(`${url}/v1/files`, { ...blind, body: new FormData() });
              await fetch(`${url}/liftgate/session`, { ...blind, body: "{}" });
              navigator.sendBeacon(`${url}/liftgate/session`, JSON.stringify({ key: "sk-ann" }));
              document.getElementById("form").submit();
              const socket = new WebSocket(`${url.replace("http", "ws")}/v1/files`);
              told.push(await new Promise((done) => {
                socket.onopen = () => done("open");
                socket.onerror = () => done("refused");
              }));
              const events = new EventSource(`${url}/v1/files`, { withCredentials: true });
              told.push(await new Promise((done) => {
                events.onopen = events.onmessage = () => done("open");
                events.onerror = () => done("refused");
              }));
              events.close();
              const seen = (tag) => new Promise((done) => {
                const element = document.createElement(tag);
                element.onload = () => done("loaded");
                element.onerror = () => done("refused");
                element.src = `${url}/v1/files/${file}/content`;
                document.body.append(element);
              });
              for (const tag of ["img", "script", "video", "embed"]) told.push(await seen(tag));
              return told;
            }""",
            [url, mine],
        )
        # What is embedded shows an error of the gateway's, or none.
        assert told in ([*["refused"] * 10, each] for each in ("loaded", "refused"))
        with evil.expect_popup() as popup:
            evil.evaluate("url => { window.opened = open(url); }", f"{url}/ui")
        expect(popup.value.get_by_role("heading", name="Files", exact=True)).to_be_visible()
        assert popup.value.evaluate("opener") is None
        assert evil.evaluate("opened.closed"), "the page can be led elsewhere"
        evil.close()
        visit.foreign.clear()
        # Nothing has changed: the same cookie, for the same owner, with the same file.
        assert visit.context.cookies() == before
        visit.open("files")
        expect(visit.page.get_by_role("link", name="picture.txt").first).to_be_visible()
    with client_for(url, "sk-bob") as bob:
        bob.files.delete(mine)


def test_a_planted_cookie_and_a_stolen_one_are_worth_nothing(browser: Browser, url: str) -> None:
    at = url.removeprefix("http://")
    attacker = call(
        url,
        "POST",
        "/liftgate/session",
        b'{"key": "sk-bob"}',
        {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1", "Host": at},
    ).headers["set-cookie"]
    planted = attacker.partition(";")[0].partition("=")[2]
    name = f"liftgate-{url.rpartition(':')[2]}"
    with Visit(browser, url, allowed=["401"]) as master, Visit(browser, url, allowed=["401", "403"]) as victim:
        master.sign_in("sk-master")
        master.look("Keys")
        page = master.page
        page.get_by_role("button", name="Make a key").click()
        page.get_by_label("Name, for lists and logs").fill("victim")
        page.get_by_role("button", name="Make it").click()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        secret = page.get_by_label("The key", exact=True).input_value()
        assert page.evaluate("navigator.clipboard.readText()") == secret
        page.get_by_role("button", name="I have it").click()
        expect(page.get_by_label("The key", exact=True)).to_have_count(0)
        assert secret not in page.content()

        host = url.removeprefix("http://").partition(":")[0]
        victim.context.add_cookies([{"name": name, "value": planted, "domain": host, "path": "/"}])
        victim.open()
        expect(victim.page.get_by_text("bob", exact=True)).to_be_visible()
        victim.page.get_by_role("button", name="Sign out").click()
        expect(victim.page.get_by_text("You have signed out.")).to_be_visible()
        victim.context.add_cookies([{"name": name, "value": planted, "domain": host, "path": "/"}])
        victim.page.get_by_label("Your key").fill(secret)
        victim.page.keyboard.press("Enter")
        expect(victim.page.get_by_role("heading", name="Files")).to_be_visible()
        [cookie] = [each for each in victim.context.cookies() if each.get("name") == name]
        assert cookie.get("value") != planted

        stolen = {"Cookie": f"{name}={cookie.get('value')}", "Sec-Fetch-Site": "same-origin", "Host": at}
        assert call(url, "GET", "/v1/files", None, stolen).status == 200
        page.get_by_role("button", name="Block victim").click()
        expect(page.get_by_role("cell", name="blocked")).to_be_visible()
        assert call(url, "GET", "/v1/files", None, stolen).status == 401
        page.get_by_role("button", name="Unblock victim").click()
        expect(page.get_by_role("cell", name="good")).to_be_visible()
        assert call(url, "GET", "/v1/files", None, stolen).status == 200
        page.get_by_role("button", name="Delete victim").click()
        master.check_access()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("No key was made yet.")).to_be_visible()
        assert call(url, "GET", "/v1/files", None, stolen).status == 401
        victim.page.get_by_role("navigation", name="Views").get_by_role("link", name="Accounts").click()
        expect(victim.page.get_by_text("Your sign-in is over.")).to_be_visible()


def test_a_tab_never_acts_for_whoever_signed_in_with_the_browser_since(browser: Browser, url: str) -> None:
    def becomes(key: str) -> None:
        """Without a word to the tabs, as where they sleep."""
        headers = {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1", "Host": url.removeprefix("http://")}
        made = call(url, "POST", "/liftgate/session", b'{"key": "%s"}' % key.encode(), headers)
        name, _, value = made.headers["set-cookie"].partition(";")[0].partition("=")
        visit.context.add_cookies([{"name": name, "value": value, "url": url}])

    shows = "Whose files these are"
    with Visit(browser, url, allowed=["401"]) as visit:
        page = visit.page
        visit.sign_in("sk-bob")
        visit.look("Upload")
        becomes("sk-ann")
        file = {"name": "bobs.txt", "mimeType": "text/plain", "buffer": b"Bob's"}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        expect(page.get_by_title(shows)).to_have_text("ann")
        expect(page.get_by_text("bobs.txt")).to_have_count(0)
        with client_for(url) as ann:
            assert "bobs.txt" not in [each.filename for each in ann.files.list(limit=10000)]
        visit.look("Ask")
        becomes("sk-bob")
        page.get_by_label("Your question").fill("Ann's question")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_title(shows)).to_have_text("bob")
        expect(page.get_by_text("Ann's question")).to_have_count(0)
        # Come back to from the browser's memory, the page shows nothing of before.
        visit.look("Files")
        expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
        visit.context.clear_cookies()
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        expect(page.get_by_label("Your key")).to_be_visible()
        expect(page.get_by_title(shows)).to_have_count(0)
