"""Who is right where the two translators differ: `verdicts.yaml`, read and looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Verdict:
    """`liftgate` and `litellm` say what each does, `source` why `right` is: Liftgate, LiteLLM or both."""

    section: str
    title: str
    liftgate: str
    litellm: str
    right: str
    source: str
    case: str
    place: str = ".*"

    def fits(self, case: str, place: str) -> bool:
        return re.match(self.case, case) is not None and re.fullmatch(self.place, place) is not None


@cache
def verdicts() -> tuple[Verdict, ...]:
    rows = yaml.safe_load((Path(__file__).parent / "verdicts.yaml").read_text("utf-8"))
    return tuple(Verdict(**row) for row in rows)


def verdict(case: str, place: str) -> Verdict | None:
    """The first that fits."""
    return next((each for each in verdicts() if each.fits(case, place)), None)
