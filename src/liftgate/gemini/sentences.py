"""The only place that reads Google's sentences, and why it must.

Everything else is read from structure: HTTP status, `error.status`, ErrorInfo, QuotaFailure, RetryInfo. Three things
have none. Which file a 403, 404 or 400 is about stands in the sentence alone (docs/protocol/gemini.md, "Errors": no
details come with it), and without it the wrong copy would be dropped and a missing model taken for a missing file. And
a request without an accepted key answers a 403 that differs from 'this model is not for you' by its words only. And a
prompt that is too long is a 400 like any other, while clients and fallbacks ask for OpenAI's code.
"""

from __future__ import annotations

import re

from liftgate.names import gemini_resource

# "You do not have permission to access the File XXX or it may not exist."
# "The File XXX is not in an ACTIVE state and usage is not allowed."
_FILE = re.compile(r"\b[Tt]he File (?:files/)?([a-z0-9][a-z0-9-]*)\b")
# "Method doesn't allow unregistered callers …", "Your API key was reported as leaked. Please use another API key."
_KEY = re.compile(r"unregistered callers|api key (?:was|has been) reported as leaked", re.IGNORECASE)


# "The input token count (9) exceeds the maximum number of tokens allowed (8)." The numbers may be missing.
_LENGTH = "exceeds the maximum number of tokens"
_ALLOWED = re.compile(_LENGTH + r" allowed:? \(?(\d{1,12})\b")


def speaks_of_length(sentence: str) -> bool:
    """Whether a 400's sentence says that the prompt has more tokens than the model takes."""
    return _LENGTH in sentence


def tokens_allowed(sentence: str) -> int | None:
    """How many tokens the model takes, where such a sentence says it."""
    found = _ALLOWED.search(sentence)
    return int(found[1]) if found else None


def file_named(sentence: str) -> str | None:
    """The resource name (`files/x`) of the file that Google's sentence is about, or None."""
    found = _FILE.search(sentence)
    return gemini_resource(found.group(1)) if found else None


def speaks_of_key(sentence: str) -> bool:
    """Whether a 403's sentence says that the caller's key is missing or blocked."""
    return _KEY.search(sentence) is not None
