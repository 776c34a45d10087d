"""The last step of a translation: what can be settled only once every parameter was read, and the question.

The deployment's defaults for what the request left open; tools, the choice among them, and JSON output beside them; the
kinds of output; and Gemini's own fields over all.
"""

from __future__ import annotations

from typing import TypeVar

from liftgate.ask import gemini_fields
from liftgate.ask.builder import Ask
from liftgate.ask.question import NOTHING_ALIASED, Question
from liftgate.ask.tool_choice import finish_tools

Q = TypeVar("Q", bound=Question)
_NONE: frozenset[str] = frozenset()


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
        # a speech model can do nothing else and must be told so (docs/protocol/gemini.md, "Speech")
        modalities = ["AUDIO"]
    elif "speechConfig" in ask.generation and "AUDIO" not in modalities:
        modalities = [*modalities, "AUDIO"]
    if modalities:
        ask.generation["responseModalities"] = modalities
    if ask.resolution is not None:
        ask.generation["mediaResolution"] = f"MEDIA_RESOLUTION_{ask.resolution}"
