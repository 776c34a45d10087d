"""The documents say what is so: links lead somewhere, examples are the files, names are documented."""

import re
from pathlib import Path

import pytest

import liftgate

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md", *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _fences(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text()
    return [code for kind, code in FENCE.findall(text) if kind == language]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_project_lead_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text()) if not link.startswith(("http", "mailto:"))]
    missing = [link for link in links if not (document.parent / link.partition("#")[0]).exists()]
    assert missing == []


def test_the_readme_shows_the_examples_as_they_are() -> None:
    shown = _fences("README.md", "python")
    assert [(ROOT / "examples" / name).read_text() for name in ("gateway.py", "sdk.py")] == shown
    assert _fences("README.md", "yaml") == [(ROOT / "examples" / "config.yaml").read_text()]


def test_the_first_screen_says_what_for_whom_and_how() -> None:
    first = "\n".join((ROOT / "README.md").read_text().splitlines()[:25])
    for words in ("OpenAI-compatible gateway and a Python SDK", "It is for you if", "./scripts/demo", "./scripts/test"):
        assert words in first


@pytest.mark.parametrize("name", [name for name in liftgate.__all__ if not name.startswith("_")])
def test_every_exported_name_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / "docs" / "sdk.md").read_text())


def test_every_error_class_that_the_sdk_names_exists() -> None:
    import liftgate.errors

    table = (ROOT / "docs" / "sdk.md").read_text().partition("| LiteLLM's and OpenAI's class")[2].partition("\n\n")[0]
    ours = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[2])]
    assert len(ours) > 8
    for name in ours:
        assert issubclass(getattr(liftgate.errors, name), liftgate.LiftgateError)
