"""How answers of Responses become results of the SDK. Loaded by the first call of `responses`: chats do without."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

from liftgate.answer.choice import Answer
from liftgate.dialects.responses.dialect import RESPONSES
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.dialects.responses.stream import ResponseEvents
from liftgate.json_types import JsonMapping
from liftgate.sdk.forms import INLINE_LIMIT, Form, Write
from liftgate.sdk.response_results import ResponsesAPIResponse, ResponsesEvent

ResponsesForm: TypeAlias = Form[ResponsesQuestion, ResponsesAPIResponse, ResponsesEvent]


def responses_form(request: JsonMapping) -> ResponsesForm:
    return Form(
        request,
        RESPONSES.call_prefix,
        partial(RESPONSES.media, inline_limit=INLINE_LIMIT),
        RESPONSES.call_ids,
        RESPONSES.read,
        lambda answer: ResponsesAPIResponse(**RESPONSES.whole(answer)),
        partial(events_of, request),
    )


def events_of(request: JsonMapping, answer: Answer[ResponsesQuestion]) -> Write[ResponsesEvent]:
    writer = ResponseEvents(answer.head, request)
    writer.begin(answer)
    return lambda events: [ResponsesEvent(**event) for event in writer.events(events)]
