"""What `liftgate admin check` finds, with the file that it is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from liftgate.catalog.rows.blobs import count_blobs
from liftgate.catalog.rows.files import file_of_blob
from liftgate.cli.admin.data import Data
from liftgate.cli.readable import plain
from liftgate.files.check import Finding, check

Names = dict[str, str]
"""`file_id`, `owner` and `filename` of a finding; empty where no file is concerned."""


async def find(data: Data, *, full: bool, tell: Callable[[Finding, Names], None]) -> int:
    """Calls `tell` for each finding; how many blobs were looked at."""
    checked = await data.db.read(count_blobs)
    async for finding in check(data.db, data.blobs, full=full):
        names = {}
        if finding.blob_id is not None:
            file = await data.db.read(partial(file_of_blob, blob_id=finding.blob_id))
            if file is not None:
                names = {"file_id": file.id, "owner": file.owner, "filename": file.filename}
        tell(finding, names)
    return checked


def shown(finding: Finding, names: Names, *, as_json: bool) -> str:
    """One line."""
    if as_json:
        none = dict.fromkeys(("file_id", "owner", "filename"))
        return json.dumps({**asdict(finding), **none, **names}, ensure_ascii=False)
    facts = {
        "missing": f"{finding.expected} bytes expected, nothing there",
        "size": f"{finding.expected} bytes expected, {finding.found} there",
        "hash": f"SHA-256 {finding.expected} expected, {finding.found} there",
        "unknown": f"{finding.found} bytes that no file needs",
    }[finding.wrong]
    of = f", of {names['file_id']} ({plain(names['filename'])}) of {plain(names['owner'])}" if names else ""
    return f"{finding.wrong:<8} {finding.key}: {facts}{of}"
