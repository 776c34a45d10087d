"""Where a JSON body holds a lone surrogate: JavaScript writes one for a text that was cut within an emoji.

Such an escape (`"\\ud83d"`) is no text, and no server is known to take it. The error names its place.
"""

from __future__ import annotations

import re

from liftgate.ask.checks import At, Place
from liftgate.errors import InvalidRequest
from liftgate.json_types import loaded
from liftgate.large_bodies import Body

_LONE = re.compile("[\ud800-\udfff]")


def lone_surrogate(body: Body) -> str | None:
    """The path of the first text with one; None where something else is wrong with the body."""
    if b"\\u" not in body:
        return None
    try:
        waiting: list[tuple[At, object]] = [("", loaded(body))]
    except ValueError:
        return None
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, str) and _LONE.search(value):
            return str(at).removeprefix(".")
        if isinstance(value, dict):
            # In the name of a field it is found as a text at that place.
            each = [(Place(at, key), key if _LONE.search(key) else inner) for key, inner in value.items()]
            waiting.extend(reversed(each))
        elif isinstance(value, list):
            waiting.extend(reversed([(Place(at, index), inner) for index, inner in enumerate(value)]))
    return None


def no_text(path: str) -> InvalidRequest:
    path = path.encode("utf-8", "replace").decode()
    return InvalidRequest(
        f"Invalid '{path}': the text holds half of a character (a lone surrogate escape such as '\\ud83d'); it was "
        "probably cut within an emoji.",
        param=path,
        code="invalid_value",
    )
