"""What a sandbox gets at start, and the table of everything about Google's service that is unverified.

`SandboxSettings` is frozen. `Unverified` holds one switch for each point that our knowledge of the protocol leaves
open and that a gateway depends on: tests run under every value. The switches can also be moved while the sandbox
runs, through `/sandbox/unverified` (see `liftgate.sandbox.control`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar

from liftgate.sandbox.wire.json_types import JsonMapping, JsonObject

DEFAULT_MODELS = (
    "gemini-flash-latest",
    "gemini-pro-latest",
    "gemini-flash-lite-latest",
    "gemini-2.0-flash",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-2.5-flash-lite",
    "gemini-3-pro-preview",
    "gemini-3.5-flash",
    "gemini-2.5-flash-preview-tts",
    "gemini-2.5-flash-image",
    "gemini-embedding-001",
)

T = TypeVar("T")
GIB = 1 << 30


def _switch(default: T, *others: T, says: str) -> T:
    """A switch with its default first; no `others` and an int default means any number from zero."""
    return field(default=default, metadata={"values": (default, *others), "says": says})


@dataclass(frozen=True)
class Unverified:
    """One field per open point; the first value is the default. `table()` is the documentation."""

    wrong_offset_status: int = _switch(409, 400, 416, says="HTTP status when a chunk's offset is not the next byte")
    wrong_offset_header: str = _switch("active", "none", says="X-Goog-Upload-Status on a wrong offset")
    resent_bytes: str = _switch(
        "accept", "refuse", says="a chunk that starts before the next byte: skipped, or wrong offset"
    )
    misaligned_chunk: str = _switch(
        "400", "accept", says="a chunk that is not the last and no multiple of the granularity"
    )
    chunk_kept_after_cut: str = _switch(
        "partial", "none", "aligned", says="what stays of a chunk whose connection broke"
    )
    query_supported: bool = _switch(True, False, says="whether the command `query` is known (otherwise 400)")
    query_final_returns_body: bool = _switch(True, False, says="whether `query` after the end returns the File")
    finalize_resend: str = _switch(
        "body", "terminated", says="a second finalize: the File again, or 'already terminated'"
    )
    terminated_header: str = _switch("final", "none", says="X-Goog-Upload-Status on 'already terminated'")
    cancel_status: int = _switch(
        200, 400, 410, says="HTTP status of the answer to `cancel`; the session ends in any case"
    )
    empty_file: str = _switch("accept", "400", says="a file without bytes")
    unknown_total: str = _switch("accept", "400", says="a start without X-Goog-Upload-Header-Content-Length")
    name_collision_status: str = _switch("409", "200final", says="finalize under a name that exists")
    custom_name_honoured: bool = _switch(True, False, says="whether File.name in a start is used")
    file_name_header: bool = _switch(False, True, says="whether X-Goog-Upload-File-Name becomes the displayName")
    quota_checked_at: str = _switch("start", "finalize", says="when the 20 GB quota of a project is refused")
    mime_checked_at_upload: bool = _switch(True, False, says="whether a malformed MIME type is refused at the start")
    sha256_present: bool = _switch(True, False, says="whether a File carries sha256Hash")
    state_present: bool = _switch(True, False, says="whether a File carries its state")
    forbidden_after_upload: int = _switch(0, says="how many uses of a new file answer 403 (eventual consistency)")
    delete_missing: int = _switch(403, 404, says="HTTP status when a deleted file is missing")
    list_empty: str = _switch("{}", '{"files":[]}', says="the list of an empty project")
    list_order: str = _switch("newest", "oldest", says="which file comes first in a list")
    download_of_uploaded: int = _switch(400, 403, 404, says="HTTP status when an uploaded file is downloaded")
    early_stream_error: str = _switch("bare", "data", says="form of an error before the first event of an SSE stream")
    midstream_error: str = _switch("data", "bare", says="form of an error after the first event of an SSE stream")
    foreign_signatures: str = _switch(
        "refuse", "accept", says="a thought signature that the sandbox did not make, as in a recorded history"
    )
    two_spellings: str = _switch("400", "accept", says="one scalar or list in camelCase and in snake_case")
    schema_additional_properties: str = _switch("400", "accept", says="additionalProperties, defs and ref in Schema")

    @classmethod
    def table(cls) -> list[JsonObject]:
        """Every switch with its default, its values (empty: any whole number from zero) and what it decides."""
        rows = []
        for item in fields(cls):
            values = item.metadata["values"]
            rows.append(
                {
                    "name": item.name,
                    "default": values[0],
                    "values": list(values) if len(values) > 1 else [],
                    "says": item.metadata["says"],
                }
            )
        return rows

    def changed(self, changes: JsonMapping) -> "Unverified":
        """A copy with `changes`; ValueError names an unknown switch or a value that the switch does not have."""
        known = {row["name"]: row for row in self.table()}
        for name, value in changes.items():
            row = known.get(name)
            if row is None:
                raise ValueError(f"unknown switch {name!r}; known are {', '.join(known)}")
            if row["values"]:
                if not any(value == allowed and type(value) is type(allowed) for allowed in row["values"]):
                    raise ValueError(f"switch {name!r} takes one of {row['values']}, not {value!r}")
            elif type(value) is not int or value < 0:
                raise ValueError(f"switch {name!r} takes a whole number from zero, not {value!r}")
        return replace(self, **changes)


@dataclass(frozen=True)
class SandboxSettings:
    """Everything that a sandbox needs; the defaults are Google's published limits."""

    projects: Mapping[str, str] = field(default_factory=dict)
    """API key → name of its Google project; keys of one project see the same files."""
    open_keys: bool = True
    """Whether a key that `projects` does not list is a project of its own (except '' and `invalid…`)."""
    models: tuple[str, ...] = DEFAULT_MODELS
    """Those that `models.list` names."""
    any_model: bool = True
    """Whether any other name of a family that Google has is served too."""
    quota_bytes: int = 20 * GIB
    """Bytes of files that one project may hold."""
    max_file_bytes: int = 2 * GIB
    inline_limit: int = 20_971_520
    """Bytes of a request body to countTokens, embed and generate methods."""
    input_tokens: int | None = None
    """Tokens that a prompt to generate methods may have. None: any number, as files that are made of one byte count
    more here than at Google."""
    file_lifetime: float = 48 * 3600.0
    """Seconds on the sandbox's clock."""
    video_processing: float = 0.3
    """Real seconds during which a video is PROCESSING."""
    chunk_delay: float = 0.0
    """Real seconds between two events of a stream."""
    granularity: int = 8 << 20
    """Bytes; what X-Goog-Upload-Chunk-Granularity says."""
    public_base: str = "https://generativelanguage.googleapis.com"
    """The origin inside File.uri, whatever host the client spoke to."""
    keep_bytes: Path | None = None
    """Directory that holds the bytes of files; None makes a temporary one that is removed at shutdown."""
    demand_signatures: bool = True
    """Whether gemini-3 models refuse a history whose function calls lack their thought signatures."""
    listen: Callable[[Path], str | None] | None = None
    """Transcribes the audio file at a path; called in a thread. None: the sandbox has no ears."""
    unverified: Unverified = field(default_factory=Unverified)
