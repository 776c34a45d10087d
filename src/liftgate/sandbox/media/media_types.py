"""Which MIME types the sandbox takes: a well-formed one at upload, a supported one at generate time.

The lists are those of docs/protocol/gemini.md, "Limits and types" (documentation and SDK; no per-model table is
published), and the spellings of them that stock clients send: what is not known to be taken is refused.
"""

import re

TOP_LEVEL = {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}

SUPPORTED = {
    "text": {
        "plain", "html", "css", "xml", "csv", "rtf", "javascript", "x-javascript", "markdown", "md", "x-python",
        "x-script.python",
    },
    "application": {"json", "pdf", "xml", "rtf", "javascript", "x-javascript", "x-python", "x-python-code"},
    "image": {"png", "jpeg", "jpg", "webp", "heic", "heif"},
    "audio": {
        "wav", "x-wav", "wave", "mp3", "mpeg", "mpga", "aiff", "x-aiff", "aac", "ogg", "flac", "x-flac", "m4a", "x-m4a",
        "mp4", "l16", "opus", "alaw", "mulaw", "webm", "pcm",
    },
    "video": {
        "mp4", "mpeg", "mpg", "mov", "quicktime", "avi", "x-msvideo", "x-flv", "flv", "webm", "wmv", "x-ms-wmv", "3gpp",
        "mpegps",
    },
}  # fmt: skip

# GIF is refused by reports (microsoft/vscode#286628, MaiM-with-u/MaiBot#1435), BMP and TIFF are of another API's enum.
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")


def bare(mime_type: str) -> str:
    """Lower case, without parameters."""
    return mime_type.split(";")[0].strip().lower()


def storable(mime_type: str) -> bool:
    """Whether the Files API takes it; a bare word such as `jsonl` is taken (the official cookbook does that)."""
    name = bare(mime_type)
    if "/" not in name:
        return bool(name)
    return bool(_WELL_FORMED.fullmatch(name)) and name.split("/")[0] in TOP_LEVEL


def usable(mime_type: str) -> bool:
    """Whether a prompt may carry it."""
    top, _, rest = bare(mime_type).partition("/")
    return rest in SUPPORTED.get(top, set())
