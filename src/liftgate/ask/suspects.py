"""Which of a request's files a refusal of Gemini's is about. Google names a type, a kind of file or nothing; the caller
knows ids, names and places in the request. Pure.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from liftgate.ask.media import Media, ResolvedFile
from liftgate.errors import FileUnusable, InvalidRequest, LiftgateError, shortened
from liftgate.media_types import bare

# "Unsupported MIME type: application/cu-seeme"
_TYPE = re.compile(r"Unsupported MIME type: ([\w.+-]+/[\w.+-]+)")
# "Unsupported file URI type: gs://bucket/film.mp4", "Cannot fetch content from the provided URL."
_ADDRESS = re.compile(r"Unsupported file URI type: (\S+)")
_BEHIND = re.compile(r"from the provided URL", re.IGNORECASE)
# "Unable to process input image.", "The document has no pages."
_KINDS = (
    (re.compile(r"\bimages?\b", re.IGNORECASE), ("image/",)),
    (re.compile(r"\b(?:document|pdf|pages?)\b", re.IGNORECASE), ("application/pdf",)),
    (re.compile(r"\baudio\b", re.IGNORECASE), ("audio/",)),
    (re.compile(r"\bvideos?\b", re.IGNORECASE), ("video/",)),
    (re.compile(r"\bfiles?\b", re.IGNORECASE), ("",)),
)
MOST_NAMED = 5


class Suspect(msgspec.Struct, frozen=True):
    """A file of a request: its place, how its owner knows it, and the type that Gemini got. `address`: where
    Gemini itself fetches it; then the type may be "", unknown."""

    param: str | None
    which: str
    mime_type: str
    address: str | None = None


def inline_suspects(media: Mapping[str, Media], sent: Mapping[str, ResolvedFile]) -> Iterable[Suspect]:
    """What stands in the request itself, as it came or as it was fetched, and what Gemini fetches."""
    for each in media.values():
        if each.kind == "pass":
            which = f"What lies behind '{each.param}' ({shortened(each.ref)})"
            yield Suspect(each.param, which, bare(each.mime_type or ""), each.ref)
            continue
        found = sent.get(each.param)
        mime_type = each.mime_type if found is None else found.mime_type
        if mime_type is not None and (found is None or found.data is not None) and each.kind != "file_id":
            what = "The data of" if each.kind == "inline" else "What lies behind"
            name = f"{each.filename!r}, " if each.filename else ""
            yield Suspect(each.param, f"{what} '{each.param}' ({name}{bare(mime_type)})", bare(mime_type))


def named(refused: LiftgateError, suspects: Sequence[Suspect]) -> LiftgateError:
    """The same refusal, saying which file it is about; unchanged where that is unknown."""
    if not isinstance(refused, InvalidRequest) or refused.upstream is None or refused.param is not None:
        return refused
    reason = refused.upstream.message
    found = _about(reason, suspects)
    if not found:
        return refused
    message = f"{', '.join(each.which for each in found[:MOST_NAMED])}: {reason or refused.message}"
    if _TYPE.search(reason):
        return FileUnusable(message, param=found[0].param, upstream=refused.upstream)
    error = copy.copy(refused)
    error.message, error.param, error.args = message, found[0].param, (message,)
    return error


def _about(reason: str, suspects: Sequence[Suspect]) -> list[Suspect]:
    refused = _TYPE.search(reason)
    if refused:
        return [each for each in suspects if each.mime_type == refused[1].lower()]
    if address := _ADDRESS.search(reason):
        return [each for each in suspects if each.address == address[1]]
    if _BEHIND.search(reason):
        return _only(each for each in suspects if each.address is not None)
    for word, kinds in _KINDS:
        if word.search(reason):
            return _only(each for each in suspects if each.mime_type.startswith(kinds) or each.mime_type == "")
    return []


def _only(found: Iterable[Suspect]) -> list[Suspect]:
    """Of several it may be any."""
    listed = list(found)
    return listed if len(listed) == 1 else []
