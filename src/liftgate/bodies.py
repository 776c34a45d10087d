"""Which file or directory on which file system one physically is. A copy has another body, whatever it is called."""

from __future__ import annotations

import os
from pathlib import Path


def body_of(path: Path) -> str:
    """Has the file system's own number: the device's may change when the machine is restarted. Raises OSError."""
    return f"{os.statvfs(path).f_fsid:x}:{os.stat(path).st_ino}"
