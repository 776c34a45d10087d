"""A request and its resolved files → a Gemini request.

The table of readers and the fates in `fields` decide together what happens to each parameter; one that is in neither is
one of Gemini's own, or an input that is not permitted, as at Anthropic.
"""

from __future__ import annotations

from functools import partial

from liftgate.ask import checks
from liftgate.ask.body import finish
from liftgate.ask.builder import Ask
from liftgate.ask.drop_paths import leave_out_unwanted
from liftgate.ask.gemini_fields import read_other
from liftgate.dialects.messages import tools
from liftgate.dialects.messages.fields import IGNORED, REFUSED
from liftgate.dialects.messages.parameters import ELSEWHERE, READERS
from liftgate.dialects.messages.question import MessagesQuestion, Reading
from liftgate.dialects.messages.thinking import settle_thinking
from liftgate.dialects.messages.turns import read_messages
from liftgate.errors import MissingParameter, UnsupportedParameter
from liftgate.json_types import JsonMapping, JsonObject

_PASSED = ELSEWHERE.union(IGNORED)
_FORMS = frozenset({"candidateCount", "speechConfig", "responseModalities"})
NEWEST = "newest"
"""The family of unknown names, which may do anything."""


def check_beginning(request: JsonMapping, *, counting: bool) -> None:
    """What must be there at all. Raises MissingParameter and InvalidRequest."""
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if request.get(name) is None:
            raise MissingParameter(name)
    checks.string(request["model"], "model", empty=False)


def read_message(request: JsonMapping, ask: Ask, *, counting: bool = False) -> MessagesQuestion:
    """Never changes the request. With `drop_params`, what the model's facts exclude and unknown parameters are left
    out, each named in `dropped`. Raises InvalidRequest, MissingParameter, UnsupportedParameter and FileNotFound, with
    the field's path in `param`."""
    if type(drop := request.get("drop_params")) is bool:
        ask.drop_params = drop
    request = leave_out_unwanted(ask, request, keep="messages")
    reading = Reading(ask, request, counting)
    ask.declared = partial(tools.declared_names, request)
    _refuse_models(ask)
    if (declared := request.get("tools")) is not None:
        tools.read_tools(reading, declared, "tools")
    for name, value in request.items():
        if value is not None and name not in _PASSED:
            _read(reading, name, value)
    read_messages(reading, request["messages"])
    settle_thinking(reading)
    choice = request.get("tool_choice")
    if choice is not None:
        ask.given.add("tool_choice")
    ask.read_defaults()
    if choice is not None:
        tools.read_choice(reading, choice, "tool_choice")
    _refuse_forms(ask)
    return finish(ask, MessagesQuestion, reading.thinks, ask.facts.family, ask.seal)


def _read(reading: Reading, name: str, value: object) -> None:
    ask = reading.ask
    if (reader := READERS.get(name)) is not None:
        reader(reading, value, name)
    elif (reason := REFUSED.get(name)) is not None:
        if not checks.asks_for_nothing(value):
            ask.leave_out(name, f"Unsupported parameter: '{name}': {reason}.")
    else:
        read_other(ask, name, value, name, instead="'messages', 'system' and 'model'")


def _refuse_models(ask: Ask) -> None:
    """Those whose answers a Message has no block for."""
    facts = ask.facts
    if not facts.text_out:
        raise UnsupportedParameter("This model only speaks, and a Message has no sound.", param="model")
    if facts.image_out and facts.family != NEWEST:
        raise UnsupportedParameter(
            "This model makes images, and a Message has no block for them: ask it at /v1/chat/completions.",
            param="model",
        )


def _refuse_forms(ask: Ask) -> None:
    """Gemini's own fields may ask for what a Message has no form for."""
    if not ask.gemini and not ask.modalities and _FORMS.isdisjoint(ask.generation):
        return
    asked: JsonObject = {**ask.generation, **ask.gemini.get("generationConfig", {})}
    if (asked.get("candidateCount") or 1) != 1:
        raise UnsupportedParameter("A Message is one answer.", param="candidate_count")
    wanted = asked.get("responseModalities") or ask.modalities or ()
    if "AUDIO" in wanted or "IMAGE" in wanted or "speechConfig" in asked:
        raise UnsupportedParameter("A Message has neither sound nor images.", param="response_modalities")
