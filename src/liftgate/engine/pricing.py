"""What calls cost, in whole nano-dollars: by the operator's prices, and else by the list's of the day.

`Pricing.cost` is of an answer, from what Google reported of it; `Pricing.at_most` bounds one that is not asked for yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

import msgspec

from liftgate.days import DAY, date_on
from liftgate.deployments import Deployment
from liftgate.json_types import JsonObject
from liftgate.prices import LONG_PROMPT, PICO_A_NANO, Counted, TextCounts, cost_at, cost_of_text
from liftgate.rates import NONE, Rates, model_entry, rates_of

KNOWN_RATES = 1024
LONGEST_OUTPUT = 65_536
"""Tokens of output that a model may give where less, or nothing, is known of it: the sources dispute some limits."""


class Served(Protocol):
    """What decides the price of an answer of Google's. `deployment`: its id. `usage`: `usageMetadata`. `tier`: where
    the usage does not say it. `served_by`: the model that Google says answered."""

    @property
    def deployment(self) -> str: ...
    @property
    def upstream_model(self) -> str: ...
    @property
    def usage(self) -> JsonObject | None: ...
    @property
    def tier(self) -> str: ...
    @property
    def served_by(self) -> str: ...


class Paid(msgspec.Struct, frozen=True):
    """One answer of Google's (see `Served`)."""

    deployment: str
    upstream_model: str
    usage: JsonObject | None = None
    tier: str = ""
    served_by: str = ""


class Pricing:
    """`deployments`: those of the config. One behind a wildcard has the prices of its entry."""

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self._configured = {each.id: each for each in deployments if each.prices or each.priced_as}
        self._rates = lru_cache(KNOWN_RATES)(self._rates_on)
        self._rates_served = lru_cache(KNOWN_RATES)(self._rates_of_answer)

    def cost(self, paid: Served, tokens: Counted, at: float) -> int | None:
        """Of one answer with these tokens. None where something of it has no price. `at`: unix seconds of the call's
        beginning.

        It is charged as the model that answered: Google does so where it has put another in place of a model that ended
        (docs/protocol/gemini.md, "Prices").
        """
        text = tokens if type(tokens) is TextCounts else None
        usage = paid.usage
        stated = usage.get("serviceTier") if usage is not None else None
        rates = self._rates_served(
            paid.deployment,
            paid.upstream_model,
            paid.served_by,
            at // DAY,
            stated if stated and type(stated) is str else paid.tier,
            (tokens.prompt_total if text is None else text.sent) > LONG_PROMPT,
        )
        if rates is None:
            return None
        if text is not None:
            return cost_of_text(rates, text)
        cost = cost_at(rates, tokens)
        return None if cost is None else cost.input + cost.output

    def at_most(
        self,
        deployments: Iterable[Deployment],
        prompt: Mapping[str, int],
        output: int | None,
        *,
        at: float,
        tier: str = "standard",
        candidates: int = 1,
    ) -> int | None:
        """What a request can cost at the dearest of `deployments`; None where one of them has no price.

        `prompt`: tokens by Google's names of modalities, at most. `output`: tokens of a candidate, thoughts included,
        at most; None: as many as the model gives. Nothing is taken to come from a cache, and each token of the output
        to be of the dearest kind.
        """
        worst = 0
        is_long = sum(prompt.values()) > LONG_PROMPT
        for each in deployments:
            rates = self._rates(each.id, each.model, at // DAY, tier, is_long)
            if rates is None or not rates.input:
                return None
            dear = max(rates.input.values())
            picos = sum(count * rates.input.get(modality, dear) for modality, count in prompt.items())
            longest = _longest_output(each.priced_as or each.model)
            tokens = longest if output is None else min(output, longest)
            picos += candidates * tokens * (rates.dearest_output or 0)
            worst = max(worst, -(-picos // PICO_A_NANO) + 1)
        return worst

    def _rates_of_answer(
        self, deployment: str, model: str, served_by: str, day: float, tier: str, is_long: bool
    ) -> Rates | None:
        if served_by != model and served_by and deployment not in self._configured and _is_priced(served_by):
            model = served_by
        return self._rates(deployment, model, day, tier.lower() or "standard", is_long)

    def _rates_on(self, deployment: str, model: str, day: float, tier: str, is_long: bool) -> Rates | None:
        """`day`: of unix time."""
        stated = self._configured.get(deployment)
        own, priced_as = (NONE, "") if stated is None else (stated.prices, stated.priced_as)
        return rates_of(priced_as or model, day=date_on(int(day)), tier=tier, is_long=is_long, own=own)


def _is_priced(model: str) -> bool:
    return "price" in (model_entry(model) or {})


def _longest_output(model: str) -> int:
    entry = model_entry(model) or {}
    return max(LONGEST_OUTPUT, entry.get("limits", {}).get("output") or 0)
