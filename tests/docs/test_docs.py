"""The documents say what is so: links lead somewhere, examples are the files, names are documented."""

import re
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path

import pytest

import liftgate
from liftgate.ask.model_dates import READ, RETIREMENTS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md", *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
SOON = READ + timedelta(days=120)
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


COMPARED = {"compatibility.md", "litellm-differences.md", "CHANGELOG.md"}
"""Pages that quote requests of older clients, or Google's own lists."""
SHOWN = [
    *(path for path in DOCUMENTS if path.name not in COMPARED and "protocol" not in path.parts),
    *(ROOT / "examples").glob("*.*"),
    *(ROOT / "deploy").glob("*.y*ml"),
    *(ROOT / "src" / "liftgate" / "cli").rglob("*.py"),
]


@pytest.mark.parametrize(
    "shown", [path for path in SHOWN if path.suffix in (".md", ".py", ".yaml", ".yml")], ids=lambda path: path.name
)
def test_what_newcomers_type_names_models_that_google_serves_for_long(shown: Path) -> None:
    """A public name of a config may be an old one: what stands behind it is asked."""
    lines = [line for line in shown.read_text("utf-8").splitlines() if "model_name:" not in line]
    names = {name.rstrip(".") for line in lines for name in re.findall(r"gemini-[0-9][\w.*-]*", line)}
    soon = {
        name for name in names for known, ending in RETIREMENTS.items() if fnmatch(known, name) and ending.ends < SOON
    }
    assert soon == set()


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
