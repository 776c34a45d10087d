"""A module for each table, or for the few that are written together.

All of them are imported here: who imports one has registered every table (`catalog/table.py`).
"""

from liftgate.catalog.rows import (
    allowances,
    blobs,
    conversations,
    copies,
    erasing,
    file_tokens,
    files,
    keys,
    leases,
    overview,
    owner_limits,
    replies,
    reply_items,
    reply_runs,
    reply_settings,
    secrets,
    sign_ins,
    signatures,
    store,
    unknown,
    uploads,
    usage,
)

__all__ = [
    "allowances",
    "blobs",
    "conversations",
    "copies",
    "erasing",
    "file_tokens",
    "files",
    "keys",
    "leases",
    "overview",
    "owner_limits",
    "replies",
    "reply_items",
    "reply_runs",
    "reply_settings",
    "secrets",
    "sign_ins",
    "signatures",
    "store",
    "unknown",
    "uploads",
    "usage",
]
