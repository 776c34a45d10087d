"""How soon a list of 10,000 files is seen: `scripts/paint`, beside which nothing else should run."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from browser import Visit, chromium
from gateways import client_for, gateway_server, sandbox_server, settings_for
from test_page_open import fill

LOADS = 10
TRACED = ("-*", "blink.user_timing", "devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata")
# It tells by the console: a test that asks for the rows again and again would have its own work measured.
PAINTED = """
new MutationObserver((_, watch) => {
  if (!document.querySelector("table.files tbody tr")) return;
  watch.disconnect();
  requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => {
      performance.mark("painted");
      console.debug("painted");
    };
    after.port2.postMessage(0);
  });
}).observe(document, { subtree: true, childList: true });"""
TOOK = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [painted] = performance.getEntriesByName("painted");
  const answers = performance.getEntriesByType("resource");
  const list = answers.find((each) => each.name.includes("/liftgate/files"));
  const assets = [page, ...answers.filter((each) => each.name.includes("/ui/"))];
  const wire = assets.reduce((sum, each) => sum + each.transferSize, 0);
  return [painted.startTime - list.responseEnd, painted.startTime - page.responseEnd, wire];
}"""


@contextmanager
def listed(browser: Browser, url: str, *, kept: bool) -> Iterator[Visit]:
    """A browser that has signed in and stands before an empty page. `kept`: with the page's files in its cache."""
    with Visit(browser, url) as visit:
        visit.sign_in()
        visit.context.add_init_script(PAINTED)
        if not kept:
            visit.context.new_cdp_session(visit.page).send("Network.clearBrowserCache")
        visit.page.goto("about:blank")
        yield visit


def load(visit: Visit) -> None:
    with visit.page.expect_console_message(lambda told: told.text == "painted"):
        visit.page.goto(f"{visit.url}/ui", wait_until="commit")
    expect(visit.page.get_by_role("row")).to_have_count(101)


def took(browser: Browser, url: str, *, kept: bool) -> tuple[float, float, int]:
    """Milliseconds from the list's answer and from the page's until the rows are painted, and the bytes of the page."""
    with listed(browser, url, kept=kept) as visit:
        load(visit)
        after_list, after_page, wire = visit.page.evaluate(TOOK)
        return after_list, after_page, wire


def worked(browser: Browser, url: str) -> float:
    """Milliseconds of CPU that the page's thread takes from the list's answer on: the same beside other programs."""
    with listed(browser, url, kept=False) as visit:
        browser.start_tracing(page=visit.page, categories=list(TRACED))
        load(visit)
        events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    asked = {e["args"]["data"]["requestId"] for e in events if _is(e, "ResourceSendRequest", "/liftgate/files")}
    [begin] = [e["ts"] for e in events if _is(e, "ResourceFinish") and e["args"]["data"]["requestId"] in asked]
    [end] = [e for e in events if _is(e, "painted")]
    tasks = [e for e in events if _is(e, "RunTask") and (e["pid"], e["tid"]) == (end["pid"], end["tid"])]
    return float(sum(e["tdur"] for e in tasks if begin <= e["ts"] < end["ts"])) / 1000


def _is(event: dict[str, Any], name: str, address: str = "") -> bool:
    return event["name"] == name and address in event.get("args", {}).get("data", {}).get("url", address)


def shown(what: str, values: list[float]) -> None:
    print(f"  {what}: {min(values):.0f} – {statistics.median(values):.0f} – {max(values):.0f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as data, sandbox_server() as sandbox, chromium() as browser:
        settings = settings_for(sandbox, Path(data))
        with gateway_server(settings) as url:
            with client_for(url) as ann:
                ann.files.create(file=("one.txt", b"x"), purpose="user_data")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(fill, settings.storage.catalog_url).result()
            for kept in (False, True):
                loads = [took(browser, url, kept=kept) for _ in range(LOADS)]
                print("kept by the browser" if kept else "first visit", f"{max(wire for *_, wire in loads):,} bytes")
                shown("rows are painted after the list's answer", [after_list for after_list, *_ in loads])
                shown("rows are painted after the page's answer", [after_page for _, after_page, _ in loads])
            shown("of the first, on the processor", [worked(browser, url) for _ in range(LOADS)])


if __name__ == "__main__":
    main()
