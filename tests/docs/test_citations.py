"""What the code and the tests cite stands in this repository: each page is there, and each heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CITED = re.compile(r'(docs/[\w/-]+\.md)((?:, "[^"]+")*)')
FOLDED = re.compile(r"\s*\n\s*(?:# )?")
ELSEWHERE = re.compile(
    r"(?<![\w/\"])(?:DESIGN|GEMINI|GEMINI-MORE|OPENAI|LITELLM|RESPONSES|OPERATE|HOUSE|STYLE|ANTHROPIC)\.md"
)
FOLDERS = ("src", "tests", "scripts", "bench", "examples")


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def headings(page: str) -> frozenset[str]:
    """As they stand, and without what follows a colon in them."""
    found = re.findall(r"^#+ (.+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    return frozenset(found) | {heading.partition(":")[0] for heading in found}


def test_cited_pages_and_headings_are_there() -> None:
    wrong = []
    cited = 0
    for path in sources():
        for page, quoted in CITED.findall(FOLDED.sub(" ", path.read_text("utf-8"))):
            cited += 1
            if not (ROOT / page).is_file():
                wrong.append(f"{path.relative_to(ROOT)}: there is no {page}")
                continue
            names = re.findall(r'"([^"]+)"', quoted)
            wrong += [
                f"{path.relative_to(ROOT)}: {page} has no '{name}'" for name in names if name not in headings(page)
            ]
    assert wrong == []
    assert cited > 100


def test_nothing_is_cited_that_is_not_in_the_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {note[0]}"
        for path in sources()
        if path != Path(__file__).resolve()
        for note in ELSEWHERE.finditer(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("page", ["gemini", "openai"])
def test_each_section_of_a_protocol_says_how_it_is_known(page: str) -> None:
    text = (ROOT / "docs" / "protocol" / f"{page}.md").read_text("utf-8")
    known = re.compile(r"recorded|source|documented|reported|open|spec|client|published|tried")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections if not known.search(section)] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "docs/debugging.md"])
def test_pages_for_contributors_name_files_that_are_there(page: str) -> None:
    """`dialects/dialect.Dialect` is a class in `dialects/dialect.py`."""
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`((?:[\w-]+/)+[\w-]*(?:\.\w+)?)`", text)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", text)]
    places = (ROOT, ROOT / "src" / "liftgate", (ROOT / page).parent)
    missing = {
        name
        for name in filter(None, [*named, *links])
        if not any((place / name).exists() or (place / name).with_suffix(".py").exists() for place in places)
    }
    assert missing == set()
