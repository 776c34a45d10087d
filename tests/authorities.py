"""Whose certificates tests trust: one authority's, for they speak with loopback alone.

Each client that is made, of OpenAI's, Google's or aiohttp's, reads all the authorities that it is given: 25 ms for
those of the whole world, thousands of times. What a test fetches from the network is fetched with `outside()`.
"""

from __future__ import annotations

import os
from pathlib import Path

NAMES = "SSL_CERT_FILE"
BEFORE = "SSL_CERT_FILE_OUTSIDE"
"""What was named by whoever started the tests; in the environment, for the workers of pytest too."""


def trust_one() -> None:
    os.environ.setdefault(BEFORE, os.environ.get(NAMES, ""))
    os.environ[NAMES] = str(Path(__file__).with_name("authority.pem"))


def outside() -> dict[str, str]:
    """The environment as it was."""
    environ = {name: value for name, value in os.environ.items() if name not in (NAMES, BEFORE)}
    if before := os.environ.get(BEFORE):
        environ[NAMES] = before
    return environ
