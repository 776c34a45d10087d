"""Gemini's request in the making: what the readers of a client's parameters write into, whichever API they belong to.

A reader is handed its value and its parameter's path, and asks `Ask` for anything else; errors name the path. A dialect
fills an `Ask` for one translation, and `body.finish` makes the `Question` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from liftgate.ask import checks, function_names
from liftgate.ask.json_call import JsonCall
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_facts import ModelFacts
from liftgate.ask.question import Dropped
from liftgate.ask.seal import Seal
from liftgate.errors import UnsupportedParameter
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.set_plainly import set_plainly

NO_FILES: Mapping[str, ResolvedFile] = MappingProxyType({})
NO_MEDIA: Mapping[str, Media] = MappingProxyType({})
NO_SIGNATURES: Mapping[str, str] = MappingProxyType({})
NO_DEFAULTS: JsonMapping = MappingProxyType({})


def _nothing_declared() -> Collection[str]:
    return ()


def _no_default_reader(ask: Ask) -> None:
    raise AssertionError("who gives defaults says how they are read")


def _no_seal() -> Seal:
    raise AssertionError("who translates what is sealed gives a seal")


HINT = "cache_control"
"""For Anthropic's cache. Clients and gateways before this one put it at the request, its tools, their functions, calls,
messages and parts, and none of it changes an answer here."""


@set_plainly
class Ask(msgspec.Struct):
    """One translation. `files` by `Media.param`, `signatures` by tool call id, `media` by its part's path, where it was
    read before. `defaults`: the deployment's, in LiteLLM's words, which `default_reader` reads. With
    `drop_params` what cannot be honoured is left out and noted. `seal` gives the owner's.
    """

    facts: ModelFacts
    files: Mapping[str, ResolvedFile] = NO_FILES
    signatures: Mapping[str, str] = NO_SIGNATURES
    media: Mapping[str, Media] = NO_MEDIA
    drop_params: bool = False
    defaults: JsonMapping = NO_DEFAULTS
    default_reader: Callable[[Ask], None] = _no_default_reader
    seal: Callable[[], Seal] = _no_seal
    dropped: list[Dropped] = []
    notes: list[str] = []
    kept_names: list[str] = []
    """Parameters that name something kept at Gemini under one account (cached contents, search stores)."""
    given: set[str] = set()
    """What the client gave that may leave no trace in `generation`, in LiteLLM's words: a default for it does not
    count."""
    body: JsonObject = {}
    generation: JsonObject = {}
    gemini: JsonObject = {}
    """Gemini's own fields as the caller gave them; they win over what other parameters were translated to."""
    modalities: list[str] | None = None
    resolution: str | None = None
    declarations: list[JsonObject] = []
    calling: JsonObject | None = None
    """The functionCallingConfig that the client chose, by the parameter `choice_param`."""
    choice_param: str = "tool_choice"
    allowed_functions: frozenset[str] | None = None
    strict_tools: bool = False
    google_tools: list[JsonObject] = []
    retrieval: JsonObject = {}
    function_names: set[str] = set()
    custom_tools: set[str] = set()
    one_call: bool = False
    """The client takes at most one call in an answer."""
    declared: Callable[[], Collection[str]] = _nothing_declared
    """Gives every function name of the request's tools, which may not be read yet."""
    aliases: dict[str, str] = {}
    """Function names that Gemini refuses: as the client has them → as they are sent."""
    taken_names: set[str] = set()
    json_call: JsonCall | None = None
    json_param: str = ""
    """The parameter that asks for JSON."""

    def leave_out(self, param: str, reason: str) -> None:
        """A parameter that cannot be honoured: an error, or with `drop_params` an entry of `dropped`."""
        if not self.drop_params:
            raise UnsupportedParameter(reason, param=param)
        self.dropped.append(Dropped(param, reason))

    def refuse_unsupported(self, param: str, what: str) -> None:
        """`leave_out` with the sentence for an ability that this model's facts exclude."""
        self.leave_out(param, f"Unsupported parameter: '{param}'. This model does not support {what}.")

    def refuse_unknown(self, param: str, known: Iterable[str] = ()) -> None:
        """A parameter that no reader knows: an error, or with `drop_params` an entry of `dropped`. `known`: as in
        `checks.unknown`."""
        error = checks.unknown(param, known)
        if not self.drop_params:
            raise error
        self.dropped.append(Dropped(str(error.param), error.message))

    def refuse_unknown_keys(self, owner: JsonMapping, where: str, known: frozenset[str]) -> None:
        """`refuse_unknown` for each key outside `known` but HINT. Null counts as absent."""
        if not known.issuperset(owner):
            for key, value in owner.items():
                if key not in known and value is not None and key != HINT:
                    self.refuse_unknown(f"{where}.{key}" if where else str(key))

    def read_defaults(self) -> None:
        """Reads the deployment's defaults for what the request leaves open. Called after all of the request's
        parameters, and before its choice among tools, which `given` has already."""
        if self.defaults:
            self.default_reader(self)

    def sent_name(self, name: str) -> str:
        """The name under which Gemini gets a function of the client's."""
        if function_names.LEGAL.match(name):
            return name
        if name not in self.aliases:
            if not self.aliases:
                self.taken_names = set(self.declared())
            self.aliases[name] = function_names.alias(name, self.taken_names)
        return self.aliases[name]


Reader: TypeAlias = Callable[[Ask, object, str], None]
"""Reads one parameter: its value, and its path in the request. Raises InvalidRequest that names the path."""
