"""The nouns of docs/architecture.md, "The nouns" as frozen values: what the catalogue stores and the parts hand each
other.

Times are seconds since the epoch (float, UTC); sizes are bytes; hashes are lower-case hex. Identity and persistence are
the catalogue's concern, wire forms are the dialects'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Owner = str
"""Whom a File belongs to: the `name` of a configured key, `master`, or `local`. Never a secret."""

FileStatus = Literal["uploaded", "processed", "error"]
CopyState = Literal["uploading", "processing", "active", "failed"]
UploadKind = Literal["openai", "gemini"]
UploadStatus = Literal["pending", "completed", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """Bytes in the object store under `id` as their key."""

    id: str
    owner: Owner
    sha256: str
    bytes: int
    created_at: float


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a client says of a file that it is about to store, at whatever door. `filename` and `mime_type` are as it
    says them, until the file is stored: "" where it does not. `size`: bytes, None where not known. `life_seconds`: how
    long it shall live. `alias`: a Gemini name of the owner's choice. `models`: names whose accounts it is taken to at
    once.
    """

    filename: str = ""
    mime_type: str = ""
    size: int | None = None
    purpose: str = "user_data"
    life_seconds: int | None = None
    alias: str | None = None
    display_name: str | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileSearch:
    """Which Files somebody looks for. `search`: words that all stand in the name, or an id; `type`: how the MIME type
    begins (`video/`); "" asks for any. `after`: the id of the last File that was looked at before."""

    search: str = ""
    type: str = ""
    purpose: str = ""
    status: str = ""
    sort: Literal["created_at", "filename", "bytes"] = "created_at"
    descending: bool = True
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What a client uploaded and owns."""

    id: str
    owner: Owner
    blob_id: str
    filename: str
    mime_type: str
    bytes: int
    sha256: str
    purpose: str
    created_at: float
    expires_at: float | None = None
    status: FileStatus = "processed"
    status_details: str | None = None
    alias: str | None = None
    """A custom Gemini name (`files/my-note`), unique per owner; None: `files/` + the id's 24 characters."""
    display_name: str | None = None
    """What a Gemini client called it; OpenAI's `filename` otherwise."""


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """`bytes`: what the client declared, None if it did not. `received`: the sum of the parts. `secret_hash`: SHA-256
    of the capability of a Gemini session. `file_expires_after`: seconds that the file shall live. `completion`: what it
    was completed with, a digest of the parts' ids. `expires_at` is what clients see; `lag` seconds before that on
    the steady clock it ends; where an older Liftgate noted no lag, when both clocks have passed it."""

    id: str
    owner: Owner
    kind: UploadKind
    filename: str
    purpose: str
    mime_type: str
    bytes: int | None
    created_at: float
    expires_at: float
    status: UploadStatus = "pending"
    received: int = 0
    file_id: str | None = None
    secret_hash: str | None = None
    alias: str | None = None
    display_name: str | None = None
    file_expires_after: int | None = None
    completion: str | None = None
    lag: float | None = None


@dataclass(frozen=True, slots=True)
class UploadPart:
    """`key`: its object in the store. `start`: the offset of its first byte in a Gemini session; None for OpenAI's
    parts, whose order comes with the completion. `sha256`: of everything from the first byte of the session to the last
    one of this part, hex; "" where that is not known."""

    id: str
    upload_id: str
    key: str
    bytes: int
    sha256: str
    created_at: float
    start: int | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    """A browser that acts with a key. `id`: the SHA-256 of its cookie, hex. `sealed_key`: the key, for the cookie alone
    to open. It ends at `expires_at`, and earlier when it was not used for a while."""

    id: str
    owner: Owner
    sealed_key: bytes
    created_at: float
    used_at: float
    expires_at: float


class CopyKey(NamedTuple):
    """What a copy is of, as what, and at which Account. Of a File's bytes: the blob's id, and a MIME type."""

    subject: str
    form: str
    account: str

    @property
    def text(self) -> str:
        """As leases and what processes tell each other name it."""
        return f"{self.subject}|{self.form}|{self.account}"


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """Something of ours at an Account at Google. Disposable: what it is a copy of is the truth (`CopyKey`).

    `name`: what Google calls it. `generation` is the fencing number of the lease under which the row was last written.
    `upload_url` is the resumable session while `uploading`. `expires_at` is on the upstream's clock.
    """

    subject: str
    form: str
    account: str
    state: CopyState
    bytes: int
    name: str
    uri: str
    generation: int
    upload_url: str | None = None
    expires_at: float | None = None
    used_at: float = 0.0
    error: str | None = None

    @property
    def key(self) -> CopyKey:
        return CopyKey(self.subject, self.form, self.account)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key that was made at run time. `id` stays when its secret is regenerated. `token`: the SHA-256 of its secret,
    hex; `hint`: `sk-...` and its last four characters. `old_token` is good until `old_until`. `terms`: what it may and
    how much, as JSON (`keys/terms`). `team`: the team that it names, also where a user owns it."""

    id: str
    token: str
    hint: str
    alias: str | None
    owner: Owner
    blocked: int
    created_at: float
    updated_at: float
    expires_at: float | None
    old_token: str | None
    old_until: float | None
    terms: str
    team: Owner | None = None


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """An owner with limits of its own. `terms`: as of a key."""

    id: str
    owner: Owner
    alias: str | None
    created_at: float
    updated_at: float
    terms: str


class Paged(Protocol):
    """A search whose finds come in pages. `page`: counted from 1. `size`: most finds on one."""

    @property
    def page(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def descending(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class KeySearch:
    """Which keys a list shall have: all by default. `owner`, `team`: those that name it, as user or as team. `text`:
    a part of the alias or the owner's name, in any case. `order`: LiteLLM's name of a field."""

    page: int = 1
    size: int = 100
    owner: Owner | None = None
    team: Owner | None = None
    alias: str | None = None
    token: str | None = None
    text: str | None = None
    status: Literal["active", "blocked", "expired"] | None = None
    order: str = "created_at"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class OwnerSearch:
    """Which owners with limits a list shall have: all by default. `owners`: one of these; of nobody where there are
    none. `alias`: a part of it, in any case. `order`: LiteLLM's name of a field, without its noun."""

    page: int = 1
    size: int = 100
    owners: tuple[Owner, ...] | None = None
    alias: str | None = None
    order: str = "id"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which rows of usage: those of these, where a value is given. `key`: its id. `since` and `until`: days, both
    included."""

    key: str | None = None
    owner: Owner | None = None
    model: str | None = None
    since: str | None = None
    until: str | None = None
