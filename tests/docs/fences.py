"""The fenced blocks and the commands within sentences of every page that people copy from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "examples/README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))))
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(liftgate(?: [^`]*)?)`")


@dataclass(frozen=True)
class Block:
    """`language`: empty where the page gives none."""

    page: str
    language: str
    code: str

    @property
    def name(self) -> str:
        """The page and the first line: what a table of exceptions knows it by."""
        return f"{self.page}: {self.code.splitlines()[0]}"


def blocks() -> list[Block]:
    return [
        Block(page, language, code) for page in PAGES for language, code in _FENCE.findall((ROOT / page).read_text())
    ]


def commands_in_sentences() -> list[tuple[str, str]]:
    """Page and command of every `liftgate …` in the text between the blocks."""
    return [
        (page, " ".join(command.split()))
        for page in PAGES
        for command in _INLINE.findall(_FENCE.sub("", (ROOT / page).read_text()))
    ]
