"""What the next `liftgate chat --continue` goes on from: the last answer of each gateway and key, in a file of the
user's own. Nothing else needs it: what cannot be read or written is as if it had not been there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from liftgate.json_types import JsonObject, loaded
from liftgate.sdk.remote.gateway_client import Address

MOST_CHARACTERS = 1_000_000
"""A longer question or answer is not kept."""


@dataclass(frozen=True, slots=True)
class Last:
    """`response_id`: the gateway has it all. Else `items`, of Responses: a question and its answer."""

    model: str
    response_id: str | None = None
    items: tuple[JsonObject, ...] = ()


class LastAnswers:
    """`directory`: made when it is needed. A file holds no key, but a digest of it and the address."""

    def __init__(self, directory: Path, where: Address) -> None:
        name = hashlib.sha256(json.dumps([where.url, where.api_key]).encode()).hexdigest()[:32]
        self._file = directory / f"last-{name}.json"

    def load(self) -> Last | None:
        try:
            found = loaded(self._file.read_bytes())
            return Last(str(found["model"]), found["response_id"], tuple(found["items"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def save(self, last: Last) -> None:
        text = json.dumps({"model": last.model, "response_id": last.response_id, "items": list(last.items)})
        try:
            if len(text) > MOST_CHARACTERS:
                self._file.unlink(missing_ok=True)
                return
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = self._file.with_suffix(".new")
            beside.touch(mode=0o600)
            beside.write_text(text, "utf-8")
            beside.replace(self._file)
        except OSError:
            return
