"""Every recorded answer with usage costs what the published table's figures come to, added up here by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from evidence import evidence, needs_recordings
from liftgate.engine.pricing import Paid, Pricing
from liftgate.prices import counts_of_gemini, token_cost

NOVEMBER = date(2026, 11, 28)
AT = 1_795_824_000.0
"""That day, in unix seconds."""
UNPRICED = {
    "gemini-1.5-flash", "gemini-2.0-flash", "gemini-2.0-flash-exp", "gemini-2.0-flash-preview-image-generation",
    "gemini-2.0-flash-thinking-exp-01-21", "gemini-3-pro-preview",
}  # fmt: skip
"""Models that were recorded, and have ended since: the published table has no price for them."""


def usages(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(model that answered, usage) of all answers in a recording, whole and streamed."""
    if isinstance(value, dict):
        if isinstance(value.get("usageMetadata"), dict):
            yield str(value.get("modelVersion") or ""), value["usageMetadata"]
        for each in value.values():
            yield from usages(each)
    elif isinstance(value, list):
        for each in value:
            yield from usages(each)
    elif isinstance(value, str) and "usageMetadata" in value:
        for line in value.splitlines():
            if line.startswith("data: "):
                yield from usages(json.loads(line.removeprefix("data: ")))


def recorded() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted(evidence("recordings").glob("*.json")):
        recording = json.loads(path.read_text())
        asked = recording["request"]["path"].partition("/models/")[2].partition(":")[0]
        found += [(model or asked, usage) for model, usage in usages(recording.get("response"))]
    return found


def dollars_per_million(price: dict[str, Any], usage: dict[str, Any]) -> Fraction:
    """Of the standard tier, in millionths of a dollar: the rule as docs/money.md has it."""
    tools = usage.get("toolUsePromptTokenCount", 0)
    rates = dict(price["standard"])
    if usage.get("promptTokenCount", 0) + tools > 200_000:
        rates |= price.get("over_200k", {})

    def kinds(details: list[dict[str, Any]], total: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for each in details:
            found[each["modality"]] = found.get(each["modality"], 0) + each.get("tokenCount", 0)
        found["TEXT"] = found.get("TEXT", 0) + max(0, total - sum(found.values()))
        return found

    def rate(side: str, modality: str, otherwise: str) -> Fraction:
        name = "image" if modality == "DOCUMENT" else modality.lower()
        return Fraction(str(rates.get(f"{side}_{name}", rates[otherwise])))

    details = usage.get("promptTokensDetails", usage.get("promptTokenDetails", []))
    total: Fraction = Fraction(0)
    for modality, count in kinds(details, usage.get("promptTokenCount", 0)).items():
        total += count * rate("in", modality, "in_text")
    for modality, count in kinds(usage.get("toolUsePromptTokensDetails", []), tools).items():
        total += count * rate("in", modality, "in_text")
    for modality, count in kinds(usage.get("cacheTokensDetails", []), usage.get("cachedContentTokenCount", 0)).items():
        total += count * (
            rate("cached_in", modality, "cached_in") if "cached_in" in rates else rate("in", modality, "in_text")
        )
        total -= count * rate("in", modality, "in_text")
    for modality, count in kinds(
        usage.get("candidatesTokensDetails", []), usage.get("candidatesTokenCount", 0)
    ).items():
        total += count * rate("out", modality, "out")
    total += usage.get("thoughtsTokenCount", 0) * Fraction(str(rates.get("out_thinking", rates["out"])))
    return total


@needs_recordings
def test_every_recorded_usage_costs_what_the_published_figures_come_to() -> None:
    published = json.loads(evidence("gemini-prices.json").read_text())
    pricing = Pricing(())
    priced, unpriced = 0, set()
    for model, usage in recorded():
        name = model.removeprefix("models/")
        if not name.startswith("gem"):
            continue  # a recording whose path was made unreadable
        entry = published.get(name, {})
        tokens = counts_of_gemini(usage)
        cost = token_cost(name, tokens, day=NOVEMBER)
        assert pricing.cost(Paid("0", name, usage), tokens, AT) == (None if cost is None else cost.total)
        if "price" not in entry:
            assert cost is None, name
            unpriced.add(name)
            continue
        priced += 1
        nanos = dollars_per_million(entry["price"], usage) * 1000
        assert cost is not None and abs(cost.total - nanos) <= 1, (name, usage, cost, float(nanos))
    assert priced > 500 and unpriced == UNPRICED
