"""What the scripts that print a page have in common: they write it, or say whether it is what they would write."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def write(name: str, text: str, about: str | None) -> None:
    """`name`: of the page in docs/. `about`: what `--help` says."""
    arguments = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; 1 where the page is another")
    page = DOCS / name
    if not arguments.parse_args().check:
        page.write_text(text, "utf-8")
    elif page.read_text("utf-8") != text:
        sys.exit(f"docs/{name} is not what the tables say")
