"""One chat straight to Gemini: the request's translation, the call, and its answer as results. For `direct`.

The same translation and fold as the gateway's; thought signatures travel inside the messages, as nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import msgspec

from liftgate import ids
from liftgate.answer.choice import Answer, Head
from liftgate.answer.counts import read_total
from liftgate.answer.fold import AnswerFold
from liftgate.ask.builder import Ask
from liftgate.ask.gemini_fields import merged
from liftgate.ask.media import ResolvedFile
from liftgate.ask.model_dates import with_its_end
from liftgate.ask.model_facts import facts_for
from liftgate.ask.question import count_body
from liftgate.ask.suspects import Suspect
from liftgate.clock import Clock
from liftgate.dialects.chat.chunks import ChunkWriter
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.dialect import CHAT
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import read_chat
from liftgate.errors import InvalidRequest, LiftgateError, MissingParameter, NotFound
from liftgate.gemini.client import GeminiClient, unbroken
from liftgate.gemini.stream import GeminiStream
from liftgate.gemini_json import decoded
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.prices import counts_of_gemini, day_of
from liftgate.records import Account, Deployment
from liftgate.sdk.calls import model_name
from liftgate.sdk.direct_failures import for_caller
from liftgate.sdk.response_cost import note_cost
from liftgate.sdk.results import ModelResponse, ModelResponseStream

_encode = msgspec.json.Encoder().encode


class DirectChat:
    """`body`: the caller's extra_body, put into Gemini's request over what is there, as LiteLLM does."""

    def __init__(
        self, client: GeminiClient, account: Account, clock: Clock, request: JsonMapping, body: JsonMapping
    ) -> None:
        if "model" not in request:
            raise MissingParameter("model")
        self._client = client
        self._clock = clock
        self._request = request
        self._body = body
        self._model = model_name(request["model"])
        self.suspects: list[Suspect] = []
        self._deployment = Deployment("direct", self._model, self._model, account, account.api_keys[0])

    def translate(self, files: Mapping[str, ResolvedFile]) -> ChatQuestion:
        return read_chat(self._request, Ask(facts_for(self._model, day_of(self._clock.now())), files))

    async def complete(self, translation: ChatQuestion, timeout: float) -> ModelResponse:
        body = self._encoded(translation.body)

        async def folded() -> Answer[ChatQuestion]:
            raw = await self._client.generate(self._deployment, body, timeout=timeout)
            fold = self._fold(translation)
            fold.feed(decoded(raw))
            fold.end(whole=True)
            return fold.answer

        with self._told_its_end():
            answer = await unbroken(folded)
        response = ModelResponse(**completion(answer))
        note_cost(response, self._model, counts_of_gemini(answer.usage))
        return response

    async def count(self, translation: ChatQuestion, timeout: float) -> int:
        body = count_body(translation.body, self._model)["generateContentRequest"]
        asked = _encode({"generateContentRequest": msgspec.Raw(self._encoded(body))})
        with self._told_its_end():
            raw = await self._client.call(self._deployment, "countTokens", asked, timeout=timeout)
        return read_total(decoded(raw))

    async def open(self, translation: ChatQuestion, timeout: float) -> DirectStream:
        """Once the first event is there: what fails before it is raised here, and may be tried again."""
        with self._told_its_end():
            return await unbroken(partial(self._open_once, translation, timeout))

    @contextmanager
    def _told_its_end(self) -> Iterator[None]:
        """Of a model that Google has ended it is said when, and what follows."""
        try:
            yield
        except NotFound as gone:
            raise with_its_end(gone, self._model, day_of(self._clock.now())) from None

    async def _open_once(self, translation: ChatQuestion, timeout: float) -> DirectStream:
        stream = await self._client.open_stream(
            self._deployment, self._encoded(translation.body), timeout=timeout, idle_timeout=timeout
        )
        try:
            fold = self._fold(translation)
            writer = ChunkWriter(fold.answer)
            chunks: list[JsonObject] = []
            while not chunks and (batch := await stream.batch()):
                chunks = [chunk for data in batch for chunk in writer.chunks(fold.feed(decoded(data)))]
                fold.check_unbroken()
            return DirectStream(stream, fold, writer, chunks)
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

    def _fold(self, translation: ChatQuestion) -> AnswerFold[ChatQuestion]:
        translation = msgspec.structs.replace(translation, inline_signatures=True)
        head = Head(ids.token(), self._model, int(self._clock.now()))
        return AnswerFold(head, translation, new_call_id=partial(ids.new_call_id, CHAT.call_prefix))


class DirectStream:
    """A `ChunkSource` over Gemini's events. `first`: the chunks of those that have come."""

    def __init__(
        self, stream: GeminiStream, fold: AnswerFold[ChatQuestion], writer: ChunkWriter, first: list[JsonObject]
    ) -> None:
        self._stream = stream
        self._fold = fold
        self._writer = writer
        self._first = first
        self._ended = self._whole = False

    async def batch(self) -> list[ModelResponseStream]:
        while not self._ended:
            try:
                chunks = await self._advance()
            except BaseException as error:
                await self.close()
                if isinstance(error, LiftgateError):
                    raise for_caller(error) from error
                raise
            if chunks:
                made = [ModelResponseStream(**chunk) for chunk in chunks]
                if self._whole:
                    made[-1]._hidden_params = {"usage": self._writer.usage()}
                return made
        return []

    async def close(self) -> None:
        self._ended = True
        await self._stream.close()

    async def _advance(self) -> list[JsonObject]:
        if self._first:
            chunks, self._first = self._first, []
            return chunks
        events = await self._stream.batch()
        if not events:
            chunks = self._writer.chunks(self._fold.end())
            self._whole = True
            await self.close()
            return chunks
        return [chunk for data in events for chunk in self._writer.chunks(self._fold.feed(decoded(data)))]
