"""The one fold: Gemini's replies, streamed or whole → events and one completion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from liftgate.translate.chat_request import ChatTranslation

Event = Any


class AnswerFold:
    """Feed it each GenerateContentResponse in order, then `end()` it."""

    def __init__(
        self,
        translation: ChatTranslation,
        *,
        completion_id: str,
        created: int,
        model: str,
        new_call_id: Callable[[], str],
        inline_signatures: bool = False,
    ) -> None:
        self.translation = translation
        self.completion_id = completion_id
        self.created = created
        self.model = model

    def feed(self, chunk: Mapping[str, Any]) -> list[Event]:
        """The events that one upstream object brings. Raises UpstreamProtocolError."""
        raise NotImplementedError

    def end(self) -> list[Event]:
        """The last events. Raises UpstreamDisconnected when the answer has no end."""
        raise NotImplementedError

    def take_signatures(self) -> list[tuple[str, str]]:
        """(tool call id, base64 signature) seen since the last call; to be stored before the ids go out."""
        raise NotImplementedError


def completion(fold: AnswerFold) -> dict[str, Any]:
    """The `chat.completion` object of an ended fold."""
    raise NotImplementedError
