"""One choice of an answer as it grows, and the answer that holds them: neutral facts, from which each API writes its
own form.

The fold writes into these; what they say is whole once Gemini has finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, Self, TypeVar

import msgspec

from liftgate import gemini_json as upstream
from liftgate.answer.citations import Citation, read_citations
from liftgate.answer.counts import Counts, read_counts, text_counts
from liftgate.answer.events import Call, ChoiceEvent, Position, Signature, Text, Thought, TokenLogprob
from liftgate.answer.metadata import Gathered
from liftgate.errors import UpstreamAnswerBroken
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.prices import TextCounts
from liftgate.set_plainly import set_plainly

BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
    }
)  # fmt: skip
"""Reasons that lie in no content: another try may do, and a client must not take them for a filter's."""

FILTERED = frozenset({"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"})
"""Reasons that lie in the content, beside those that begin with `IMAGE_`."""

METADATA = (
    "safetyRatings", "citationMetadata", "groundingMetadata", "urlContextMetadata", "continuationToken",
)  # fmt: skip
"""Fields of a candidate that are kept whole, under Google's names."""
_METADATA = frozenset(METADATA)


class JsonFunction(Protocol):
    """A function that stands for JSON output: `content` gives the text that its arguments mean."""

    @property
    def name(self) -> str: ...
    def content(self, args: JsonMapping) -> str: ...


class Asked(Protocol):
    """What the fold must know of the question.

    `function_names`: those that the client declared; `client_names`: those that were sent under another name.
    `one_call`: the client takes one call in an answer at most. `call_ids`: calls have ids, which the client gives back.
    `json_call`: the function whose arguments are the content. `mcp`: Google calls functions of an MCP server itself.
    `fails_on_other`: an answer that Google ended for an unknown reason is none in the client's API.
    """

    @property
    def function_names(self) -> frozenset[str]: ...
    @property
    def client_names(self) -> Mapping[str, str]: ...
    @property
    def one_call(self) -> bool: ...
    @property
    def call_ids(self) -> bool: ...
    @property
    def json_call(self) -> JsonFunction | None: ...
    @property
    def mcp(self) -> bool: ...
    @property
    def fails_on_other(self) -> bool: ...
    def without_body(self) -> Self: ...


Q = TypeVar("Q", bound=Asked)


class Head(msgspec.Struct, frozen=True):
    """What is known of an answer before it has begun. `id`: random characters, to which each API puts its own prefix;
    `model`: the public name; `created`: unix seconds."""

    id: str
    model: str
    created: int


@set_plainly
class Choice(msgspec.Struct):
    """State of the candidate `index`.

    `events`: all that it consists of, in order; `plain`: it is nothing but text. `length`: characters of content.
    `part_starts`: where the content of each of Gemini's parts begins. `left_out`: names of further calls, where the
    client takes one. `metadata`: by Google's names, whole (`METADATA`). `finish_reason`, `finish_message`: Gemini's
    own. `blocked`: the prompt was, so there is no answer and will be none. `citations`: read at the end.
    """

    index: int
    events: list[ChoiceEvent] = []
    plain: bool = True
    length: int = 0
    part_starts: list[int] = []
    calls: list[Call] = []
    left_out: list[str] = []
    logprobs: list[TokenLogprob] | None = None
    metadata: JsonObject = {}
    gathered: dict[str, Gathered] = {}
    finish_reason: str | None = None
    finish_message: str | None = None
    prompt_feedback: JsonObject | None = None
    blocked: bool = False
    citations: list[Citation] = []

    @property
    def position(self) -> Position:
        """Where the next part will stand."""
        return Position(self.length, len(self.calls))

    @property
    def has_text(self) -> bool:
        """Whether there is content, be it an empty one that has probabilities."""
        return self.length > 0 or any(type(each) is Text for each in self.events)

    @property
    def says_something(self) -> bool:
        """Whether there is more than thoughts."""
        return self.length > 0 or any(type(each) not in (Text, Thought, Signature) for each in self.events)

    @property
    def is_withheld(self) -> bool:
        """Whether the answer ended for its content, so that what there is of it is shown as a part. So is an answer
        that ended for a reason of which nothing is known here."""
        native = self.finish_reason or ""
        if self.blocked or native in FILTERED or native.startswith("IMAGE_"):
            return True
        return native != "OTHER" and native not in BROKEN and self.says_something

    def refusal(self, otherwise: str) -> str:
        """Why nothing is there to read, in Gemini's words where it has any. `otherwise`: half a sentence, which its
        `finish_reason` completes."""
        feedback = self.prompt_feedback or {}
        if words := feedback.get("blockReasonMessage") or self.finish_message:
            return str(words)
        if block := feedback.get("blockReason"):
            return f"Gemini blocked the prompt: {block}."
        return f"{otherwise}: {self.finish_reason}."

    @property
    def text(self) -> str:
        events = self.events
        if len(events) == 1 and type(only := events[0]) is Text:
            return only.text
        return "".join([each.text for each in events if type(each) is Text])

    def take_feedback(self, feedback: JsonObject) -> None:
        """What Google says of the prompt."""
        self.prompt_feedback = feedback
        reason = upstream.string(feedback, "blockReason", "promptFeedback")
        upstream.string(feedback, "blockReasonMessage", "promptFeedback")
        self.blocked = self.blocked or bool(reason)

    def cite(self) -> None:
        """Reads `citations`, once all is here."""
        grounding, cited = self.metadata.get("groundingMetadata"), self.metadata.get("citationMetadata")
        if grounding or cited:
            place = f"candidates[{self.index}]"
            self.citations = read_citations(self.text, self.part_starts, grounding, cited, place)

    def take_metadata(self, candidate: JsonObject, place: str) -> None:
        """The candidate's fields beside content; later ones complete earlier ones."""
        if (reason := upstream.string(candidate, "finishReason", place)) and reason != "FINISH_REASON_UNSPECIFIED":
            self.finish_reason = reason
        if message := upstream.string(candidate, "finishMessage", place):
            self.finish_message = message
        if _METADATA.isdisjoint(candidate):
            return
        for field in METADATA:
            value = candidate.get(field)
            if not value:
                continue
            if field == "safetyRatings":
                upstream.mappings(candidate, field, place)
            elif field == "continuationToken":
                upstream.string(candidate, field, place)
            else:
                found = upstream.mapping(candidate, field, place) or {}
                gathered = self.gathered.get(field)
                if gathered is None:
                    gathered = self.gathered[field] = Gathered()
                    self.metadata[field] = gathered.fields
                gathered.take(found)
                continue
            self.metadata[field] = value


class Answer(Generic[Q]):
    """Whole once its fold has ended. `question`: what the client asked, as its dialect read it. `service_tier`:
    Google's word, as the answer began with it. `response_id`, `served_by` (the model that answered): Google's words
    beside its first counts, empty where it did not say. `usage`: Gemini's usageMetadata, whole, as it came last.
    `dollars`: what it cost, where that is shown. `large`: to write it takes long, which is then to be done in a thread.
    `ended_at`: unix seconds; 0 where unknown."""

    __slots__ = (
        "_counts", "_of", "_text", "choices", "dollars", "ended_at", "head", "large", "model_version", "question",
        "response_id", "served_by", "service_tier", "usage",
    )  # fmt: skip

    def __init__(self, head: Head, question: Q) -> None:
        self.head = head
        self.question = question
        self.choices: dict[int, Choice] = {}
        self.model_version: str | None = None
        self.service_tier: str | None = None
        self.response_id = self.served_by = ""
        self.usage: JsonObject = {}
        self.dollars: float | None = None
        self.large = False
        self.ended_at = 0
        self._counts: Counts | None = None
        self._text: TextCounts | None = None
        self._of: JsonObject | None = None

    def take_names(self, chunk: JsonObject) -> None:
        """Takes Google's names of the answer, for records of calls. Names of a wrong form are left out."""
        own_id, served_by = chunk.get("responseId"), chunk.get("modelVersion")
        self.response_id = own_id if type(own_id) is str else ""
        self.served_by = served_by if type(served_by) is str else ""

    def text(self) -> TextCounts | None:
        """Of `usage` as it stands; None where that is not of text alone. Read once: an answer tells it, and its price
        is of it."""
        if self._of is not self.usage:
            self._text, self._of = text_counts(self.usage), self.usage
        return self._text

    @property
    def counts(self) -> Counts:
        """Of `usage` as it stands. Raises UpstreamProtocolError for counts that are none."""
        if self._counts is None or self._counts.usage is not self.usage:
            return self.count()
        return self._counts

    def count(self) -> Counts:
        """Reads them for `counts`, and raises what it does."""
        self._counts = read_counts(self.usage, self.text())
        return self._counts

    @property
    def first(self) -> Choice:
        """Of an API whose answer is one. Raises UpstreamAnswerBroken."""
        if (choice := self.choices.get(0)) is None:
            raise UpstreamAnswerBroken("Gemini's answer has no first candidate.")
        return choice

    def in_order(self) -> list[Choice]:
        choices = self.choices
        return [*choices.values()] if len(choices) == 1 else [choice for _, choice in sorted(choices.items())]
