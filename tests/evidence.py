"""What lies beside a checkout as further evidence: recorded exchanges, schemas, field tables. None of it is copied.

A plain clone has none of it: what needs it skips and says so, and what needs published packages only runs all the same
(`openai_schema`, `google_fields`). Where `CI` is set and the directory is there, a part that is missing or empty is a
failure, so that a proof cannot go away in silence.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
RECORDINGS = SHARED / "recordings"


def evidence(name: str) -> Path:
    """The file or directory `name`; without it the test skips, or fails."""
    path = SHARED / name
    if (path.is_dir() and any(path.iterdir())) or (path.is_file() and path.stat().st_size > 0):
        return path
    missing = f"{name} is not beside this checkout"
    if os.environ.get("CI") and SHARED.is_dir():
        pytest.fail(missing)
    pytest.skip(missing)


needs_recordings = pytest.mark.usefixtures("recordings_there")
"""For tests whose cases are read from the recordings."""
