"""Function names that OpenAI takes and Gemini refuses, and the names under which they are sent instead.

Gemini wants a letter or an underscore at the beginning. A name from a history may hold anything, as another model may
have said it. The same names in a request get the same aliases in every turn, so that calls and results keep matching.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

LONGEST = 128
LEGAL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}\Z")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_:.-]")
_LISTS = ("tools", "functions")
_DECLARATIONS = ("functionDeclarations", "function_declarations")


def alias(name: str, taken: set[str]) -> str:
    """A legal name for an illegal one, which is none of `taken` and is added to them."""
    found = "_" + _ILLEGAL.sub("_", name[:LONGEST])
    if len(name) >= LONGEST or found in taken:
        digest = sha256(name.encode("utf-8", "replace")).hexdigest()[:12]
        found = f"{found[: LONGEST - 20]}_{digest}"
    while found in taken:
        found = "_" + found[: LONGEST - 1]
    taken.add(found)
    return found


def declared(request: Mapping[str, Any]) -> set[str]:
    """Every name in the lists of tools, in whichever form they stand."""
    found: set[str] = set()
    more = request.get("extra_body")
    more = more if isinstance(more, Mapping) else {}
    for owner in (request, more, request.get("google"), more.get("google")):
        if isinstance(owner, Mapping):
            for key in _LISTS:
                listed = owner.get(key)
                for tool in listed if isinstance(listed, list) else ():
                    if isinstance(tool, Mapping):
                        found.update(_names(tool))
    return found


def _names(tool: Mapping[str, Any]) -> Iterator[str]:
    held = [tool, tool.get("function"), tool.get("custom")]
    for key in _DECLARATIONS:
        inner = tool.get(key)
        held.extend(inner if isinstance(inner, list) else ())
    for each in held:
        if isinstance(each, Mapping) and isinstance(name := each.get("name"), str):
            yield name
