"""Who gives settings, and what they call them: a sentence about a value names what its reader wrote and can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from liftgate.settings.options import Option


@dataclass(frozen=True, slots=True)
class Caller:
    """`no_model`: what to do where there is nothing to serve, after a colon. `listens`: whether an address is listened
    on. `names`: an option, or a variable of the environment → what the caller wrote in its place."""

    no_model: str
    listens: bool = True
    names: Mapping[str, str] = field(default_factory=dict)

    def option(self, option: Option) -> str:
        return self.names.get(option.name, option.flag)

    def variable(self, name: str) -> str:
        return self.names.get(name, name)


COMMAND_LINE = Caller(
    "give a config with a model_list (--config), set GEMINI_API_KEY or GOOGLE_API_KEY, or try it with --sandbox, which"
    " needs no key."
)
