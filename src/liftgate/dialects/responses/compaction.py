"""Compacting a history: the words of the user as they are, and of all else a summary by the model, under the owner's
seal. A later request sends these items in the history's place.
"""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.answer.choice import Answer, Head
from liftgate.ask import checks
from liftgate.ask.body import Conversation, finish
from liftgate.ask.builder import Ask
from liftgate.ask.generation import read_service_tier
from liftgate.ask.question import Question
from liftgate.ask.seal import Seal
from liftgate.dialects.dialect import Encoder
from liftgate.dialects.responses.dialect import WithHistory
from liftgate.dialects.responses.echo import ID, usage_of
from liftgate.dialects.responses.fields import IGNORED
from liftgate.dialects.responses.items import read_input
from liftgate.dialects.responses.parameters import refuse_what_is_not_so
from liftgate.dialects.responses.request import refuse_earlier
from liftgate.dialects.responses.sealed import close_summary
from liftgate.dialects.responses.whole_items import whole_parts
from liftgate.errors import UnsupportedParameter, UpstreamAnswerBroken
from liftgate.json_types import JsonMapping, JsonObject

SUMMARIZE = (
    "Summarize our conversation so far, so that you can go on from the summary alone; my own messages stay beside it. "
    "Keep what was found out, decided and done, every name, number, address and identifier that may be needed again, "
    "what was read in files and given by tools, what was promised, and what is still open. Say nothing else."
)
FIELDS = frozenset(
    {"model", "input", "instructions", "previous_response_id", "prompt_cache_key", "service_tier", "timeout"}
)
"""Those that act, or change nothing here."""

_KEPT = ("user", "system", "developer")


class CompactionQuestion(Question, frozen=True):
    """`messages`: those that stay as they are. `seal`: the owner's."""

    messages: Sequence[JsonObject] = ()
    seal: Seal | None = None

    @property
    def keeps_signatures(self) -> bool:
        return False


class Compaction(WithHistory):
    def read(self, request: JsonMapping, ask: Ask) -> CompactionQuestion:
        if not self._keeps:
            refuse_earlier(request)
        for name, value in request.items():
            if name == "image" and value is not None:
                refuse_what_is_not_so(ask, name, value)
            elif value is not None and name not in FIELDS and name not in IGNORED:
                ask.refuse_unknown(name)
        if (tier := request.get("service_tier")) is not None:
            read_service_tier(ask, tier, "service_tier")
        talk = Conversation(ask)
        if (instructions := request.get("instructions")) is not None:
            talk.instruct([{"text": checks.string(instructions, "instructions")}])
        given = request.get("input")
        read_input(talk, self._history, [] if given is None else given, self._natives)
        talk.add_user([{"text": SUMMARIZE}])
        talk.finish()
        ask.read_defaults()
        own = [{"role": "user", "content": given}] if isinstance(given, str) else given or ()
        return finish(ask, CompactionQuestion, [*_messages(self._history), *_messages(own)], ask.seal())

    def whole(self, answer: Answer[CompactionQuestion]) -> JsonObject:
        """Raises UpstreamAnswerBroken for a summary that is none, or is not whole."""
        choice, question, token = answer.first, answer.question, answer.head.id
        if choice.finish_reason != "STOP" or not choice.text.strip() or question.seal is None:
            raise UpstreamAnswerBroken(f"Gemini gave no whole summary ({choice.finish_reason or 'blocked'}).")
        output = [
            {**message, "id": message.get("id") or f"msg_{token}{place:02d}"}
            for place, message in enumerate(question.messages)
        ]
        sealed = close_summary(question.seal, choice.text)
        output.append({"id": f"cmp_{token}", "type": "compaction", "encrypted_content": sealed})
        return {
            "id": ID + token,
            "object": "response.compaction",
            "created_at": answer.head.created,
            "output": output,
            "usage": usage_of(answer.counts),
        }

    def encoder(self, head: Head, request: JsonMapping) -> Encoder[CompactionQuestion]:
        raise UnsupportedParameter("A compaction is not streamed.", param="stream")


def _messages(items: Sequence[JsonObject]) -> list[JsonObject]:
    """Of items that were read: the user's and the developer's words, in the form that items of an answer have."""
    return [
        {
            "id": item.get("id"),
            "type": "message",
            "status": "completed",
            "role": item["role"],
            "content": whole_parts(item["content"], item["role"]),
        }
        for item in items
        if item.get("role") in _KEPT
    ]
