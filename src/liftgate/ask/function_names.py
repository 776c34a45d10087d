"""Function names that other APIs take and Gemini refuses, and the names under which they are sent instead.

Gemini wants a letter or an underscore at the beginning. A name from a history may hold anything, as another model may
have written it. The same names in a request get the same aliases in every turn, so that calls and results still match.
"""

from __future__ import annotations

import re
from hashlib import sha256

LONGEST = 128
LEGAL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}\Z")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_:.-]")


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
