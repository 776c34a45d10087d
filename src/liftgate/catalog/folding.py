"""Names as people look for them. They are compared here and not by the database: its two engines fold letters beyond
ASCII in two ways, and neither folds all of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def folded(text: str) -> str:
    """As names are compared: letters of either case and in either of Unicode's forms are one."""
    return (
        text.casefold()
        if text.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


def one_holds(names: Sequence[str | None], part: str) -> bool:
    """Whether one of `names` has `part` in it. `part`: folded."""
    return any(part in folded(name) for name in names if name is not None)
