"""What `responses` gives back: a Response of OpenAI's, and the events of a stream, named as LiteLLM names them."""

from __future__ import annotations

from typing import Any

from liftgate.json_types import JsonObject
from liftgate.sdk.results import Result

ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""The types of a stream's last event."""


class ResponseAPIUsage(Result):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: Result | None = None
    output_tokens_details: Result | None = None


class ResponsesAPIResponse(Result, usage=ResponseAPIUsage):
    """Its items stand in `output`; they may be put back into `input` as they are. `_hidden_params["response_cost"]`: US
    dollars at the list price, None where there is none."""

    __slots__ = ("_hidden_params",)

    id: str
    created_at: int
    model: str
    object: str
    status: str
    output: list[Result]
    usage: ResponseAPIUsage | None = None
    error: Result | None = None
    incomplete_details: Result | None = None
    previous_response_id: str | None = None
    metadata: Result | None = None
    service_tier: str | None = None

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._hidden_params: JsonObject = {}

    @property
    def output_text(self) -> str:
        """The text of all messages."""
        parts = (part for item in self.output if item.get("type") == "message" for part in item.content)
        return "".join(part.text for part in parts if part.get("type") == "output_text")


class DeleteResponseResult(Result):
    id: str
    object: str
    deleted: bool


class ResponsesEvent(Result, response=ResponsesAPIResponse):
    """An event of a stream: `type`, `sequence_number`, and what its type has."""

    type: str
    sequence_number: int
    delta: Any = None
    response: Any = None
