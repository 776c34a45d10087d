"""How soon a list of 10,000 files is seen: `scripts/paint`, beside which nothing else should run."""

from __future__ import annotations

import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import expect

from browser import Visit, chromium
from gateways import client_for, gateway_server, sandbox_server, settings_for
from test_page_open import fill

LOADS = 10
PAINTED = """
new MutationObserver((_, watch) => {
  if (!document.querySelector("table.files tbody tr")) return;
  watch.disconnect();
  requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => { window.painted = performance.now(); };
    after.port2.postMessage(0);
  });
}).observe(document, { subtree: true, childList: true });"""
TOOK = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const answers = performance.getEntriesByType("resource");
  const list = answers.find((each) => each.name.includes("/liftgate/files"));
  const assets = [page, ...answers.filter((each) => each.name.includes("/ui/"))];
  const wire = assets.reduce((sum, each) => sum + each.transferSize, 0);
  return [painted - list.responseEnd, painted - page.responseEnd, wire];
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as data, sandbox_server() as sandbox, chromium() as browser:
        settings = settings_for(sandbox, Path(data))
        with gateway_server(settings) as url:
            with client_for(url) as ann:
                ann.files.create(file=("one.txt", b"x"), purpose="user_data")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(fill, settings.storage.catalog_url).result()
            for kept in (False, True):
                took = []
                for _ in range(LOADS):
                    with Visit(browser, url) as visit:
                        visit.sign_in()
                        visit.context.add_init_script(PAINTED)
                        if not kept:
                            visit.context.new_cdp_session(visit.page).send("Network.clearBrowserCache")
                        visit.page.goto("about:blank")
                        visit.open()
                        expect(visit.page.get_by_role("row")).to_have_count(101)
                        took.append(visit.page.evaluate(TOOK))
                print("kept by the browser" if kept else "first visit", f"{max(wire for *_, wire in took):,} bytes")
                after_list, after_page, _ = zip(*took, strict=True)
                for what, values in (("list", after_list), ("page", after_page)):
                    low, middle, high = min(values), statistics.median(values), max(values)
                    print(f"  rows are painted after the {what}'s answer: {low:.0f} – {middle:.0f} – {high:.0f} ms")


if __name__ == "__main__":
    main()
