"""What the comparison found, gathered by verdict, and docs/litellm-differences.md as it must be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from litellm_comparison.verdicts import SECTIONS as OF_MESSAGES
from litellm_comparison.verdicts import Verdict, verdict, verdicts
from litellm_comparison.views import ABSENT, Difference

INTRODUCTION = """# Differences from LiteLLM

Both translators were given the same {cases} cases: {requests} requests in OpenAI's form (most of them for a model of
Gemini 2.5 and one of 3) and {answers} replies of Gemini's, whole, streamed and errors; and {messages} cases of
Anthropic's Messages. LiteLLM {version} ran as its callers run it, `litellm.completion` and
`litellm.anthropic.messages` with a stand-in for Gemini on the same machine. {equal} cases are equal but for
spelling (snake_case, key order, empty vendor fields). All other differences are below, each with who is right and by
which source: OpenAI's published schema and documented behaviour, Google's API reference, or what Google's service was
recorded or reported to answer. Of {different} differences Liftgate is right in {right}, LiteLLM in {wrong}; in {even}
both are.

Not compared: what needs a network (https URLs in messages), the ids of files (LiteLLM's are Google's URIs), and the
parameters that both refuse alike.

This page is written by `scripts/compare-litellm`, which fails for a difference that is not on it.
"""

SECTIONS = ("Parameters", "Tools", "Messages", "Answers", "Streams", "Errors", *OF_MESSAGES)


@dataclass
class Found:
    """`by_verdict`: the names of the cases in which each verdict's difference was seen."""

    requests: int
    answers: int
    messages: int
    equal: int = 0
    by_verdict: dict[Verdict, list[str]] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)

    def add(self, case: str, differences: list[Difference]) -> None:
        self.equal += not differences
        for place, ours, theirs in differences:
            # A default that is injected may be the whole of generationConfig, or a part of it.
            injected = theirs == {"temperature": 1.0} or (place.endswith(".temperature") and ours == ABSENT)
            for one in self._parted(place, ours, theirs, injected=injected):
                found = verdict(case, one)
                if found is None:
                    self.unexplained.append(f"{case} | {one} | {json.dumps(ours)[:150]} | {json.dumps(theirs)[:150]}")
                elif case not in self.by_verdict.setdefault(found, []):
                    self.by_verdict[found].append(case)

    def _parted(self, place: str, ours: object, theirs: object, *, injected: bool) -> list[str]:
        if injected:
            return [f"{place}:temperature"]
        if place == "generationConfig" and isinstance(theirs, dict) and ours == ABSENT and "temperature" in theirs:
            return [place, f"{place}:temperature"]
        return [place]

    def idle(self) -> list[str]:
        return [each.title for each in verdicts() if each not in self.by_verdict]


def page(found: Found, version: str) -> str:
    seen = list(found.by_verdict)
    counts = {name: sum(each.right == name for each in seen) for name in ("Liftgate", "LiteLLM", "both")}
    lines = [
        INTRODUCTION.format(
            cases=found.requests + found.answers + found.messages,
            requests=found.requests,
            answers=found.answers,
            messages=found.messages,
            version=version,
            equal=found.equal,
            different=len(seen),
            right=counts["Liftgate"],
            wrong=counts["LiteLLM"] or "none",
            even=counts["both"],
        )
    ]
    for section in SECTIONS:
        lines += [
            f"## {section}\n",
            "| difference | Liftgate | LiteLLM | right | by which source | cases |",
            "|---|---|---|---|---|---|",
        ]
        for each in verdicts():
            if each.section == section:
                cells = (
                    each.title,
                    each.liftgate,
                    each.litellm,
                    each.right,
                    each.source,
                    _named(found.by_verdict[each]),
                )
                lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _named(cases: list[str]) -> str:
    """The first case and how many more."""
    more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
    return f"`{cases[0]}`{more}"
