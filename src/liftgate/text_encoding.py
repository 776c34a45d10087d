"""In which encoding a text is written, found from its bytes. Pure.

Gemini reads UTF-8; what is written otherwise is converted on its way there (`as_utf8`). A byte order mark and UTF-8
leave no doubt. UTF-16 and UTF-32 show in where their NULs stand, ISO-2022 by its escapes, though its bytes are ASCII.
For what is older the most likely of `_OLDER` is taken, by the letters that its languages use most; a text's declared
`charset` says it better.
"""

from __future__ import annotations

import codecs
import re

SAMPLE = 8192
"""Bytes that are enough to tell."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SHIFT = b"\x1b$"
"""Begins every character set of several bytes in ISO-2022."""
_SHIFTED = ("iso2022_jp_2", "iso2022_jp_ext", "iso2022_jp_2004", "iso2022_kr")
_SEVEN_BITS = frozenset(
    {"hz", "utf-7", "iso2022_kr", "iso2022_jp", *(f"iso2022_jp_{each}" for each in ("1", "2", "3", "2004", "ext"))}
)
"""Python's names for encodings whose bytes are all ASCII's."""
_LABELS = {
    "dos-874": "cp874", "iso-8859-8-i": "iso8859-8", "windows-31j": "cp932", "windows-874": "cp874",
    "windows-949": "cp949", "x-cp1250": "cp1250", "x-cp1251": "cp1251", "x-cp1252": "cp1252", "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030", "x-mac-cyrillic": "mac_cyrillic", "x-mac-roman": "mac_roman", "x-sjis": "cp932",
}  # fmt: skip
"""Names that the web has (WHATWG, Encoding) and Python has not."""
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_WIDER = re.compile(r"utf[-_]?(16|32)", re.IGNORECASE)
_NO_TEXT = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"
_DECLARED = re.compile(rb"""<(?:\?xml|meta)[^>]{0,200}?(?:encoding|charset)\s*=\s*["']?\s*([A-Za-z0-9._-]+)""", re.I)

_MARKUP = re.compile(rb"\s*<(?:\?xml\s|!doctype\s|(?:html|svg)[\s>])", re.I)

# Encoding → the characters beyond ASCII that its texts use most. Of those that can be decoded the best is taken.
_OLDER: dict[str, str] = {
    "cp1252": "éèàêâçôîûùëïœüöäßñáíóúåæøãõÉÈÀÊÇÖÄÜÁÍÓÚÑÅØ«»°€£§©®·¿¡–—‘’“”„…•²³½ðþ",
    "cp1250": "ąćęłńóśźżáčďéěíňřšťúůýžőűäöüßĄĆŁŚŻŹČŘŠŽ–—„”“’…",
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфОЕАИНТСРВЛКМДПУЯГЗБЧХЖШЮЭіїєў«»–—№",
    "koi8-r": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфОЕАИНТСРВЛКМДПУЯГЗБЧХЖШЮЭ",
    "cp866": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфОЕАИНТСРВЛКМДПУЯГЗБЧХЖШЮЭ",
    "cp1253": "αειοτνσςρκπλμυθδγχφωηάέίόήώύΑΕΚΠΤΣΜΟ",
    "cp1254": "ığşçöüİĞŞÇÖÜâî’“”–",
    "cp1255": "אבגדהוזחטיכלמנסעפצקרשתםןךףץ",
    "cp1256": "ابتثجحخدذرزسشصضطظعغفقكلمنهويأإةىئؤء،",
    "cp874": "กขคงจชซณดตถทธนบปผพภมยรลวศสหอฮะาำิีึืุูเแโใไ็่้์",
    "cp932": "のにをはがとでしてたるれもいかなんりこそすあらまきうつくどだけさみやよっー、。・「」日本人大年出中国",
    "euc_jp": "のにをはがとでしてたるれもいかなんりこそすあらまきうつくどだけさみやよっー、。・「」日本人大年出中国",
    "gb18030": "的一是不了在人有我他这中大来上国个到说们为子和你出道也时年得就那要下以生会自着去之过家，。、：“”",
    "big5hkscs": "的一是不了在人有我他這中大來上國個到說們為子和你出道也時年得就那要下以生會自著去之過家，。、：「」",
    "cp949": "이다는에을를의가은하고지서사로기한나도어니시라대그있일자수리해인아것들",
}
_RARER = {"gb18030": 2.0, "big5hkscs": 2.0, "cp949": 1.5}
"""Where the characters used most are a smaller part of a text."""
_WINDOW = 1024
_SEVERAL_BYTES = frozenset({"cp932", "euc_jp", "gb18030", "big5hkscs", "cp949"})
_SHORT = 64
_POINTS = " \t\r\n.,;:!?'\"()-/"
_LEAST = 0.3
"""The share of characters beyond ASCII that must be among those used most."""
_PLAIN_SHARE = 0.25
"""A text of an older encoding has at least so many letters, digits and spaces among its ASCII or none of that."""


def is_marked(sample: bytes) -> bool:
    """Whether it begins as texts alone do: with a byte order mark, or as XML, SVG or HTML."""
    if not (sample.startswith(tuple(mark for mark, _ in _MARKS)) or _MARKUP.match(sample)):
        return False
    return encoding_of(sample) is not None


def encoding_of(sample: bytes, *, called_text: bool = False) -> str | None:
    """The encoding of a text that begins like this, as Python's codecs call it; None for what is no text.

    The sample may end within a character. `called_text`: a type or a name says so, and less is asked of the bytes.
    """
    if not sample:
        return None
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding if _reads(sample, encoding) else None
    if b"\x00" in sample:
        return next(
            (encoding for encoding in _WIDE if _reads(sample, encoding) and _is_coherent(sample, encoding)), None
        )
    if SHIFT in sample and (shifted := _shifted(sample)):
        return shifted
    if sample.translate(None, _NO_TEXT) != sample:
        return None
    text = _decoded(sample, "utf-8")
    # A whole text that ends within its only character beyond ASCII was not cut there.
    if text is not None and (len(sample) >= SAMPLE or not text.isascii() or len(text) == len(sample)):
        return "utf-8"
    found = _declared(sample) or _older(sample, sure=not called_text)
    return found or ("cp1252" if called_text else None)


def _shifted(sample: bytes) -> str | None:
    """Which ISO-2022 it is; none where an escape stays one, or leads to nothing, as a terminal's do.
    Korean texts say it at their beginning, however far their first letter is."""
    if sample.startswith(b"\x1b$)C") and _reads(sample, "iso2022_kr"):
        return "iso2022_kr"
    for each in _SHIFTED:
        text = _decoded(sample, each)
        if text and not text.isascii() and "\x1b" not in text and _reads(sample, each):
            return each
    return None


def declared_encoding(name: str, sample: bytes, found: str | None) -> str | None:
    """The encoding that a text's declared `name` is, in small letters; None where its bytes (`found`: `encoding_of`
    them) are UTF-8, or cannot be this."""
    known = _LABELS.get(name.lower(), name.lower())
    if not is_encoding(known, sample) or (found == "utf-8" and codecs.lookup(known).name not in _SEVEN_BITS):
        return None
    return known


def is_encoding(name: str, sample: bytes) -> bool:
    """Whether `name` is an encoding that Python knows and that this sample can be written in; no text of an encoding
    other than UTF-16 and UTF-32 has NULs."""
    try:
        b"a".decode(name, "replace")  # Refuses codecs that make no text, such as base64.
    except (LookupError, ValueError):
        return False
    return (b"\x00" not in sample or _WIDER.match(name) is not None) and _decoded(sample, name) is not None


def _decoded(sample: bytes, encoding: str) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return decoder.decode(sample)
    except UnicodeError:
        return None


def _reads(sample: bytes, encoding: str) -> bool:
    """Whether all of it are characters that a text has."""
    text = _decoded(sample, encoding)
    return text is not None and all(
        each.isprintable() or each in "\t\n\v\f\r\x1a\x1b\ufeff" or each.isspace() for each in text
    )


def _is_coherent(sample: bytes, encoding: str) -> bool:
    """Whether it is more than a number of bytes that happens to be characters: mostly of one alphabet."""
    text = _decoded(sample, encoding) or ""
    if not text or len(sample) < 4:
        return False
    latin = sum(each < "\u0250" for each in text)
    if latin >= 0.7 * len(text):
        return sum(each < "\u0080" for each in text) >= 0.5 * len(text)
    scripts: dict[int, int] = {}
    for each in text:
        if each >= "\u0250":
            script = _script(ord(each))
            scripts[script] = scripts.get(script, 0) + 1
    return len(text) >= 16 and max(scripts.values()) + latin >= 0.9 * len(text)


def _script(point: int) -> int:
    """Which block of characters: ideographs, kana and their punctuation are one, and so are Hangul."""
    if 0x3000 <= point < 0xA000 or point >= 0xFF00:
        return 0x30
    return 0xAC if 0xAC00 <= point < 0xD7B0 else point >> 8


def _declared(sample: bytes) -> str | None:
    """What an XML or HTML text says of itself."""
    found = _DECLARED.search(sample[:1024])
    if found is None:
        return None
    name = found.group(1).decode("ascii")
    return name if is_encoding(name, sample) and not name.lower().startswith(("utf-16", "utf-32")) else None


def _older(sample: bytes, *, sure: bool) -> str | None:
    ascii_only = sample.decode("ascii", "ignore")
    plain = sum(each.isalnum() or each.isspace() for each in ascii_only)
    if sure and plain < _PLAIN_SHARE * len(sample) and plain < 0.5 * len(ascii_only):
        return None
    # What comes first beyond ASCII begins a character in every encoding.
    start = next(place for place, byte in enumerate(sample) if byte > 0x7F)
    window = sample[max(0, start - 64) : start + _WINDOW]
    best, most = None, _LEAST
    for encoding, common in _OLDER.items():
        text = _decoded(window, encoding)
        # In an encoding of several bytes to a character few bytes are characters by chance.
        by_chance = sure and len(sample) < _SHORT and encoding not in _SEVERAL_BYTES
        if text is None or (by_chance and not _is_plain(text, common)):
            continue
        likely = _likelihood(text, common) * _RARER.get(encoding, 1.0)
        if likely > most:
            best, most = encoding, likely
    return best


def _is_plain(text: str, common: str) -> bool:
    """Whether nearly all of a short text are words: a few bytes of something else may happen to be characters."""
    words = sum(each in common or (each < "\x80" and (each.isalnum() or each in _POINTS)) for each in text)
    return words >= 0.9 * len(text)


def _likelihood(text: str, common: str) -> float:
    """The share of characters beyond ASCII that are `common`, less what no word has: a capital behind a small letter,
    two alphabets."""
    beyond = odd = 0
    known = 0
    before = " "
    for each in text:
        if each > "\x7f":
            if "\x80" <= each < "\xa0" or not (each.isprintable() or each.isspace()):
                return 0.0
            beyond += 1
            known += each in common
        if before.isalpha() and each.isalpha():
            odd += (before.islower() and each.isupper()) or (before < "\u0250") != (each < "\u0250")
        before = each
    return (known - 2 * odd) / beyond if beyond else 0.0
