"""Who is right where the two translators differ: `verdicts.yaml`, and for Messages `verdicts_messages.yaml`, read and
looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from litellm_comparison.messages import PREFIX

SECTIONS = ("Messages API: requests", "Messages API: answers")


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
    here = Path(__file__).parent
    files = ("verdicts.yaml", "verdicts_messages.yaml")
    return tuple(Verdict(**row) for name in files for row in yaml.safe_load((here / name).read_text("utf-8")))


def verdict(case: str, place: str) -> Verdict | None:
    """The first that fits."""
    of_messages = case.startswith(PREFIX)
    known = (each for each in verdicts() if (each.section in SECTIONS) == of_messages)
    return next((each for each in known if each.fits(case.removeprefix(PREFIX), place)), None)
