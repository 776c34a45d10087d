"""The listener of `measurements`: it adds each to the numbers of its metric."""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.measurements import Name
from liftgate.metrics import families
from liftgate.metrics.cells import Slot
from liftgate.metrics.families import OTHER, Family

FAMILIES: Mapping[Name, Family] = {
    "uploads": families.UPLOADS,
    "upload_bytes": families.UPLOAD_BYTES,
    "upload_seconds": families.UPLOAD_SECONDS,
    "replica_lookups": families.LOOKUPS,
    "page_ins": families.PAGE_INS,
    "page_in_bytes": families.PAGE_IN_BYTES,
    "page_in_seconds": families.PAGE_IN_SECONDS,
    "evictions": families.EVICTIONS,
    "renewals": families.RENEWALS,
    "deletions": families.DELETIONS,
    "leases_held": families.LEASES_HELD,
    "leases_lost": families.LEASES_LOST,
    "cooldowns": families.COOLDOWNS,
    "upstream_refusals": families.UPSTREAM_REFUSALS,
    "catalog_seconds": families.CATALOG_SECONDS,
    "blob_seconds": families.BLOB_SECONDS,
    "job_seconds": families.JOB_SECONDS,
}
MOST_QUOTAS = 50
"""Google's names of quotas that have numbers of their own."""


class Recorder:
    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._quotas: set[str] = set()

    def __call__(self, name: Name, labels: tuple[str, ...], amount: float) -> None:
        family = FAMILIES[name]
        if family is families.UPSTREAM_REFUSALS:
            account, quota = labels
            labels = account, self._quota(quota)
        if family.kind == "histogram":
            self._slot.observe(family, labels, amount)
        else:
            self._slot.add(family, labels, amount)

    def _quota(self, quota: str) -> str:
        if quota not in self._quotas:
            if len(self._quotas) >= MOST_QUOTAS:
                return OTHER
            self._quotas.add(quota)
        return quota
