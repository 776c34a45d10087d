"""What every client's API can do: read a request into Gemini's, and write answers, streams and errors.

A dialect is one object of pure functions, and knows no other dialect. To add one: its folder, and its rows in
`server/routes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

import msgspec

from liftgate.answer.choice import Answer, Head
from liftgate.answer.events import Event
from liftgate.ask.builder import Ask
from liftgate.ask.media import MediaFound
from liftgate.ask.question import Question
from liftgate.errors import LiftgateError
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import Body

Q = TypeVar("Q", bound=Question)

JSON = b"application/json"
NO_SIGNATURES: Mapping[str, str] = MappingProxyType({})
OUR_LIST = "GET /v1/models lists those that can be asked."
_GOOGLES_LIST = re.compile(r"Call (?:ModelService\.)?ListModels to see the list of available models[^.]*\.")
"""What Google tells whoever asks for a model that is not there: a call that other APIs' clients do not have."""


def with_our_list(message: str) -> str:
    """Google's sentence as a client of another API can follow it."""
    return _GOOGLES_LIST.sub(OUR_LIST, message)


def of_class(table: Mapping[type[LiftgateError], str], kind: type[LiftgateError]) -> str:
    """What the table says of a class; of one that it does not have, what it says of the class that it is of."""
    return next(table[each] for each in kind.__mro__ if each in table)


class ErrorBody(msgspec.Struct, frozen=True):
    """An error in the API's names and sentences, and the HTTP status that goes with it. `longest_pause`: seconds, where
    the API's clients wait as long as the answer asks. `tells_request`: the body has the request's id too, in
    `request_id`."""

    status: int
    body: JsonObject
    longest_pause: float | None = None
    tells_request: bool = False


class Errors(Protocol):
    """How an API tells what went wrong. `name`: for logs. `json_type`: its Content-Type of JSON."""

    name: str
    json_type: bytes

    def error(self, error: LiftgateError) -> ErrorBody: ...


class Encoder(Protocol[Q]):
    """Writes one stream as server-sent events. Each method gives whole blocks; b"" where the API writes nothing.
    `large`: set by who calls it in a thread, because what it writes takes long; it then writes in steps."""

    large: bool

    def begin(self, answer: Answer[Q]) -> None:
        """The answer is there: before the first `encode`."""

    def encode(self, events: Sequence[Event]) -> Body: ...

    def ping(self) -> Body:
        """Something for the client in a silence, also before the answer is there."""
        ...

    def end(self) -> bytes:
        """Behind the last events of an answer that is whole."""
        ...

    def error(self, error: LiftgateError) -> Body:
        """The stream breaks off here: the error, and the end behind it."""
        ...


class Dialect(Errors, Protocol[Q]):
    """An API in which models are asked. `call_prefix`: what its ids of function calls begin with. `rising_ids`: its
    answers are stored, so their ids rise with the time. `signatures`: thought signatures of calls in the history that
    need not be looked up, by call id."""

    call_prefix: str
    rising_ids: bool
    signatures: Mapping[str, str]

    def media(self, request: JsonMapping, *, inline_limit: int) -> MediaFound:
        """Which files a request needs. Raises InvalidRequest for media that cannot be read."""
        ...

    def call_ids(self, request: JsonMapping) -> Sequence[str]:
        """The ids of the function calls in the history: those whose thought signatures are to be looked up."""
        ...

    def read(self, request: JsonMapping, ask: Ask) -> Q:
        """Fills `ask`, Gemini's request in the making, and gives its question. RequestError names a field's path."""
        ...

    def whole(self, answer: Answer[Q]) -> JsonObject:
        """An answer whose fold has ended."""
        ...

    def encoder(self, head: Head, request: JsonMapping) -> Encoder[Q]: ...
