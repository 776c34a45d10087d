"""The page's files as a browser gets them: under names that change with their bytes, so that it keeps them for good.

`liftgate/page` has them as they are written. There is no build: our modules are joined to one script here, once, when
the first browser asks. So a page takes four requests, one after which nothing else is waited for.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

ENTRY = "app.js"
LIBRARY = "htm-preact.js"
_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "html": "text/html; charset=utf-8",
}
_IMPORT = re.compile(r'^import (\{ [^}]+ \}) from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)


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
def index() -> Asset:
    """The page itself. It names all else from where it is, so a proxy may put it below any path."""
    text = _read("index.html")
    for source, (name, _) in _named().items():
        text = text.replace(f'"{source}"', f'"ui/{name}"')
    return _asset("index.html", text)


@cache
def _named() -> Mapping[str, tuple[str, str]]:
    """The name as it is written → the name in the URL, the text."""
    found = {source: _with_name(source, _read(source)) for source in (LIBRARY, "page.css", "icon.svg")}
    found[ENTRY] = _with_name(ENTRY, _joined(found[LIBRARY][0]))
    return found


def _with_name(source: str, text: str) -> tuple[str, str]:
    stem, _, kind = source.rpartition(".")
    return f"{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{kind}", text


def _joined(library: str) -> str:
    """Our modules as one: each keeps a scope of its own, and comes after those that it imports."""
    scopes = "".join(f"const {_scope(source)} = {text};\n" for source, text in _modules(ENTRY, set()))
    return f'import * as {_scope(LIBRARY)} from "./{library}";\n{scopes}'


def _modules(source: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Each module once, as a function's call that gives what it exports."""
    seen.add(source)
    text = _read(source)
    for _, imported in _IMPORT.findall(text):
        if imported not in seen and imported != LIBRARY:
            yield from _modules(imported, seen)
    exported = ", ".join(_EXPORT.findall(text))
    text = _IMPORT.sub(lambda match: f"const {match[1]} = {_scope(match[2])};\n", _EXPORT.sub("", text))
    yield source, f"(() => {{\n{text}return {{ {exported} }};\n}})()"


def _scope(source: str) -> str:
    return "$" + source.removesuffix(".js").replace("-", "_")


def _asset(name: str, text: str) -> Asset:
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Asset(_TYPES[name.rpartition(".")[2]], body, gzip.compress(body, mtime=0), etag)


def _read(name: str) -> str:
    return resources.files("liftgate.page").joinpath(name).read_text(encoding="utf-8")
