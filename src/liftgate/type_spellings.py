"""How the types of files are spelled: by clients, by names of files, by words for codecs. Data alone; `media_types` has
the rules.

Each table maps the spelling that is stored and sent to Gemini, which Google documents, to the others of the same type.
"""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.magic_bytes import DOC, DOCX, EPUB, IWORK, ODF, PPT, PPTX, XLS, XLSX

TEXT = "text/plain"

_TAKEN = """
    text/plain text/html text/css text/xml text/csv text/rtf text/javascript text/markdown text/x-python
    application/json application/pdf
    image/png image/jpeg image/webp image/heic image/heif
    audio/wav audio/mpeg audio/aiff audio/aac audio/ogg audio/flac audio/m4a audio/l16 audio/opus audio/alaw audio/mulaw
    audio/webm
    video/mp4 video/mpeg video/mov video/avi video/x-flv video/webm video/wmv video/3gpp
"""
TAKEN = frozenset(_TAKEN.split())
"""What Gemini reads (docs/protocol/gemini.md, "Limits and types"). GIF, BMP and TIFF it refuses, whatever another API's
enum says."""

SOURCE_CODE = frozenset({"text/javascript", "text/x-python"})
"""Taken, and yet text/plain: where a client declares them by its own table, its neighbour declares nothing."""


def _by_spelling(table: Mapping[str, str]) -> dict[str, str]:
    return {spelling: kept for kept, spellings in table.items() for spelling in spellings.split()}


_TYPES = {
    "application/jsonl": "application/jsonlines application/x-jsonlines application/x-ndjson jsonl text/jsonl",
    "application/pdf": "application/vnd.pdf application/x-pdf",
    "application/zip": "application/x-zip-compressed",
    "audio/aac": "audio/x-aac",
    "audio/aiff": "audio/aif audio/x-aiff",
    "audio/alaw": "audio/pcma",
    "audio/flac": "audio/x-flac",
    "audio/m4a": "audio/m4b audio/mp4 audio/mp4a-latm audio/x-m4a",
    "audio/mpeg": "audio/mp3 audio/mpeg3 audio/mpga audio/x-mp3 audio/x-mpeg audio/x-mpeg-3 audio/x-mpeg3 audio/x-mpg",
    "audio/mulaw": "audio/pcmu",
    "audio/ogg": "audio/x-ogg audio/x-opus+ogg",
    "audio/wav": "audio/vnd.wave audio/wave audio/x-pn-wav audio/x-wav",
    "audio/webm": "audio/x-matroska",
    "image/bmp": "image/x-bmp image/x-ms-bmp",
    "image/heic": "image/heic-sequence",
    "image/heif": "image/heif-sequence",
    "image/jpeg": "image/jpg image/pjpeg",
    "image/png": "image/x-png",
    "text/csv": "application/csv text/comma-separated-values text/x-csv",
    "text/html": "application/html application/xhtml+xml",
    "text/javascript": "application/ecmascript application/javascript application/x-ecmascript application/x-javascript"
    " text/ecmascript text/x-javascript",
    "text/markdown": "text/md text/x-markdown",
    "text/rtf": "application/rtf application/x-rtf text/richtext",
    "text/x-python": "application/x-python application/x-python-code text/x-script.python",
    "text/xml": "application/xml",
    "video/3gpp": "audio/3gpp video/3gp video/3gpp2",
    "video/avi": "video/msvideo video/vnd.avi video/x-msvideo",
    "video/mov": "video/quicktime video/x-quicktime",
    "video/mp4": "application/mp4 video/m4v video/x-m4v",
    "video/mpeg": "video/mpegps video/mpg video/x-mpeg",
    "video/webm": "video/matroska video/x-matroska",
    "video/wmv": "video/x-ms-asf video/x-ms-wmv",
    "video/x-flv": "video/flv",
}
ALIASES = _by_spelling(_TYPES)
"""A type as clients spell it → the spelling that is kept."""

_EXTENSIONS = {
    "application/gzip": "gz tgz",
    "application/json": "json",
    "application/jsonl": "jsonl ndjson",
    "application/pdf": "pdf",
    "application/vnd.rar": "rar",
    "application/x-7z-compressed": "7z",
    "application/x-tar": "tar",
    "application/zip": "zip",
    "audio/aac": "aac",
    "audio/aiff": "aif aifc aiff",
    "audio/alaw": "alaw",
    "audio/amr": "amr",
    "audio/flac": "flac",
    "audio/m4a": "m4a m4b",
    "audio/midi": "mid",
    "audio/mpeg": "mp3 mpga",
    "audio/mulaw": "ulaw",
    "audio/ogg": "oga ogg",
    "audio/opus": "opus",
    "audio/wav": "wav wave",
    "audio/webm": "mka weba",
    "audio/x-caf": "caf",
    "audio/x-ms-wma": "wma",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/jp2": "jp2",
    "image/jpeg": "jfif jpe jpeg jpg",
    "image/jxl": "jxl",
    "image/png": "png",
    "image/tiff": "tif tiff",
    "image/vnd.adobe.photoshop": "psd",
    "image/webp": "webp",
    "image/x-icon": "ico",
    "text/css": "css",
    "text/csv": "csv",
    "text/html": "htm html xhtml",
    "text/markdown": "markdown md mdown",
    "text/rtf": "rtf",
    "text/xml": "xml",
    "video/3gpp": "3g2 3gp 3gpp",
    "video/avi": "avi",
    "video/mov": "mov qt",
    "video/mp4": "m4v mp4",
    "video/mpeg": "m2ts mpeg mpg vob",
    "video/ogg": "ogv",
    "video/webm": "mkv webm",
    "video/wmv": "asf wmv",
    "video/x-flv": "flv",
    DOC: "doc",
    DOCX: "docx",
    EPUB: "epub",
    PPT: "ppt",
    PPTX: "pptx",
    XLS: "xls",
    XLSX: "xlsx",
}
BY_EXTENSION = _by_spelling(_EXTENSIONS) | ODF | IWORK
"""The last extension of a name, in lower case → its type, those of `TEXT_EXTENSIONS` aside."""

_TEXT_EXTENSIONS = """
    adoc asm ass awk bash bat bib c cc cfg cjs clj cljs cmake cmd conf cpp cs csproj cts cu cxx d dart diff dockerfile
    edn el elm eml env erl ex exs f90 fish fs fsx gitignore go gql gradle graphql groovy h hcl hh hpp hrl hs hxx ics ini
    ipynb java jl js jsx kt kts lean less lisp log lrc lua m make mjs mk ml mli mm mts nim nix org pas patch php pl
    plist pm properties proto ps1 py pyi pyw r rb re rs rst s sass scala scm scss sh sol sql srt ssa sub sv svelte svg
    swift tcl tex tf toml ts tsv tsx ttml txt text v vb vhd vim vtt vue wat yaml yml zig zsh
"""
TEXT_EXTENSIONS = frozenset(_TEXT_EXTENSIONS.split())
"""Of names of text that goes as `text/plain`: Gemini answers "Unsupported MIME type" for most of the registered types
(`.ts` is `text/vnd.trolltech.linguist` in many tables)."""

TEXT_NAMES = frozenset(
    {"dockerfile", "makefile", "license", "readme", "changelog", "cmakelists", "gemfile", "rakefile"}
)
"""Whole names of such text, in lower case."""

_WORDS = {
    "audio/alaw": "g711_alaw",
    "audio/l16": "pcm pcm16 l16 linear16",
    "audio/mpeg": "mpeg3",
    "audio/mulaw": "g711_ulaw mulaw",
    "audio/ogg": "vorbis ogg_opus",
    "audio/webm": "webm_opus",
    "video/mov": "quicktime",
    TEXT: "text plain tex yaml",
}
BY_WORD = _by_spelling(_WORDS)
"""Words for `format` beside types and extensions: codecs, and what speech APIs call them."""

_TEXTUAL = """
    dart graphql json-seq json5 jsonl ld+json postscript sql toml typescript x-c x-csh x-diff x-httpd-php x-ini x-java
    x-latex x-lua x-ndjson x-patch x-perl x-php x-ruby x-rust x-sh x-shellscript x-sql x-subrip x-tcl x-tex x-toml
    x-typescript x-yaml yaml
"""
TEXTUAL = frozenset(_TEXTUAL.split())
"""What stands behind `application/` in types of text, and in some of no registered kind."""
