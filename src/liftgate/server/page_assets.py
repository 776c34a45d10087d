"""The page's files as a browser gets them: under names that change with their bytes, so that it keeps them for good.

`liftgate/page` has them as they are written. There is no build: the imports of modules get their new names here, once,
when the first browser asks.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources

ENTRY = "app.js"
_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "html": "text/html; charset=utf-8",
}
_IMPORT = re.compile(r'(?m)^((?:import|export)\b[^"\n]*|\} from )"\./([\w-]+\.js)"')


@dataclass(frozen=True, slots=True)
class Asset:
    """`etag`: of the bytes, quoted; `packed`: the same, compressed with gzip."""

    media_type: str
    body: bytes
    packed: bytes
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """By the name in the URL."""
    return {name: _asset(name, text) for name, text in _named().values()}


@cache
def index(prefix: str) -> Asset:
    """The page itself. `prefix`: the path before ours, where a proxy has one."""
    named, prefix = _named(), escape(prefix)
    scripts = [name for source, (name, _) in named.items() if source.endswith(".js")]
    preloads = "\n".join(f'<link rel="modulepreload" href="{prefix}/ui/{name}">' for name in sorted(scripts))
    text = _read("index.html").replace("<!-- modules -->", preloads)
    for source, (name, _) in named.items():
        text = text.replace(f'"{source}"', f'"{prefix}/ui/{name}"')
    return _asset("index.html", text.replace("{prefix}", prefix))


@cache
def _named() -> Mapping[str, tuple[str, str]]:
    """The name as it is written → the name in the URL, the text with the new names in it."""
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in resources.files("liftgate.page").iterdir()
        if entry.name.rpartition(".")[2] in ("js", "css", "svg")
    }
    found: dict[str, tuple[str, str]] = {}

    def name(source: str) -> str:
        if source not in found:
            text = _IMPORT.sub(lambda match: f'{match[1]}"./{name(match[2])}"', texts[source])
            stem, _, kind = source.rpartition(".")
            found[source] = (f"{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{kind}", text)
        return found[source][0]

    for source in texts:
        name(source)
    return found


def _asset(name: str, text: str) -> Asset:
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Asset(_TYPES[name.rpartition(".")[2]], body, gzip.compress(body, mtime=0), etag)


def _read(name: str) -> str:
    return resources.files("liftgate.page").joinpath(name).read_text(encoding="utf-8")
