"""The body of Gemini's request, put together: the turns of the conversation, in an order that Gemini takes; what can be
settled only once every parameter was read; and the question.

The instruction is text: files among it go to the model in a user content at their place. The results of a round of
calls are gathered into one content. What only other APIs take (no user at all, an end with the model's turn) is made
such that Gemini takes it. Settled last: the deployment's defaults for what the request left open; tools, the choice
among them, and JSON output beside them; the kinds of output; and Gemini's own fields over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from liftgate.ask import gemini_fields
from liftgate.ask.builder import Ask
from liftgate.ask.question import NOTHING_ALIASED, Question
from liftgate.ask.tool_choice import finish_tools
from liftgate.ask.tool_results import Round
from liftgate.json_types import JsonObject

Q = TypeVar("Q", bound=Question)

_NONE: frozenset[str] = frozenset()

CONTINUE = "Continue."
"""Put in the user's mouth behind a turn of the model's, where Google refuses such an end (docs/protocol/gemini.md,
"Models")."""


class Conversation:
    """What has been read so far. `round`: calls that wait for their results; who reads the next turn ends it first."""

    __slots__ = ("_has_user", "ask", "contents", "instructions", "round")

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.contents: list[JsonObject] = []
        self.instructions: list[JsonObject] = []
        self.round: Round | None = None
        self._has_user = False

    def add_user(self, parts: Sequence[JsonObject]) -> None:
        self._has_user = True
        self.contents.append({"role": "user", "parts": parts})

    def add_model(self, parts: Sequence[JsonObject], calls: Round | None = None) -> None:
        """`parts` may be one empty text: Gemini takes it, and the turns stay turns."""
        if parts:
            self.contents.append({"role": "model", "parts": parts})
        self.round = calls

    def instruct(self, parts: Sequence[JsonObject]) -> None:
        """An instruction, wherever it stands."""
        media: list[JsonObject] = []
        for part in parts:
            (self.instructions if "text" in part else media).append(part)
        if media and self.round is not None:
            self.round.media.extend(media)
        elif media:
            self.contents.append({"role": "user", "parts": media})

    def end_round(self) -> None:
        """The results of the calls, if any wait, become contents: none may be missing."""
        if self.round is not None:
            self.contents.extend(self.round.contents())
            self.round = None

    def finish(self) -> None:
        """Writes contents and instruction, once all turns were read.

        Gemini wants at least one content, the user's turn before a turn with calls, and on some models the user's turn
        at the end. Where no user speaks, the instruction is what the user says, in each turn of such a conversation;
        else an empty text of the user's is recorded to do.
        """
        body, facts, contents = self.ask.body, self.ask.facts, self.contents
        opening = not contents or (contents[0]["role"] == "model" and _opens_with_calls(contents))
        silent = opening and not self._has_user
        if self.instructions and facts.system_instruction and not silent:
            body["systemInstruction"] = {"parts": self.instructions}
        elif self.instructions:
            contents.insert(0, {"role": "user", "parts": self.instructions})
            opening = False
        if opening:
            contents.insert(0, {"role": "user", "parts": [{"text": ""}]})
        if not facts.trailing_model_turn and contents[-1]["role"] == "model":
            contents.append({"role": "user", "parts": [{"text": CONTINUE}]})
        body["contents"] = contents


def turn_starts(contents: Sequence[JsonObject], staying: int) -> tuple[int, ...]:
    """Where turns begin behind the first contents that stay, so many: each with the user's word that follows the
    model's or the results of its calls."""
    return (staying, *(place for place in range(staying + 1, len(contents)) if _begins(contents, place)))


def _begins(contents: Sequence[JsonObject], place: int) -> bool:
    content, before = contents[place], contents[place - 1]
    if content["role"] != "user" or any("functionResponse" in part for part in content["parts"]):
        return False
    # Files behind results belong to them.
    return before["role"] == "model" or (
        any("functionResponse" in part for part in before["parts"]) and any("text" in part for part in content["parts"])
    )


def _opens_with_calls(contents: Sequence[JsonObject]) -> bool:
    """Whether a call stands in the contents before the first of the user's."""
    for content in contents:
        if content["role"] != "model":
            return False
        if any("functionCall" in part for part in content["parts"]):
            return True
    return False


def finish(ask: Ask, question: type[Q], *own: object) -> Q:
    """The question of an `Ask` that was filled. `own`: the values of the fields that this API's question has beside the
    others', in their order."""
    if ask.declarations or ask.google_tools or ask.calling:
        finish_tools(ask)
    _finish_outputs(ask)
    if ask.generation:
        ask.body["generationConfig"] = ask.generation
    if ask.gemini:
        gemini_fields.put_over(ask)
    return question(
        # By place: as keywords they would cost as much as all the rest.
        ask.body,
        tuple(ask.dropped) if ask.dropped else (),
        tuple(ask.notes) if ask.notes else (),
        tuple(ask.kept_names) if ask.kept_names else (),
        frozenset(ask.function_names) if ask.function_names else _NONE,
        frozenset(ask.custom_tools) if ask.custom_tools else _NONE,
        ask.one_call,
        {sent: name for name, sent in ask.aliases.items()} if ask.aliases else NOTHING_ALIASED,
        ask.json_call,
        bool(ask.google_tools) and any("mcpServers" in tool for tool in ask.google_tools),
        *own,
    )


def _finish_outputs(ask: Ask) -> None:
    """The kinds of output, once modalities and voice were both read, and the resolution of media."""
    modalities = ask.modalities or []
    if not ask.facts.text_out:
        # a speech model can do nothing else and must be asked for it (docs/protocol/gemini.md, "Speech")
        modalities = ["AUDIO"]
    elif "speechConfig" in ask.generation and "AUDIO" not in modalities:
        modalities = [*modalities, "AUDIO"]
    if modalities:
        ask.generation["responseModalities"] = modalities
    if ask.resolution is not None:
        ask.generation["mediaResolution"] = f"MEDIA_RESOLUTION_{ask.resolution}"
