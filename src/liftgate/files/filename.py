"""Names of files: as clients write them in headers, and made safe to store and to give back; never a path on our disk.

In headers a name has every spelling that clients have for letters beyond ASCII: UTF-8 or Latin-1 as it is; RFC 2047's
encoded words (.NET, mail libraries); RFC 5987's `filename*`, and RFC 2231's continuations of it, for which RFC 7578 has
no place in a form, and which clients send all the same.
"""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from liftgate.errors import InvalidRequest

LONGEST = 512
LONGEST_PATH = 16 * 1024
"""Characters of a name with its directories, beyond which it is not looked through."""
UNNAMED = "upload"

_PARAMETER = re.compile(r";\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)", re.DOTALL)
_EXTENDED = re.compile(r"filename\*(?:(\d{1,3})(\*)?)?\Z", re.IGNORECASE)
_CHARSET_AND_LANGUAGE = re.compile(r"([A-Za-z0-9._-]*)'[^']*'(.*)\Z", re.DOTALL)
_WORD = re.compile(r"=\?([A-Za-z0-9._-]+)(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?)")
_CHARSETS = re.compile(
    r"utf-?8|(us-)?ascii|latin-?1|iso-?8859-\d{1,2}|windows-\d{3,4}|cp\d{3,4}|koi8-[ru]|gb2312|gbk|gb18030|big5"
    r"|shift[_-]jis|euc-(jp|kr)|iso-2022-jp",
    re.IGNORECASE,
)


def decoded_name(raw: bytes) -> str:
    """As clients write it: UTF-8, or Latin-1 where the bytes are none; encoded words are read."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return _WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1\2", text)) if "=?" in text else text


def extended_filename(disposition: str, *, alone: bool = False) -> str | None:
    """What `filename*` says in a Content-Disposition; None where there is none that can be read.

    `disposition` has its bytes as characters. `alone`: there is no `filename` to give way to, so what is not written in
    the charset that it names is read as Latin-1.
    """
    pieces: dict[int, tuple[str, bool]] = {}
    for name, value in _PARAMETER.findall(disposition):
        found = _EXTENDED.match(name)
        if found is None:
            continue
        value = _unquoted(value.strip())
        if found[1] is None:
            pieces = {0: (value, True)}
            break
        pieces[int(found[1])] = (value, found[2] is not None)
    if 0 not in pieces:
        return None
    value, encoded = pieces[0]
    charset = "utf-8"
    if encoded:
        head = _CHARSET_AND_LANGUAGE.match(value)
        if head is not None:
            charset, value = head[1] or "utf-8", head[2]
    raw = _raw(value, encoded)
    number = 1
    while number in pieces:
        raw += _raw(*pieces[number])
        number += 1
    name = _text(raw, charset)
    return raw.decode("latin-1") if name is None and alone else name


def bare_filename(disposition: str) -> str | None:
    """What `filename` says where no quotes stand round it, whether it needs them or not; None for one in quotes.
    `disposition` has its bytes as characters."""
    for name, value in _PARAMETER.findall(disposition):
        if name.lower() == "filename":
            value = value.strip()
            return None if _is_quoted(value) else decoded_name(value.encode("latin-1", "replace"))
    return None


def _raw(value: str, encoded: bool) -> bytes:
    raw = value.encode("latin-1", "replace")
    return unquote_to_bytes(raw) if encoded else raw


def _is_quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] == '"'


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if _is_quoted(value) else value


def _word(found: re.Match[str]) -> str:
    charset, kind, text = found[1], found[2].lower(), found[3]
    try:
        raw = binascii.a2b_base64(text, strict_mode=True) if kind == "b" else binascii.a2b_qp(text, header=True)
    except binascii.Error:
        return found[0]
    decoded = _text(raw, charset)
    return found[0] if decoded is None else decoded


def _text(raw: bytes, charset: str) -> str | None:
    """None: there is no reading it."""
    for candidate in (charset, "utf-8") if _CHARSETS.fullmatch(charset) else ("utf-8",):
        try:
            return raw.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return None


def clean_filename(name: str | None, *, param: str = "file") -> str:
    """The last component without control characters; `upload` when nothing is left.

    Raises InvalidRequest for NUL, for text that is not Unicode (lone surrogates) and for more than 512 characters.
    """
    if not name:
        return UNNAMED
    if len(name) > LONGEST_PATH:
        raise _too_long(len(name), param)
    if "\x00" in name:
        raise InvalidRequest("The filename holds a NUL character.", param=param)
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise InvalidRequest("The filename is not valid Unicode text.", param=param)
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    kept = "".join(character for character in last if character >= " " and not "\x7f" <= character <= "\x9f").strip()
    if len(kept) > LONGEST:
        raise _too_long(len(kept), param)
    return UNNAMED if kept in ("", ".", "..") else kept


def _too_long(length: int, param: str) -> InvalidRequest:
    return InvalidRequest(f"The filename has {length} characters; {LONGEST} are the most that is allowed.", param=param)
