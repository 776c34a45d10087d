"""A chat request, translated as the engine does it."""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.ask.builder import Ask
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_facts import ModelFacts
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import read_chat, read_defaults
from liftgate.json_types import JsonMapping


def translate_chat(
    request: JsonMapping,
    *,
    facts: ModelFacts,
    files: Mapping[str, ResolvedFile],
    signatures: Mapping[str, str],
    media: Mapping[str, Media] | None = None,
    drop_params: bool = False,
    defaults: JsonMapping | None = None,
) -> ChatQuestion:
    """`files` by `Media.param`, `signatures` by tool call id, `defaults` of the deployment in LiteLLM's words."""
    ask = Ask(facts, files, signatures, media or {}, drop_params, defaults or {}, read_defaults)
    return read_chat(request, ask)
