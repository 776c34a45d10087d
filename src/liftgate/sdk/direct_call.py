"""One request straight to Gemini: its translation, the call, and its answer as results. For `direct`.

The same translation and fold as the gateway's. Thought signatures of chats travel inside the messages; those of
Responses that a client does not send back are remembered by the process for a while.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Generic, TypeVar

import msgspec

from liftgate import ids
from liftgate.answer.choice import Answer, Head
from liftgate.answer.counts import read_total
from liftgate.answer.events import SHOWN, Event
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.gemini_fields import merged
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_dates import with_its_end
from liftgate.ask.model_facts import facts_for
from liftgate.ask.question import Question, count_body
from liftgate.ask.suspects import Suspect
from liftgate.clock import Clock
from liftgate.days import day_of
from liftgate.deployments import Account, Deployment
from liftgate.errors import InvalidRequest, LiftgateError, MissingParameter, NotFound
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.replies import unbroken
from liftgate.gemini.stream import GeminiStream
from liftgate.gemini_json import decoded
from liftgate.json_types import JsonMapping
from liftgate.prices import counts_of_gemini
from liftgate.sdk.calls import model_name
from liftgate.sdk.direct_failures import for_caller
from liftgate.sdk.forms import Form, Write
from liftgate.sdk.response_cost import note_cost
from liftgate.sdk.response_results import ResponsesAPIResponse
from liftgate.sdk.results import ModelResponse
from liftgate.sealing import seal_of
from liftgate.settings.sections import LOCAL

Q = TypeVar("Q", bound=Question)
R = TypeVar("R", bound=ModelResponse | ResponsesAPIResponse)
P = TypeVar("P")

REMEMBERED = 10_000

_encode = msgspec.json.Encoder().encode


class RecentSignatures:
    """Of the calls that this process was given last: (call id, base64 signature) each."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()

    def keep(self, signatures: Sequence[tuple[str, str]]) -> None:
        self._known.update(signatures)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def find(self, call_ids: Sequence[str]) -> dict[str, str]:
        return {call_id: self._known[call_id] for call_id in call_ids if call_id in self._known}


class DirectCall(Generic[Q, R, P]):
    """`body`: the caller's extra_body, put into Gemini's request over what is there, as LiteLLM does."""

    def __init__(
        self,
        client: GeminiClient,
        account: Account,
        clock: Clock,
        form: Form[Q, R, P],
        body: JsonMapping,
        signatures: RecentSignatures,
    ) -> None:
        if "model" not in form.request:
            raise MissingParameter("model")
        self._client = client
        self._clock = clock
        self._form = form
        self._body = body
        self._signatures = signatures
        self._model = model_name(form.request["model"])
        self.suspects: list[Suspect] = []
        self.named: Mapping[str, Media] = {}
        """Files of Google's that the request names, by their names there."""
        self._deployment = Deployment("direct", self._model, self._model, account, account.api_keys[0])

    def translate(self, files: Mapping[str, ResolvedFile]) -> Q:
        form = self._form
        ask = Ask(facts_for(self._model, day_of(self._clock.now())), files)
        ask.signatures = self._signatures.find(form.call_ids(form.request))
        # There is no deployment here: who has the key of Google's opens what was sealed with it.
        ask.seal = lambda: seal_of(hashlib.sha256(self._deployment.api_key.encode()).digest(), LOCAL)
        return form.read(form.request, ask)

    async def complete(self, translation: Q, timeout: float) -> R:
        body = self._encoded(translation.body)

        async def folded() -> Answer[Q]:
            raw = await self._client.generate(self._deployment, body, timeout=timeout)
            fold = self._new_fold(translation)
            fold.feed(decoded(raw))
            fold.end(whole=True)
            self._signatures.keep(fold.take_signatures())
            return fold.answer

        with self._naming_its_end():
            answer = await unbroken(folded)
        response = self._form.result(answer)
        note_cost(response, self._model, counts_of_gemini(answer.usage))
        return response

    async def count(self, translation: Q, timeout: float) -> int:
        body = count_body(translation.body, self._model)["generateContentRequest"]
        asked = _encode({"generateContentRequest": msgspec.Raw(self._encoded(body))})
        with self._naming_its_end():
            raw = await self._client.call(self._deployment, "countTokens", asked, timeout=timeout)
        return read_total(decoded(raw))

    async def open(self, translation: Q, timeout: float) -> DirectStream[Q, P]:
        """Once the first event is there: what fails before it is raised here, and may be tried again."""
        with self._naming_its_end():
            return await unbroken(partial(self._open_once, translation, timeout))

    @contextmanager
    def _naming_its_end(self) -> Iterator[None]:
        """The error of a model that Google has ended says when, and what follows."""
        try:
            yield
        except NotFound as gone:
            raise with_its_end(gone, self._model, day_of(self._clock.now())) from None

    async def _open_once(self, translation: Q, timeout: float) -> DirectStream[Q, P]:
        stream = await self._client.open_stream(
            self._deployment, self._encoded(translation.body), timeout=timeout, idle_timeout=timeout
        )
        try:
            fold = self._new_fold(translation)
            first: list[Event] = []
            while not any(isinstance(event, SHOWN) for event in first) and (batch := await stream.batch()):
                for data in batch:
                    first += fold.feed(decoded(data))
                fold.check_unbroken()
            return DirectStream(stream, fold, self._form.write(fold.answer), first, self._signatures)
        except BaseException:
            await stream.close()
            raise

    def _encoded(self, body: JsonMapping) -> bytes:
        if not self._body:
            return _encode(body)
        try:
            return _encode(merged(body, self._body))
        except TypeError as error:
            raise InvalidRequest(f"'extra_body' is no JSON: {error}", param="extra_body") from error

    def _new_fold(self, translation: Q) -> AnswerFold[Q]:
        head = Head(ids.token(), self._model, int(self._clock.now()))
        return AnswerFold(head, translation, new_call_id=partial(ids.new_call_id, self._form.call_prefix))


class DirectStream(Generic[Q, P]):
    """A `Source` over Gemini's events. `first`: those that have come."""

    def __init__(
        self,
        stream: GeminiStream,
        fold: AnswerFold[Q],
        write: Write[P],
        first: list[Event],
        signatures: RecentSignatures,
    ) -> None:
        self._stream = stream
        self._fold = fold
        self._write = write
        self._first = first
        self._signatures = signatures
        self._ended = False

    async def batch(self) -> list[P]:
        while not self._ended:
            try:
                pieces = self._write(await self._events())
            except BaseException as error:
                await self.close()
                if isinstance(error, LiftgateError):
                    raise for_caller(error) from error
                raise
            if pieces:
                return pieces
        return []

    async def close(self) -> None:
        self._ended = True
        await self._stream.close()

    async def _events(self) -> list[Event]:
        if self._first:
            events, self._first = self._first, []
        elif batch := await self._stream.batch():
            events = [event for data in batch for event in self._fold.feed(decoded(data))]
        else:
            events = self._fold.end()
            await self.close()
        self._signatures.keep(self._fold.take_signatures())
        return events
