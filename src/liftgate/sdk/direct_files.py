"""Gemini's files in OpenAI's words, and every way in which their ids are written. Pure; for `direct`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.suspects import Suspect
from liftgate.errors import FileNotFound, InvalidRequest
from liftgate.gemini.files import GeminiFile
from liftgate.media_types import called, is_taken, resolve, unusable
from liftgate.names import gemini_resource, resource_of
from liftgate.sdk.engine import Listing
from liftgate.sdk.results import FileList, FileObject

PURPOSE = "user_data"
"""What a file is for where only Gemini can be asked, which does not know."""

STATUS = {"ACTIVE": "processed", "FAILED": "error"}

_BARE = re.compile(r"[a-z0-9][a-z0-9-]*\Z")


def file_name(file_id: object, *, param: str = "file_id") -> str:
    """A URI, `files/x` or `x` → `files/x`. FileNotFound for what can be no file's id."""
    if not isinstance(file_id, str) or not file_id:
        raise InvalidRequest(f"'{param}' is the id that create_file gave.", param=param)
    name = resource_of(file_id) or (file_id if _BARE.match(file_id) else None)
    if name is None:
        raise FileNotFound(file_id, param=param)
    return gemini_resource(name)


def is_file_name(file_id: str) -> bool:
    return resource_of(file_id) is not None or _BARE.match(file_id) is not None


def file_object(file: GeminiFile, purpose: str) -> FileObject:
    """`expires_at` is when Google removes it; a file that is being processed is `uploaded`."""
    return FileObject(
        id=file.uri or file.name,
        bytes=file.size,
        created_at=int(file.created_at or 0),
        filename=file.display_name,
        object="file",
        purpose=purpose,
        status=STATUS.get(file.state, "uploaded"),
        expires_at=None if file.expires_at is None else int(file.expires_at),
        status_details=file.error if file.state == "FAILED" else None,
    )


def file_type(file: GeminiFile, need: Media) -> str:
    """The type of a file of Gemini's own, as Gemini gets it. Raises FileUnusable for a type that it does not take."""
    mime_type = called(resolve(declared=file.mime_type, filename=file.display_name, head=b""), need.filename)
    if not is_taken(mime_type):
        raise unusable(f"File {need.ref} ({file.display_name!r})", mime_type, param=need.param)
    return mime_type


def file_suspects(needs: Sequence[Media], sent: Mapping[str, ResolvedFile]) -> Iterator[Suspect]:
    """Gemini's files of a request, for a refusal that is about one of them."""
    for need in needs:
        found = sent.get(need.param)
        if need.kind == "file_id" and found is not None:
            name = f"{need.filename!r}, " if need.filename else ""
            yield Suspect(need.param, f"File {need.ref} ({name}{found.mime_type})", found.mime_type)


def page_of(files: Sequence[GeminiFile], listing: Listing) -> FileList:
    """OpenAI's page out of all files. Every file here is `user_data`: another purpose has none."""
    newest_first = listing.order != "asc"
    kept = sorted(files, key=lambda file: (file.created_at or 0, file.name), reverse=newest_first)
    if listing.purpose not in (None, PURPOSE):
        kept = []
    if listing.after is not None:
        after = file_name(listing.after, param="after")
        names = [file.name for file in kept]
        if after not in names:
            raise FileNotFound(listing.after, param="after")
        kept = kept[names.index(after) + 1 :]
    page = kept if listing.limit is None else kept[: listing.limit]
    data = [file_object(file, PURPOSE).model_dump() for file in page]
    return FileList(
        object="list",
        data=data,
        first_id=data[0]["id"] if data else "",
        last_id=data[-1]["id"] if data else "",
        has_more=len(page) < len(kept),
    )
