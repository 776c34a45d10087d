"""docs/compatibility.md is what the tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_compatibility_page_is_what_the_tables_say() -> None:
    script = ROOT / "scripts" / "docs-compatibility"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
