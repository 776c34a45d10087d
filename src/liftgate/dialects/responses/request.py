"""A request and its resolved files → a Gemini request.

The table of readers below and the fates in `fields` decide together what happens to each parameter; one that is in
neither is one of Gemini's own, or an unknown parameter, as at OpenAI.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from liftgate import ids
from liftgate.ask import checks
from liftgate.ask.body import Conversation, finish, turn_starts
from liftgate.ask.builder import Ask
from liftgate.ask.drop_paths import leave_out_unwanted
from liftgate.ask.gemini_fields import read_other
from liftgate.dialects.responses import tools
from liftgate.dialects.responses.echo import echoed
from liftgate.dialects.responses.fields import IGNORED, MOVED, REFUSED
from liftgate.dialects.responses.items import has_items, read_input
from liftgate.dialects.responses.native import NO_NATIVES, Natives
from liftgate.dialects.responses.parameters import OF_ASK, READ_ELSEWHERE, READERS, refuse_what_is_not_so
from liftgate.dialects.responses.question import NOTHING_SHOWN, Reading, ResponsesQuestion, Shown
from liftgate.dialects.responses.sealed import ENCRYPTED, OneSeal
from liftgate.dialects.responses.tool_choice import read_choice
from liftgate.errors import InvalidRequest, MissingParameter, NotFound, UnsupportedParameter, shortened
from liftgate.json_types import JsonMapping, JsonObject

_EARLIER = frozenset({"previous_response_id", "conversation"})
_LOOKED_AT = _EARLIER | MOVED.keys() | {"prompt"}
_FORMS = frozenset({"candidateCount", "responseModalities", "speechConfig"})
_SHOW = frozenset({"include", "reasoning", "top_logprobs"})


def check_beginning(request: JsonMapping) -> None:
    """What OpenAI looks at first. Raises MissingParameter, UnsupportedParameter and InvalidRequest."""
    if _LOOKED_AT.isdisjoint(request) and request.get("model") is not None and has_items(request):
        return
    if not MOVED.keys().isdisjoint(request):
        _refuse_moved(request)
    if request.get("model") is None:
        raise MissingParameter("model")
    if (request.get("prompt")) is not None:
        prompt = checks.mapping(request["prompt"], "prompt")
        prompt_id = checks.string(checks.required(prompt, "id", "prompt"), "prompt.id")
        raise NotFound(f"Prompt with id '{shortened(prompt_id)}' not found.", param="prompt")
    begun = request.get("previous_response_id") is not None or request.get("conversation") is not None
    if request.get("input") is None and not begun:
        raise MissingParameter("input")
    if not has_items(request) and not begun:
        raise InvalidRequest(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided."
        )


def _refuse_moved(request: JsonMapping) -> None:
    for name, place in MOVED.items():
        if request.get(name) is not None:
            raise UnsupportedParameter(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{place}'.",
                param=name,
            )


def read_response(
    request: JsonMapping, ask: Ask, history: Sequence[JsonObject], natives: Natives = NO_NATIVES
) -> ResponsesQuestion:
    """Never changes the request. With `drop_params`, what the model's facts exclude and unknown parameters are left
    out, each named in `dropped`. `history`: the items of the turns before; `natives`: what Gemini wants back with them.
    Raises InvalidRequest, MissingParameter, UnsupportedParameter, NotFound and FileNotFound, with the field's path in
    `param`."""
    if type(drop := request.get("drop_params")) is bool:
        ask.drop_params = drop
    if ask.defaults or "additional_drop_params" in request:
        request = leave_out_unwanted(ask, request, keep="input")
    reading = Reading(ask, request)
    ask.declared = partial(tools.declared_names, request)
    if not ask.facts.text_out:
        raise UnsupportedParameter("This model only speaks, and a Response has no sound.", param="model")
    for name, value in request.items():
        if value is not None and name not in READ_ELSEWHERE:
            if (reader := OF_ASK.get(name)) is not None:
                reader(ask, value, name)
            else:
                _read(reading, name, value)
    starts = _conversation(reading, request, history, natives)
    choice = request.get("tool_choice")
    if choice is not None:
        ask.given.add("tool_choice")
    ask.read_defaults()
    if choice is not None:
        read_choice(reading, choice, "tool_choice")
    if request.get("max_tool_calls") is not None and reading.hosted:
        ask.leave_out("max_tool_calls", f"Unsupported parameter: 'max_tool_calls': {REFUSED['max_tool_calls']}.")
    _refuse_forms(ask)
    shown = _shown(request)
    return finish(
        ask,
        ResponsesQuestion,
        echoed(request),
        shown,
        reading.namespaces,
        request.get("store") is not False,
        "code_interpreter" in reading.hosted,
        ask.facts.family,
        OneSeal(ask.seal) if shown.sealed else ask.seal,
        starts,
    )


def refuse_earlier(request: JsonMapping) -> None:
    """Where nothing is kept, no earlier response or conversation is there."""
    previous, conversation = earlier(request)
    if conversation is not None:
        raise conversation_not_found(conversation)
    if previous is not None:
        raise previous_not_found(previous)


def earlier(request: JsonMapping) -> tuple[str | None, str | None]:
    """The response and the conversation that a request goes on from; at most one of them is not None."""
    if _EARLIER.isdisjoint(request):
        return None, None
    previous, conversation = request.get("previous_response_id"), request.get("conversation")
    if previous is not None:
        previous = checks.string(previous, "previous_response_id")
    if isinstance(conversation, dict):
        for key in conversation:
            if key != "id" and conversation[key] is not None:
                raise checks.unknown(f"conversation.{key}")
        conversation = checks.required(conversation, "id", "conversation")
        conversation = checks.string(conversation, "conversation.id")
    elif conversation is not None and not isinstance(conversation, str):
        raise checks.invalid_type("conversation", "one of a string or object", conversation)
    if previous is not None and conversation is not None:
        raise InvalidRequest(
            "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'.",
            code="mutually_exclusive_parameters",
        )
    _check_lengths(previous, conversation)
    return previous, conversation


def _check_lengths(previous: str | None, conversation: str | None) -> None:
    if previous is not None and len(previous) > ids.LONGEST:
        raise previous_not_found(previous)
    if conversation is not None and len(conversation) > ids.LONGEST:
        raise conversation_not_found(conversation)


def previous_not_found(response_id: str, why: str = "not found") -> InvalidRequest:
    """Also for one of another owner's. `why`: of one that is there, and has no answer or no beginning."""
    return InvalidRequest(
        f"Previous response with id '{shortened(response_id)}' {why}.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def conversation_not_found(conversation_id: str) -> NotFound:
    """Also for one of another owner's."""
    return NotFound(f"Conversation with id '{shortened(conversation_id)}' not found.")


def refuse_keeping(request: JsonMapping) -> None:
    """Where nothing is kept, and the answer would be by default."""
    if request.get("background") is True:
        raise UnsupportedParameter(
            "Unsupported value: 'background' does not support true where nothing is stored.", param="background"
        )
    if request.get("store") is not False:
        raise UnsupportedParameter(
            "Unsupported value: 'store' does not support true, which is its default: responses are not kept here yet. "
            "Send 'store': false.",
            param="store",
        )


def _conversation(
    reading: Reading, request: JsonMapping, history: Sequence[JsonObject], natives: Natives
) -> tuple[int, ...]:
    """Gives where the turns begin, if there are several and the first may be left out."""
    talk = Conversation(reading.ask)
    if (instructions := request.get("instructions")) is not None:
        talk.instructions.append({"text": checks.string(instructions, "instructions")})
    if reading.attached:
        talk.add_user(reading.attached)
    value = request.get("input")
    read_input(talk, history, [] if value is None else value, natives)
    talk.finish()
    if request.get("truncation") != "auto":
        return ()
    staying = bool(reading.attached) + bool(talk.instructions and "systemInstruction" not in reading.ask.body)
    return turn_starts(talk.contents, staying)


def _read(reading: Reading, name: str, value: object) -> None:
    ask = reading.ask
    if (reader := READERS.get(name)) is not None:
        reader(reading, value, name)
    elif name in IGNORED:
        return
    elif name in REFUSED:
        refuse_what_is_not_so(ask, name, value)
    else:
        read_other(ask, name, value, name, instead="'input', 'instructions' and 'model'", known=(*READERS, *OF_ASK))


def _refuse_forms(ask: Ask) -> None:
    """Gemini's own fields may ask for what a Response has no form for."""
    asked: JsonObject = ask.generation
    if not ask.gemini and not ask.modalities and _FORMS.isdisjoint(asked):
        return
    if ask.gemini:
        asked = {**asked, **ask.gemini.get("generationConfig", {})}
    if (asked.get("candidateCount") or 1) != 1:
        raise UnsupportedParameter("A Response has one answer.", param="candidate_count")
    if "AUDIO" in (asked.get("responseModalities") or ask.modalities or ()) or "speechConfig" in asked:
        raise UnsupportedParameter("A Response has no sound.", param="response_modalities")


def _shown(request: JsonMapping) -> Shown:
    if _SHOW.isdisjoint(request):
        return NOTHING_SHOWN
    include = frozenset(request.get("include") or ())
    reasoning = request.get("reasoning") or {}
    return Shown(
        summary=bool(reasoning.get("summary") or reasoning.get("generate_summary")),
        logprobs="message.output_text.logprobs" in include or bool(request.get("top_logprobs")),
        sources="web_search_call.action.sources" in include,
        outputs="code_interpreter_call.outputs" in include,
        results="file_search_call.results" in include,
        sealed=ENCRYPTED in include,
    )
