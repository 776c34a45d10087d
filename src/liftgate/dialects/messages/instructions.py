"""What is said in the system's name: `system`, and messages of that role, which may stand in the middle."""

from __future__ import annotations

from liftgate.ask import checks
from liftgate.dialects.messages.blocks import kind_of, listed, read_blocks, refuse
from liftgate.dialects.messages.question import Reading
from liftgate.dialects.messages.thinking import EFFORTS
from liftgate.json_types import JsonObject

_KEYS = frozenset({"role", "content", "clear_at", "output_config"})
_BILLING = "x-anthropic-billing-header:"


def read_instructions(reading: Reading, system: object) -> list[JsonObject]:
    """Without the line that Claude Code writes for Anthropic's billing: it differs from one conversation to the next,
    so that Google's cache would know none of what stands behind it."""
    return [part for part in _texts(reading, system, "system") if not part["text"].startswith(_BILLING)]


def read_system(reading: Reading, message: JsonObject, where: str, *, passed: bool) -> list[JsonObject] | None:
    """The texts of a message; None for one that is not to be seen any more. `passed`: a user's message follows it, so
    that it is of an earlier turn. Raises InvalidRequest."""
    reading.ask.refuse_unknown_keys(message, where, _KEYS)
    sets_effort = _effort(reading, message.get("output_config"), f"{where}.output_config", passed=passed)
    clear_at = message.get("clear_at")
    if clear_at is not None:
        checks.choice(clear_at, f"{where}.clear_at", ("next_user_message", "never"))
    content = [] if sets_effort and message.get("content") is None else checks.required(message, "content", where)
    texts = _texts(reading, content, f"{where}.content")
    return None if passed and clear_at == "next_user_message" else texts


def _effort(reading: Reading, value: object, where: str, *, passed: bool) -> bool:
    """Reads the effort of one turn, which counts in that turn alone; whether there is one."""
    config = {} if value is None else checks.mapping(value, where)
    reading.ask.refuse_unknown_keys(config, where, frozenset({"effort"}))
    if config.get("effort") is None:
        return False
    effort = checks.choice(config["effort"], f"{where}.effort", EFFORTS)
    if not passed:
        reading.effort = effort
    return True


def _texts(reading: Reading, content: object, where: str) -> list[JsonObject]:
    for place, block in enumerate(listed(content, where)):
        if (kind := kind_of(block, at := f"{where}[{place}]")) != "text":
            refuse(kind, at, ("text",))
    return read_blocks(reading, content, where)
