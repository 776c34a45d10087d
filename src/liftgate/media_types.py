"""What type a file has: one rule for every place that a type can come from. Pure: the order
among them. How types are spelled stands in `type_spellings`.

A type may be given by the caller for Gemini (`format`), by its first bytes, by who sent it (a form, a data URL, a web
server) and by its name. The order, for everything that is not given by `format` (`explicit`), is `resolve`'s:

1. bytes that leave no doubt; of a container (MP4, Ogg, WebM, ZIP), and of a text with a byte order mark or that begins
   as XML, SVG or HTML, what was declared, or the name, may say more;
2. the declared type, where Gemini takes it;
3. the name, where Gemini takes what it says, unless it says text of bytes that are none;
4. text, which goes as `text/plain` whatever it is called: source code, SVG, subtitles, configuration;
5. else what is known, which Gemini does not take (`unusable` says so), or `application/octet-stream`.

The spellings are those that Google documents (`audio/wav`), so a file declared `audio/x-wav` is one copy with a file
declared `audio/wav`. The platform's `mime.types` is never asked: a name gives the same type on every machine.
"""

from __future__ import annotations

import re

from liftgate.errors import FileUnusable
from liftgate.magic_bytes import Signature, sniff
from liftgate.text_encoding import declared_encoding, encoding_of, is_marked
from liftgate.type_spellings import (
    ALIASES,
    BY_EXTENSION,
    BY_WORD,
    SOURCE_CODE,
    TAKEN,
    TEXT,
    TEXT_EXTENSIONS,
    TEXT_NAMES,
    TEXTUAL,
)

OCTET_STREAM = "application/octet-stream"
LONGEST = 1024
"""Characters of a type with its parameters; what is longer is none. As many of a name's end are looked at."""

_TOKEN = r"[a-z0-9][a-z0-9!#$&^_.+-]*"
_WELL_FORMED = re.compile(rf"{_TOKEN}/{_TOKEN}")
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_SAYS_NOTHING = re.compile(
    r"octet-?stream|download|unknown|binary|/file\Z|/data\Z|/\*\Z|\A\*|\Anone|\Anull", re.IGNORECASE
)


def normalise(mime_type: str) -> str:
    """The canonical spelling: lower case, without parameters, aliases resolved; `""` if it is not `type/subtype`."""
    if len(mime_type) > LONGEST:
        return ""
    bare = mime_type.split(";", 1)[0].strip().lower()
    bare = ALIASES.get(bare, bare)
    return bare if _WELL_FORMED.fullmatch(bare) else ""


def explicit(stated: str, *, sound: bool = False) -> str | None:
    """What a caller says a file is, for Gemini to believe: a type, an extension (`png`, `.png`) or a codec's word
    (`pcm16`); `sound`: of a recording. `OCTET_STREAM` for words that say nothing, None for what is none of these.
    """
    if len(stated) > LONGEST:
        return None
    mime_type = _type_in(stated, sound=sound)
    if stated.strip() and says_nothing(mime_type or stated):
        return OCTET_STREAM
    return (TEXT if has_text_form(mime_type) else mime_type) or None


def _type_in(stated: str, *, sound: bool = False) -> str:
    """`normalise`, of extensions and codecs' words too."""
    if len(stated) > LONGEST:
        return ""
    mime_type = normalise(stated)
    word = stated.split(";", 1)[0].strip().lower().lstrip(".")
    if mime_type or not word or "/" in word:
        return mime_type
    named = BY_WORD.get(word) or from_filename(f"x.{word}") or ""
    return normalise(f"audio/{word}") if sound and not named.startswith("audio/") else named


def says_nothing(declared: str) -> bool:
    """Whether it is one of the many words for an unknown type, or none at all."""
    return not declared or _SAYS_NOTHING.search(declared[:LONGEST].strip()) is not None


def has_text_form(mime_type: str) -> bool:
    """Whether a type that Gemini does not take is one of text, which it reads as `text/plain`."""
    top, _, rest = mime_type.partition("/")
    return mime_type not in TAKEN and (
        (top == "text" and rest != "rtf") or rest.endswith(("+xml", "+json", "+yaml")) or rest in TEXTUAL
    )


def from_filename(name: str) -> str | None:
    """By the last extension, dots behind it aside; None when it says nothing. Source code is `text/plain`."""
    last = name[-LONGEST:].replace("\\", "/").rsplit("/", 1)[-1].lower().rstrip(". ")
    stem, dot, extension = last.rpartition(".")
    if not dot:
        return TEXT if last in TEXT_NAMES else None
    if extension in TEXT_EXTENSIONS or (stem == "" and extension in TEXT_NAMES):
        return TEXT
    return BY_EXTENSION.get(extension)


def bare(mime_type: str) -> str:
    """A type as `resolve` gave it, without its charset: what Gemini gets."""
    return mime_type.partition(";")[0]


def charset_of(mime_type: str) -> str | None:
    """The older encoding of a text, where `resolve` kept a declared one."""
    found = _CHARSET.search(mime_type)
    return found[1] if found else None


def is_text(mime_type: str) -> bool:
    """Whether its bytes are characters."""
    return mime_type.startswith("text/") or bare(mime_type) == "application/json"


def is_taken(mime_type: str) -> bool:
    """Whether Gemini reads a type that `resolve` gave."""
    return bare(mime_type) in TAKEN


def resolve(*, declared: str | None, filename: str | None, head: bytes) -> str:
    """What a file is; the rule of this module. `head`: its first `HEAD` bytes, or fewer.

    A text whose declared `charset` is an older encoding keeps that: `text/csv; charset=cp1252`.
    """
    stated, named = _type_in(declared or ""), from_filename(filename or "") or ""
    found = sniff(head)
    if found is not None:
        return _refined(found, stated, named)
    if is_marked(head):
        stated, named = (each * (is_text(each) or has_text_form(each)) for each in (stated, named))
    encoding = encoding_of(head)
    declared_set = _CHARSET.search((declared or "")[:LONGEST])
    if declared_set and (charset := declared_encoding(declared_set[1], head, encoding)):
        return f"{_without_signature(stated, named, True) or TEXT}; charset={charset}"
    may_be_text = not head or encoding is not None or encoding_of(head, called_text=True) is not None
    known = _without_signature(stated, named, may_be_text)
    if known:
        return known
    if encoding is not None or (not head and has_text_form(stated)):
        return TEXT
    return next((each for each in (named, stated) if not (each in {"", *TAKEN} or has_text_form(each))), OCTET_STREAM)


def called(mime_type: str, filename: str | None) -> str:
    """A File's type where a message calls the File by a name: that says more of a text, and of what nothing is known
    of."""
    named = from_filename(filename or "") or ""
    less = mime_type == TEXT or not (is_taken(mime_type) or is_text(named))
    return named if named in TAKEN and less else mime_type


def _without_signature(stated: str, named: str, may_be_text: bool) -> str | None:
    if stated in TAKEN or (named in TAKEN and (may_be_text or not is_text(named))):
        known = stated if stated in TAKEN else named
        return TEXT if known in SOURCE_CODE else known
    return None


def _refined(found: Signature, stated: str, named: str) -> str:
    for each in (stated, named):
        if each in found.refined_by:
            return each
    if found.sound is not None and (stated or named).startswith("audio/"):
        return found.sound
    return found.mime_type


# ── what Gemini does not take ───────────────────────────────────────────────────────────────────────────────────────

_UNKNOWN = "Neither its bytes nor its name tell what it is: give it a name with an extension, or say its type."
_ADVICE = (
    (re.compile(r"image/"), "Convert it to PNG, JPEG or WebP."),
    (re.compile(r"audio/"), "Convert it to MP3, WAV, FLAC or Ogg."),
    (re.compile(r"video/"), "Convert it to MP4 or WebM."),
    (re.compile(r"octet-stream"), _UNKNOWN),
    (re.compile(r"spreadsheet|excel|apple\.numbers"), "Convert it to CSV or PDF."),
    (re.compile(r"office|msword|powerpoint|opendocument|ole-storage|epub|vnd\.apple\."), "Convert it to PDF."),
    (re.compile(r"zip|tar|compressed|rar|bzip|x-xz|zstd"), "Unpack it, and send the files that are in it."),
)


def unusable(which: str, mime_type: str, *, param: str | None) -> FileUnusable:
    """The refusal of a type that Gemini does not take. `which`: the file, as its owner knows it."""
    kind = bare(mime_type)
    advice = next((advice for pattern, advice in _ADVICE if pattern.search(kind)), "Convert it to PDF or to text.")
    return FileUnusable(f"{which}: Gemini does not take {kind}. {advice}", param=param)
