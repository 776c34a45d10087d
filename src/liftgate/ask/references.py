"""What a client refers to where a file or a URL is meant: a File, data, an address to fetch, or what Gemini reads by
itself. Films at YouTube come out in the spelling that Gemini takes (docs/protocol/gemini.md, "What goes wrong"):
`https://www.youtube.com/watch?v=…`.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from liftgate.ask import checks
from liftgate.ask.media import MediaKind
from liftgate.errors import InvalidRequest
from liftgate.names import is_google_file

WEB = re.compile(r"https?://", re.IGNORECASE)
"""Schemes and hosts have no case (RFC 3986, 6.2.2.1)."""
_HOST = re.compile(
    r"https?://(?:[\w-]+\.)*(?:youtube(?:-nocookie|kids)?\.com|youtube\.googleapis\.com|youtu\.be)\.?(?::\d+)?(?:[/?#]|\Z)",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"https://(?:(?:(?:www|m)\.)?youtube\.com/(?:watch\?(?:[^#]*&)?v=[\w-]|shorts/[\w-]|live/[\w-])|youtu\.be/[\w-])"
)
_BY_PATH = ("shorts", "live", "embed", "v", "e", "watch")
_ID = re.compile(r"[\w-]{1,64}\Z", re.ASCII)


def kind_of(ref: str, param: str) -> tuple[MediaKind, str]:
    """What a reference is, and the reference as it is used from here on."""
    if ref.startswith("file-"):
        return "file_id", ref
    if ref[:5].lower() == "data:":
        return "inline", ref
    if ref[:5].lower() == "gs://":
        return "pass", ref
    if not WEB.match(ref):
        return "file_id", ref
    watched = film(ref, param)
    if watched is not None:
        return "pass", watched
    return ("file_id" if is_google_file(ref) else "url"), ref


def not_a_url(param: str, ref: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}'. Expected a valid URL or a data URL, but got {checks.shown(ref)}.",
        param=param,
        code="invalid_value",
    )


def film(url: str, param: str) -> str | None:
    """The URL of the one film that this is, None for what is not at YouTube. Raises InvalidRequest for what is there
    and no single film: a list, a channel, a search."""
    if not _HOST.match(url):
        return None
    if _TAKEN.match(url):
        return url
    name = _id_in(url)
    if name is None:
        raise InvalidRequest(
            f"Invalid '{param}'. It is at YouTube and no single film: Gemini takes "
            "'https://www.youtube.com/watch?v=…'.",
            param=param,
            code="invalid_value",
        )
    return f"https://www.youtube.com/watch?v={name}"


def _id_in(url: str) -> str | None:
    parts = urlsplit(url)
    steps = [step for step in parts.path.split("/") if step]
    query = parse_qs(parts.query)
    if (parts.hostname or "").rstrip(".").endswith("youtu.be"):
        found = steps[0] if len(steps) == 1 else ""
    elif steps == ["watch"]:
        found = query.get("v", [""])[0]
    elif steps == ["attribution_link"]:
        inner = query.get("u", [""])[0]
        return _id_in("https://www.youtube.com" + inner) if inner.startswith("/watch") else None
    else:
        found = steps[1] if len(steps) == 2 and steps[0] in _BY_PATH else ""
        if steps[:1] == ["embed"] and found == "videoseries":
            return None
    return found if _ID.match(found) else None
