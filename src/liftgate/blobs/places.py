"""Directories that must take writes: made and tried when a gateway starts, looked at again by readiness.

What is wrong with one is known before the first upload meets it.
"""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

from liftgate import ids
from liftgate.errors import ConfigError, Unavailable

log = logging.getLogger("liftgate.blobs")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def make_place(directory: Path, setting: str) -> None:
    """Makes it, and a file in it that is removed again. Raises `ConfigError`, which begins with `setting`.

    A full disk is no mistake of the configuration: what is stored there can still be read and deleted.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if in_the_way := next((place for place in (directory, *directory.parents) if os.path.isfile(place)), None):
            raise ConfigError(f"{setting} {directory}: {in_the_way} is a file, not a directory.") from None
        if error.errno not in _FULL:
            raise ConfigError(f"{setting} {directory} cannot be made: {error.strerror}.") from None
    tried = directory / f"probe-{ids.token(8)}"
    try:
        os.close(os.open(tried, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        tried.unlink()
    except OSError as error:
        if error.errno not in _FULL:
            raise ConfigError(f"{setting} {directory} cannot be written: {error.strerror}.") from None


def check_place(directory: Path) -> None:
    """Raises Unavailable where it cannot be written, or is not there and cannot be made again. One call or two."""
    if os.access(directory, os.W_OK | os.X_OK):
        if directory.is_dir():
            return
    elif not directory.exists() and os.access(directory.parent, os.W_OK | os.X_OK):
        return
    log.error("%s cannot be written", directory)
    raise Unavailable("The storage for files cannot be written at the moment.", retry_after=1)
