"""What one call of the SDK works with when it speaks straight to Gemini: made by `direct`, used by its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liftgate.clock import Clock
from liftgate.gemini.client import GeminiClient
from liftgate.records import Account
from liftgate.sdk.retry import Attempts


@dataclass(frozen=True, slots=True)
class Exchange:
    """`body`: the caller's extra_body."""

    client: GeminiClient
    account: Account
    attempts: Attempts
    clock: Clock
    body: Mapping[str, Any]
