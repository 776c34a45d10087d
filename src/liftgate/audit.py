"""Audit events: who changed what, when, from where. Lines of the log, of a kind of their own where it is JSON.

Facts are names and numbers: a key's id and hint, never a key; a File's id, never its name.
"""

from __future__ import annotations

import logging
from typing import Literal, NamedTuple

Action = Literal[
    "key_made",
    "key_changed",
    "key_blocked",
    "key_unblocked",
    "key_regenerated",
    "key_spend_reset",
    "key_deleted",
    "signed_in",
    "signed_out",
    "sign_in_refused",
    "file_deleted",
    "owner_limited",
    "owner_changed",
    "owner_deleted",
    "owner_erased",
    "swept",
    "adopted",
    "backed_up",
    "restored",
]
FIELD = "audit"
"""Of a log record: what its line has beside the message."""


class By(NamedTuple):
    """Who: a key's name, or what acts without one. `address`: of the client, where there is one."""

    name: str
    address: str = ""


COMMAND_LINE = By("the command line")
JOB = By("a job")


def note(log: logging.Logger, action: Action, by: By, **facts: str | int | float | list[str] | None) -> None:
    """Facts of None are left out."""
    known = {name: value for name, value in facts.items() if value is not None}
    shown = ", ".join(f"{name} {value!a}" for name, value in known.items())
    whose = f"{by.name!a}{f' from {by.address}' if by.address else ''}"
    fields = {"action": action, "by": by.name, **({"from": by.address} if by.address else {}), **known}
    log.info("audit: %s by %s%s", action, whose, f": {shown}" if shown else "", extra={FIELD: fields})
