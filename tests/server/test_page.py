"""`/ui` over the wire: small, whole, kept by browsers for good, and bound by its policy."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import pytest

from gateways import gateway_server, sandbox_server, settings_for
from liftgate.settings import AuthSettings, ServerSettings
from raw_http import Answer, call

MOST_BYTES = 60_000
ROOT = Path(__file__).parents[2]


def get(url: str, path: str, **headers: str) -> Answer:
    return call(url, "GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()})


def named_in(text: str) -> list[str]:
    """The paths that the page names, seen from where it is."""
    return [urljoin("/ui", name) for name in re.findall(r'(?:href|src)="([^"]+)"', text)]


def test_the_whole_page_is_small_and_nothing_of_it_is_elsewhere(url: str) -> None:
    page = get(url, "/ui", Accept_Encoding="gzip, br")
    text = gzip.decompress(page.body).decode()
    paths = sorted(set(named_in(text)) - {"/liftgate/session"})
    kinds = [re.sub(r"\.[0-9a-f]{12}\.", ".", path) for path in paths]
    assert kinds == ["/ui/app.js", "/ui/htm-preact.js", "/ui/icon.svg", "/ui/page.css"]
    got = {path: get(url, path, Accept_Encoding="gzip") for path in paths}
    assert {answer.status for answer in got.values()} == {200}
    assert sum(len(answer.body) + sum(map(len, answer.headers)) for answer in (page, *got.values())) <= MOST_BYTES
    for path, answer in got.items():
        source = gzip.decompress(answer.body).decode()
        assert not re.search(r"https?://(?!www\.w3\.org/)", source), path
        if path.endswith(".js"):
            assert answer.headers["content-type"].startswith("text/javascript")
            imported = re.findall(r'from\s*"([^"]+)"', source)
            assert all(f"/ui/{each.removeprefix('./')}" in got for each in imported), path


def test_every_module_is_in_the_one_script_after_what_it_imports(url: str) -> None:
    [name] = [path for path in named_in(get(url, "/ui").body.decode()) if "app." in path]
    text = get(url, name).body.decode()
    assert re.findall(r"(?m)^(?:import|export)\b.*", text) == re.findall(r'import \* as \S+ from "[^"]+";', text)
    known = ["$htm_preact"]
    for scope, body in re.findall(r"(?ms)^const (\$\w+) = \(\(\) => \{\n(.*?)^\}\)\(\);$", text):
        assert set(re.findall(r"(?m)^const \{ [^}]+ \} = (\$\w+);$", body)) <= set(known)
        known.append(scope)
    modules = (path.stem.replace("-", "_") for path in (ROOT / "src/liftgate/page").glob("*.js"))
    assert sorted(known) == sorted(f"${each}" for each in modules)


def test_the_bare_address_leads_to_it(url: str) -> None:
    for method in ("GET", "HEAD"):
        led = call(url, method, "/")
        assert (led.status, urljoin("/", led.headers["location"]), led.body) == (302, "/ui", b"")


def test_names_change_with_bytes_and_are_kept_for_good(url: str) -> None:
    page = get(url, "/ui")
    assert page.headers["cache-control"] == "no-cache"
    assert get(url, "/ui", If_None_Match=page.headers["etag"]).status == 304
    for path in set(named_in(page.body.decode())) - {"/liftgate/session"}:
        assert re.fullmatch(r"/ui/[\w-]+\.[0-9a-f]{12}\.(js|css|svg)", path)
        asset = get(url, path)
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = get(url, path, If_None_Match=asset.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert call(url, "HEAD", path).headers["content-length"] == str(len(asset.body))


def test_every_answer_of_it_carries_the_policy(url: str) -> None:
    for path in ("/ui", named_in(get(url, "/ui").body.decode())[0]):
        headers = get(url, path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["app.js", "index.html", "__init__.py", "htm-preact.LICENSE", "..%2f__init__.py", "x"])
def test_only_what_the_page_names_is_given(url: str, name: str) -> None:
    assert get(url, f"/ui/{name}").status == 404


@pytest.mark.parametrize("public", ["", "https://gate.example/llm"])
def test_behind_a_proxy_that_adds_a_path_the_page_finds_itself(tmp_path: Path, public: str) -> None:
    """Told of it or not: it names nothing by a path from the root."""
    server = ServerSettings(public_base_url=public)
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path, server=server)) as url:
        page, led = get(url, "/ui"), get(url, "/")
        names = re.findall(r'(?:href|src)="([^"]+)"', page.body.decode())
        assert names and all(re.fullmatch("ui/[^/]+|liftgate/session", name) for name in names)
        assert urljoin("/any/llm/", led.headers["location"]) == "/any/llm/ui"
        led = get(url, "/ui/")
        assert (led.status, urljoin("/any/ui/", led.headers["location"])) == (302, "/any/ui")


def test_where_its_scripts_do_not_come_the_page_says_so(url: str) -> None:
    assert "files have not come" in get(url, "/ui").body.decode()


def test_without_keys_the_page_opens_on_this_machine_only(tmp_path: Path) -> None:
    with (
        sandbox_server() as sandbox,
        gateway_server(settings_for(sandbox, tmp_path, auth=AuthSettings())) as url,
    ):
        assert get(url, "/ui").status == 200
        assert get(url, "/ui", Host="evil.example").status == 403


def test_the_licence_is_beside_the_library() -> None:
    text = (ROOT / "src/liftgate/page/htm-preact.LICENSE").read_text()
    assert "Apache License" in text and "The MIT License (MIT)" in text


def test_nothing_of_the_page_is_loaded_by_those_who_do_not_look() -> None:
    script = "import sys, liftgate; print([name for name in sys.modules if 'page' in name and 'liftgate' in name])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
