"""Which physical file or directory a path names. A copy has another identity, whatever its name is."""

from __future__ import annotations

import os
from pathlib import Path


def identity_of(path: Path) -> str:
    """The file system's own number and the inode; the number of the device may change at a restart. Raises OSError."""
    return f"{os.statvfs(path).f_fsid:x}:{os.stat(path).st_ino}"
