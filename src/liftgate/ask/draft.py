"""A Gemini request in the making: what the parameters' readers write into, and what was left out on the way.

Lives for one translation. `chat_request` makes one, `generation`, `tools` and `messages` fill it, `chat_request`
reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from liftgate.ask import checks, function_names
from liftgate.ask.json_call import JsonCall
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_facts import ModelFacts
from liftgate.ask.question import Dropped
from liftgate.errors import UnsupportedParameter


class Draft(msgspec.Struct):
    """Everything that one request's translation gathers."""

    request: Mapping[str, Any]
    facts: ModelFacts
    files: Mapping[str, ResolvedFile]
    signatures: Mapping[str, str]
    media: Mapping[str, Media]
    drop_params: bool
    dropped: list[Dropped] = []
    notes: list[str] = []
    body: dict[str, Any] = {}
    generation: dict[str, Any] = {}
    native: dict[str, Any] = {}
    """Gemini's own fields as the caller gave them; they win over what OpenAI's parameters were translated to."""
    modalities: list[str] | None = None
    resolution: str | None = None
    declarations: list[dict[str, Any]] = []
    allowed_functions: frozenset[str] | None = None
    strict_tools: bool = False
    google_tools: list[dict[str, Any]] = []
    retrieval: dict[str, Any] = {}
    function_names: set[str] = set()
    custom_tools: set[str] = set()
    legacy_functions: bool = False
    one_call: bool = False
    """The client takes at most one call in an answer."""
    aliases: dict[str, str] = {}
    """Function names that Gemini refuses: as the client has them → as they are sent."""
    taken_names: set[str] = set()
    json_call: JsonCall | None = None
    kept_names: list[str] = []
    """Parameters that name something kept at Gemini under one account (cached contents, search stores)."""

    def leave_out(self, param: str, reason: str) -> None:
        """A parameter that cannot be honoured: an error, or with `drop_params` an entry of `dropped`."""
        if not self.drop_params:
            raise UnsupportedParameter(reason, param=param)
        self.dropped.append(Dropped(param, reason))

    def cannot(self, param: str, what: str) -> None:
        """`leave_out` with the sentence for an ability that this model's facts exclude."""
        self.leave_out(param, f"Unsupported parameter: '{param}'. This model does not support {what}.")

    def only(self, owner: Mapping[str, Any], where: str, known: frozenset[str]) -> None:
        """Keys outside `known` are unknown parameters: an error, or dropped by name. Null counts as absent."""
        if not known.issuperset(owner):
            for key, value in owner.items():
                if key not in known and value is not None:
                    self.unknown(f"{where}.{key}" if where else str(key))

    def sent_name(self, name: str) -> str:
        """The name under which Gemini gets a function of the client's."""
        if function_names.LEGAL.match(name):
            return name
        if name not in self.aliases:
            if not self.aliases:
                self.taken_names = function_names.declared(self.request)
            self.aliases[name] = function_names.alias(name, self.taken_names)
        return self.aliases[name]

    def unknown(self, param: str) -> None:
        if not self.drop_params:
            raise checks.unknown(param)
        error = checks.unknown(param)
        self.dropped.append(Dropped(str(error.param), error.message))
