"""The name that a client gave its file, made safe to store and to give back. It is never a path on our disk."""

from __future__ import annotations

from liftgate.errors import InvalidRequest

LONGEST = 512
UNNAMED = "upload"


def clean_filename(name: str | None, *, param: str = "file") -> str:
    """The last component without control characters; `upload` when nothing is left.

    Raises InvalidRequest for NUL, for text that is not Unicode (lone surrogates) and for more than 512 characters.
    """
    if not name:
        return UNNAMED
    if "\x00" in name:
        raise InvalidRequest("The filename holds a NUL character.", param=param)
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise InvalidRequest("The filename is not valid Unicode text.", param=param)
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    kept = "".join(character for character in last if character >= " " and not "\x7f" <= character <= "\x9f").strip()
    if len(kept) > LONGEST:
        raise InvalidRequest(
            f"The filename has {len(kept)} characters; {LONGEST} are the most that is allowed.", param=param
        )
    return UNNAMED if kept in ("", ".", "..") else kept
