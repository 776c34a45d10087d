"""Random names: file ids, request ids, tool call ids, storage keys. All from the system's random source.

A File's id is `file-` and 24 of [a-z0-9] (124 bits); its Gemini name is `files/` and the same 24. There is no dash in
the 24, because google-genai cuts a file's URI at the first dash (docs/protocol/gemini.md, "Google's own clients").
"""

from __future__ import annotations

import os
from collections.abc import Callable

from liftgate.names import FILE_ID, FILES

LONGEST = 256
"""Characters. What is longer is no id, ours or a client's, and is not looked for: SQLite keeps that."""
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
RESPONSE = "resp_"
"""What the id of a stored answer begins with; an `answer_token` follows."""
ANSWER = 26
"""Characters of a rising `answer_token`."""
# A byte for each byte: 256 is no multiple of 36, so four characters are an eighth likelier; in 24 that is nothing.
_CHARACTERS = bytes(ALPHABET[value % 36].encode()[0] for value in range(256))


_DRAWN_CHARACTERS = 32
_drawn: list[str] = []
# What a child had in common with its parent would be no random name.
os.register_at_fork(after_in_child=_drawn.clear)


def token(length: int = 24) -> str:
    """`length` random characters of [a-z0-9], about 5.15 bits each."""
    if length > _DRAWN_CHARACTERS:
        return secret(length)
    try:
        # One step: other threads draw, too.
        return _drawn.pop()[:length]
    except IndexError:
        return _draw()[:length]


def secret(length: int) -> str:
    """As `token`, of characters that were kept nowhere before."""
    return os.urandom(length).translate(_CHARACTERS).decode()


def _draw() -> str:
    """As many characters as are kept of each. The system takes as long to give a few as to give many."""
    found = secret(128 * _DRAWN_CHARACTERS)
    tokens = [found[at : at + _DRAWN_CHARACTERS] for at in range(0, len(found), _DRAWN_CHARACTERS)]
    last = tokens.pop()
    _drawn.extend(tokens)
    return last


def answer_token(now: Callable[[], float], rising: bool) -> str:
    """Of a model's answer. `rising`: 26 characters of which the first eight are the second, as in OpenAI's own ids, and
    93 bits random. Rows under such ids lie side by side in the order in which they come, so a commit of many writes few
    pages."""
    return f"{int(now()):08x}{token(ANSWER - 8)}" if rising else token()


def new_file_id() -> str:
    return FILE_ID + token()


def new_upload_id() -> str:
    return "upload_" + token()


def new_part_id() -> str:
    return "part_" + token()


def new_blob_id() -> str:
    """Also the blob's key in the object store."""
    return "blob-" + token(28)


def new_completion_id() -> str:
    return "chatcmpl-" + token()


def new_call_id(prefix: str) -> str:
    """Of a function call: the prefix of the client's API, and `token`."""
    return prefix + token()


def new_request_id() -> str:
    return "req_" + token(20)


def new_copy_name() -> str:
    """A random resource name at Gemini: `files/` and 24 of [a-z0-9] (the limit is 40)."""
    return FILES + token()
