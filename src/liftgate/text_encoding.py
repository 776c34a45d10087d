"""In which encoding a text is written, found from its bytes. Pure.

Gemini reads UTF-8; what is written otherwise is converted on its way there (`as_utf8`). A byte order mark and UTF-8
leave no doubt. UTF-16 and UTF-32 show in where their NULs stand, ISO-2022 by its escapes, though its bytes are ASCII.
For what is older the most likely of `_OLDER` is taken, by the letters that its languages use most; a text's declared
`charset` says it better.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Container

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

# Encoding → the characters beyond ASCII that its texts use most. Of those that can be decoded the best is taken; of
# equals the first.
_OLDER: dict[str, str] = {
    "cp1252": "éèàêâçôîûùëïœüöäßñáíóúåæøãõÉÈÀÊÇÖÄÜÁÍÓÚÑÅØ«»°€£§©®·¿¡–—‘’“”„…•²³½ðþ",
    "cp1250": "ąćęłńóśźżáčďéěíňřšťúůýžőűäöüßĄĆŁŚŻŹČŘŠŽ–—„”“’…",
    "iso8859-2": "ąćęłńóśźżáčďéěíňřšťúůýžőűäöüßĄĆŁŚŻŹČŘŠŽ",
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфОЕАИНТСРВЛКМДПУЯГЗБЧХЖШЮЭіїєў«»–—№",
    "koi8-r": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфОЕАИНТСРВЛКМДПУЯГЗБЧХЖШЮЭ",
    "cp866": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфОЕАИНТСРВЛКМДПУЯГЗБЧХЖШЮЭ",
    "cp1253": "αειοτνσςρκπλμυθδγχφωηάέίόήώύΑΕΚΠΤΣΜΟ",
    "cp1254": "ığşçöüİĞŞÇÖÜâî’“”–",
    "cp1255": "אבגדהוזחטיכלמנסעפצקרשתםןךףץ",
    "cp1256": "ابتثجحخدذرزسشصضطظعغفقكلمنهويأإةىئؤء،",
    "cp874": "กขคงจชซณดตถทธนบปผพภมยรลวศสหอฮะาำิีึืุูเแโใไ็่้์",
    "cp932": "のにをはがとでしてたるれもいかなんりこそすあらまきうつくどだけさみやよっー、。・「」日本人大年出中国",
    "cp949": "이다는에을를의가은하고지서사로기한나도어니시라대그있일자수리해인아것들",
    "gb18030": "的一是不了在人有我他这中大来上国个到说们为子和你出道也时年得就那要下以生会自着去之过家，。、：“”",
    "euc_jp": "のにをはがとでしてたるれもいかなんりこそすあらまきうつくどだけさみやよっー、。・「」日本人大年出中国",
    "big5hkscs": "的一是不了在人有我他這中大來上國個到說們為子和你出道也時年得就那要下以生會自著去之過家，。、：「」",
}
_RARER = {"gb18030": 2.0, "big5hkscs": 2.0, "cp949": 1.5}
"""Where the characters used most are a smaller part of a text."""
_LEVELS: dict[str, tuple[str, tuple[tuple[int, int, int], ...]]] = {
    "cp932": ("euc_jp", ((0xA1, 0xA1, 0xA1), (0xA4, 0xA5, 0xA1), (0xB0, 0xCF, 0xA1))),
    "gb18030": ("gb2312", ((0xA1, 0xA3, 0xA1), (0xB0, 0xD7, 0xA1))),
    "euc_jp": ("euc_jp", ((0xA1, 0xA1, 0xA1), (0xA4, 0xA5, 0xA1), (0xB0, 0xCF, 0xA1))),
    "big5hkscs": ("big5", ((0xA1, 0xA1, 0x40), (0xA4, 0xC6, 0x40))),
    "cp949": ("euc_kr", ((0xB0, 0xC8, 0xA1),)),
}
"""Encoding → a codec, and the first and last leading byte and the first byte behind it of its everyday characters: what
nearly all of a text consists of, tables of names too, in which the characters used most are rare."""
_OFTEN_IN_KOREAN = (
    "이다는에을를의가은하고지서사로기한나도어니시라대그있일자수리해인아것들스정부상전과만게보여구제주면장원거으성조소무경비러모우오"
    "세안동신공문유진국용선실생발연방화개계내결업현회단재관중적학마호교차반년분력행통미위간물음양체법저치당명김박최강특별울산임월날씨"
)
_WINDOW = 1024
_SEVERAL_BYTES = frozenset({"cp932", "euc_jp", "gb18030", "big5hkscs", "cp949"})
_SHORT = 64
_POINTS = " \t\r\n.,;:!?'\"()-/"
_EVERYDAY = 1.05
"""More than any alphabet is: bytes of Chinese are letters of Thai, those of Hebrew are Russian's small letters."""
_CYRILLIC = frozenset({"cp1251", "koi8-r", "cp866"})
_SURE_OF_LETTERS = 0.95
"""Two letters of Russian may be one everyday character of Chinese; two bytes of Chinese are seldom two such letters."""
_FINAL_WITHIN = re.compile("[ךםןףץ][א-ת]")
"""A letter that ends a word in Hebrew, before another."""
_FEW = 4
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
        beyond = sum(each > "\x7f" for each in text)
        if encoding == "iso8859-2" and beyond < 2 * _FEW:
            continue  # Its letters are signs elsewhere: ± is one.
        likely = _likelihood(text, common) * _RARER.get(encoding, 1.0)
        russian = best in _CYRILLIC and most > _SURE_OF_LETTERS
        if beyond >= _FEW and not russian and _is_everyday(text, encoding):
            likely = max(likely, _EVERYDAY)
        if encoding == "cp1255" and beyond >= 2 * _FEW and not _FINAL_WITHIN.search(text):
            likely *= _EVERYDAY
        if likely > most:
            best, most = encoding, likely
    return best


@functools.cache
def _everyday(encoding: str) -> frozenset[str]:
    codec, rows = _LEVELS[encoding]
    pairs = (
        bytes((lead, trail))
        for first, last, low in rows
        for lead in range(first, last + 1)
        for trail in range(low, 255)
    )
    return frozenset("".join(pair.decode(codec, "ignore") for pair in pairs))


def _is_everyday(text: str, encoding: str) -> bool:
    """Whether nearly all of it, but for ASCII, are everyday characters. Those of Chinese may be syllables of Korean
    too, of which few are used much."""
    if encoding not in _LEVELS or _likelihood(text, _everyday(encoding)) < 0.9:
        return False
    return encoding != "cp949" or _likelihood(text, _OFTEN_IN_KOREAN) >= 0.5


def _is_plain(text: str, common: str) -> bool:
    """Whether nearly all of a short text are words: a few bytes of something else may happen to be characters."""
    words = sum(each in common or (each < "\x80" and (each.isalnum() or each in _POINTS)) for each in text)
    return words >= 0.9 * len(text)


def _likelihood(text: str, common: Container[str]) -> float:
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
