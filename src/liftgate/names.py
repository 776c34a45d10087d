"""How Files and models are spelled: at every door, to Google, and in our own words.

A File is `file-x` at OpenAI's doors and `files/x` at Gemini's, with the same `x`; there it also has a URI, which is
Google's, or the same path under whatever host the client knows this gateway by. A model is `x`, or `tunedModels/x`;
clients and configs also write `gemini/x` (LiteLLM) and `models/x` (Google). (docs/protocol/gemini.md)
"""

from __future__ import annotations

import re

LONGEST_URL = 16_384
"""Characters of an address, and of whatever else a File is named by: what is longer names none."""
FILE_ID, FILES = "file-", "files/"
"""What an id of a File begins with, and its Gemini name."""

_FILE_ID = re.compile(r"file-[a-z0-9]{24}\Z")
_CHOSEN = re.compile(r"files/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_FILE_BEGINNINGS = (FILE_ID, FILES)
_GOOGLE = r"(?i:https?://generativelanguage\.googleapis\.com)/"
_VERSIONED = r"(?i:https?)://[^?#]+/v1(?:alpha|beta)?/"
_QUERY = r"/?(?:\?[^\s#]*)?"
"""Behind an address: a client's key, `alt`, a slash. None of it says which file."""
_BYTES = rf"(?:/content|:download)?{_QUERY}"
"""Behind a file's URI: where its bytes are read."""
_GOOGLE_FILE = re.compile(rf"{_GOOGLE}(?:v\w+/)?files/[^/?#]+{_QUERY}\Z")
_FILE_URI = re.compile(rf"{_VERSIONED}files/[a-z0-9-]{{1,40}}{_BYTES}\Z")
_GEMINIS = r"(?i:https?)://[^?#]+/v1(?:alpha|beta)/files/"
_FILE_URL = re.compile(
    rf"(?:{_VERSIONED}files/file-[a-z0-9]{{24}}|{_GEMINIS}[a-z0-9]{{24}}|{_GEMINIS}[a-z0-9-]{{1,40}}(?=:download)){_BYTES}\Z"
)
_NAME = r"files/([a-z0-9-]{1,40})"
_RESOURCE = re.compile(rf"(?:{_NAME}|(?:{_VERSIONED}|{_GOOGLE}(?:v\w+/)?){_NAME}{_BYTES})\Z")
_MODEL = re.compile(r"(?:tunedModels/)?[A-Za-z0-9_][A-Za-z0-9._~@-]{0,199}")
_PROVIDER, _MODELS = "gemini/", "models/"
_COLLECTIONS = ("models", "tunedModels")
_GOOGLE_HOST = ("generativelanguage", ".googleapis.com")


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def is_file_id(text: str) -> bool:
    """Whether it is the id of a File of ours: no other string can be one."""
    return _FILE_ID.match(text) is not None


def gemini_name(file_id: str) -> str:
    """`file-x` → `files/x`."""
    return FILES + file_id.removeprefix(FILE_ID)


def file_id_of(name: str) -> str:
    """`files/x` → `file-x`."""
    return FILE_ID + name.removeprefix(FILES)


def gemini_resource(resource: str) -> str:
    """`x` → `files/x`, whatever `x` is."""
    return FILES + resource


def bare_file(name: str) -> str:
    """`files/x` → `x`."""
    return name.removeprefix(FILES)


def may_be_chosen(name: str) -> bool:
    """Whether a client may give a File this Gemini name of its own, `files/x`."""
    return _CHOSEN.fullmatch(name) is not None


def begins_like_an_id(text: str) -> bool:
    """Whether its beginning is that of the id of a File."""
    return text.startswith(FILE_ID)


def begins_like_a_file(text: str) -> bool:
    """Whether its beginning is that of an id or a Gemini name, and of no address."""
    return text.startswith(_FILE_BEGINNINGS)


def resource_of(text: str) -> str | None:
    """The `x` of `files/x` or of a file's URI: Google's, with any version or none, or any host's with one of Google's
    versions. None for what is neither, an id too."""
    found = _RESOURCE.match(text) if len(text) <= LONGEST_URL else None
    return None if found is None else found[1] or found[2]


def id_in(text: str) -> str:
    """The id of the File that is spelled in any way, also as the `x` of `file-x` alone; what is none stays as it is."""
    if len(text) > LONGEST_URL:
        return text
    if _FILE_ID.match(FILE_ID + text):
        return FILE_ID + text
    resource = resource_of(text)
    return text if resource is None else resource if begins_like_an_id(resource) else file_id_of(resource)


def names_a_file(text: str) -> bool:
    """Whether it is a File's id, its Gemini name or its URI."""
    return is_file_id(text) or resource_of(text) is not None


def claims_a_file(text: str) -> bool:
    """Whether it stands for a File by its beginning alone, whatever follows, or is the id of one."""
    return text.lstrip("/").startswith(FILES) or is_file_id(text)


def is_google_host(host: str) -> bool:
    """Whether a host, in small letters, is one of those at which Google has files: regional and mutual-TLS ones too."""
    service, domain = _GOOGLE_HOST
    return service in host and host.endswith(domain)


def is_file_uri(text: str) -> bool:
    """Whether a URL names a file of Gemini's API, under any host; anything else is an address of the web."""
    return len(text) <= LONGEST_URL and (_FILE_URI.match(text) is not None or is_google_file(text))


def is_file_url(text: str) -> bool:
    """Whether an address of the web is, by the id in it, a File's at a gateway's doors, or a file's at Google: it names
    the File, and is never fetched."""
    return len(text) <= LONGEST_URL and (_FILE_URL.match(text) is not None or is_google_file(text))


def is_google_file(text: str) -> bool:
    """Whether a URL names a file at Google, even one that no file can have."""
    return len(text) <= LONGEST_URL and _GOOGLE_FILE.match(text) is not None


# ── models ───────────────────────────────────────────────────────────────────────────────────────


def names_a_model(model: str) -> bool:
    """Whether it is one segment of a path (or `tunedModels/` and one), so that Google reads it as we do: a name that a
    client chose stands in the URL of the call, which carries the operator's key."""
    return _MODEL.fullmatch(model) is not None


def bare_model(model: str) -> str:
    """`gemini/x`, `models/x` and `gemini/models/x` → `x`; `tunedModels/x` stays."""
    return model.removeprefix(_PROVIDER).removeprefix(_MODELS)


def is_collection(segment: str) -> bool:
    """Whether this segment of a path is one behind which Google has models."""
    return segment in _COLLECTIONS


def has_collection(model: str) -> bool:
    """Whether it is spelled as in Google's lists, `models/x`."""
    return model.startswith(_MODELS)


def gemini_model(name: str) -> str:
    """A public name as Google's lists spell it: `x` → `models/x`."""
    return _MODELS + name


def litellm_model(name: str) -> str:
    """A public name with LiteLLM's provider before it: `x` → `gemini/x`."""
    return _PROVIDER + name


def model_path(model: str) -> str:
    """The model's resource name at Google: `x` → `models/x`; a name with its collection stays."""
    return model if "/" in model else _MODELS + model
