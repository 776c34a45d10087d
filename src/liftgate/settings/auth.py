"""Who may come in, and the owners that Liftgate names itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liftgate.records import Owner

MASTER = "master"
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Who may come in. `keys`: secret → owner, without the master key. Both are left out of every repr."""

    master_key: str | None = None
    keys: Mapping[str, Owner] = field(default_factory=dict)

    @property
    def required(self) -> bool:
        """Whether any key is configured; otherwise everybody is the owner `local`."""
        return self.master_key is not None or bool(self.keys)

    def owners(self) -> dict[str, Owner]:
        """Every secret with its owner, the master key among them."""
        return {**self.keys, **({self.master_key: MASTER} if self.master_key is not None else {})}

    def __repr__(self) -> str:
        return (
            f"AuthSettings(master_key={'***' if self.master_key else None}, owners={sorted(set(self.keys.values()))})"
        )
