"""Prices: exact sums in nano-dollars, of Google's counts by modality, on the day of the request.

Expected figures are worked out by hand from the published table (docs/protocol/gemini.md, "Prices").
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from liftgate.deployments import Account, Deployment
from liftgate.engine.pricing import Paid, Pricing
from liftgate.prices import Cost, TokenCounts, cost_at, counts_of_gemini, counts_of_openai, token_cost
from liftgate.rates import MODALITIES, Prices, known_models, rates_of

NOVEMBER, JANUARY = date(2026, 11, 28), date(2027, 1, 1)
FACTS = Path(__file__).parents[2] / "shared" / "gemini-prices.json"
MILLION = 1_000_000


def dollars(model: str, tokens: TokenCounts, day: date = NOVEMBER, tier: str = "standard") -> float:
    cost = token_cost(model, tokens, day=day, tier=tier)
    assert cost is not None
    return cost.dollars


@pytest.mark.parametrize(
    ("model", "tokens", "day", "tier", "expected"),
    [
        ("gemini-2.5-flash", TokenCounts({"TEXT": MILLION}), NOVEMBER, "standard", 0.3),
        ("gemini/gemini-2.5-flash", TokenCounts({"AUDIO": MILLION}), NOVEMBER, "standard", 1.0),
        ("models/gemini-2.5-flash", TokenCounts({"VIDEO": MILLION}), NOVEMBER, "standard", 0.3),
        ("gemini-2.5-flash", TokenCounts({"DOCUMENT": MILLION}), NOVEMBER, "standard", 0.3),
        ("gemini-2.5-flash", TokenCounts({"TEXT": MILLION}, {"TEXT": MILLION}), NOVEMBER, "standard", 0.03),
        ("gemini-2.5-flash", TokenCounts({"AUDIO": MILLION}, {"AUDIO": MILLION}), NOVEMBER, "standard", 0.1),
        ("gemini-2.5-flash", TokenCounts({"TEXT": MILLION}), NOVEMBER, "batch", 0.15),
        ("gemini-2.5-flash", TokenCounts({"TEXT": MILLION}), NOVEMBER, "priority", 0.54),
        ("gemini-2.5-flash", TokenCounts(output={"TEXT": MILLION}, thoughts=MILLION), NOVEMBER, "standard", 5.0),
        ("gemini-2.5-pro", TokenCounts({"TEXT": 200_000}), NOVEMBER, "standard", 0.25),
        ("gemini-2.5-pro", TokenCounts({"TEXT": 200_001}), NOVEMBER, "standard", 0.5000025),
        ("gemini-2.5-pro", TokenCounts({"TEXT": 200_001}, output={"TEXT": 1000}), NOVEMBER, "standard", 0.5150025),
        ("gemini-3.8-flash", TokenCounts({"TEXT": MILLION}, output={"TEXT": MILLION}), NOVEMBER, "standard", 4.5),
        ("gemini-3.8-flash", TokenCounts({"TEXT": MILLION}, output={"TEXT": MILLION}), JANUARY, "standard", 9.0),
        ("gemini-3.8-flash", TokenCounts({"TEXT": MILLION}, output={"TEXT": MILLION}), JANUARY, "batch", 4.5),
        ("gemini-4-argon", TokenCounts({"TEXT": MILLION}), date(2026, 11, 30), "standard", 2.0),
        ("gemini-4-argon", TokenCounts({"TEXT": MILLION}), date(2026, 12, 1), "standard", 4.0),
        ("gemini-3.8-flash-tts", TokenCounts(output={"AUDIO": MILLION}), NOVEMBER, "standard", 9.0),
        ("gemini-3.8-flash-tts", TokenCounts(output={"AUDIO": MILLION}), JANUARY, "standard", 18.0),
        ("gemini-2.5-flash-image", TokenCounts(output={"IMAGE": 1290}), NOVEMBER, "standard", 0.0387),
        ("gemma-4-31b-it", TokenCounts({"TEXT": MILLION}), NOVEMBER, "standard", 0.0),
    ],
)
def test_a_price_is_the_published_one(model: str, tokens: TokenCounts, day: date, tier: str, expected: float) -> None:
    assert dollars(model, tokens, day, tier) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("alias", ["gemini-flash-latest", "gemini-flash-lite-latest", "gemini-pro-latest"])
@pytest.mark.parametrize("day", [NOVEMBER, JANUARY])
def test_an_alias_costs_what_its_model_costs(alias: str, day: date) -> None:
    tokens = TokenCounts({"TEXT": 150_000, "AUDIO": 5}, {"TEXT": 50}, {"TEXT": 1000}, 10)
    target = known_models()[alias]["alias_of"]
    assert token_cost(alias, tokens, day=day) == token_cost(target, tokens, day=day)


def test_what_has_no_price_is_none_and_never_zero() -> None:
    tokens = TokenCounts({"TEXT": 10})
    for model in ("gemini-99-flash", "gemini-2.0-flash", "veo-3.1-generate-001", ""):
        assert token_cost(model, tokens, day=NOVEMBER) is None
    assert token_cost("gemini-2.5-flash", tokens, day=NOVEMBER, tier="gold") is None


def test_sums_are_exact_where_floats_are_not() -> None:
    # 3 tokens at $0.075 a million are 225 nano-dollars, and a hundred thousand such answers no more than that each.
    assert token_cost("gemini-3.8-flash", TokenCounts({"TEXT": 3}, {"TEXT": 3}), day=NOVEMBER) == Cost(225, 0)
    assert token_cost("gemini-3.8-flash", TokenCounts({"TEXT": 7}), day=NOVEMBER, tier="batch") == Cost(2625, 0)


def test_googles_counts_are_read_by_modality() -> None:
    counts = counts_of_gemini(
        {
            "promptTokenCount": 100,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "VIDEO", "tokenCount": 70}],
            "toolUsePromptTokenCount": 5,
            "cachedContentTokenCount": 60,
            "cacheTokensDetails": [{"modality": "VIDEO", "tokenCount": 60}],
            "candidatesTokenCount": 9,
            "thoughtsTokenCount": 4,
        }
    )
    assert counts == TokenCounts({"TEXT": 35, "VIDEO": 70}, {"VIDEO": 60}, {"TEXT": 9}, 4)
    assert counts_of_gemini({}) == TokenCounts({}, {}, {}, 0)


def test_openais_counts_are_read_too() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 10, "audio_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 0},
    }
    assert counts_of_openai(usage) == TokenCounts({"AUDIO": 30, "TEXT": 70}, {"TEXT": 10}, {"TEXT": 30}, 20)


def of_usage(model: str, usage: dict[str, Any], day: date = NOVEMBER) -> int:
    cost = token_cost(model, counts_of_gemini(usage), day=day)
    assert cost is not None
    return cost.total


def test_cached_tokens_of_no_named_kind_are_a_part_of_the_prompt_whatever_its_kinds_are() -> None:
    """Google need not say what came from the cache: 60 of 70 tokens of video, at $0.03 a million."""
    usage = {
        "promptTokenCount": 70,
        "promptTokensDetails": [{"modality": "VIDEO", "tokenCount": 70}],
        "cachedContentTokenCount": 60,
    }
    assert of_usage("gemini-2.5-flash", usage) == 10 * 300 + 60 * 30
    usage["cachedContentTokenCount"] = 700
    assert of_usage("gemini-2.5-flash", usage) == 70 * 30
    sound = {**usage, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 70}]}
    assert of_usage("gemini-2.5-flash", sound) == 70 * 100


def test_embeddings_name_the_kinds_of_their_prompt_in_a_word_of_their_own() -> None:
    usage = {"promptTokenCount": 10, "promptTokenDetails": [{"modality": "AUDIO", "tokenCount": 10}]}
    assert of_usage("gemini-embedding-2", usage) == 65_000


@pytest.mark.parametrize(("number", "nanos"), [(1, 300), (2, 300), (3, 300), (4, 1000), (5, 300), (0, 300), (99, 300)])
def test_kinds_may_be_numbers(number: int, nanos: int) -> None:
    """Clients of Google's older libraries ask for enums as numbers."""
    usage = {"promptTokenCount": 1, "promptTokensDetails": [{"modality": number, "tokenCount": 1}]}
    assert of_usage("gemini-2.5-flash", usage) == nanos


@pytest.mark.parametrize("details", ["x", 7, [None], ["TEXT"], [{"modality": None, "tokenCount": None}], [[]], {}])
def test_details_of_no_known_form_leave_the_total_text(details: object) -> None:
    assert of_usage("gemini-2.5-flash", {"promptTokenCount": 5, "promptTokensDetails": details}) == 1500


@pytest.mark.parametrize(
    ("own", "tier", "is_long", "modality", "nanos"),
    [
        ({"standard": {"in_text": 0.15}}, "standard", False, "TEXT", 150),
        ({"standard": {"in_text": 0.15}}, "standard", False, "AUDIO", 500),
        ({"standard": {"in_text": 0.15, "in_audio": 0.9}}, "standard", False, "AUDIO", 900),
        ({"standard": {"in_text": 0.15}}, "batch", False, "TEXT", 75),
        ({"standard": {"in_text": 0.15}}, "priority", False, "TEXT", 270),
        ({"standard": {"in_text": 0.15}, "batch": {"in_text": 0.1}}, "batch", False, "TEXT", 100),
        ({"batch": {"in_text": 0.1}}, "standard", False, "TEXT", 300),
        ({"standard": {"in_text": 0.0}}, "standard", False, "AUDIO", 0),
        ({"over_200k": {"in_text": 0.6}}, "standard", False, "TEXT", 300),
        ({"over_200k": {"in_text": 0.6}}, "standard", True, "TEXT", 600),
        ({"over_200k": {"in_text": 0.6}}, "flex", True, "TEXT", 300),
    ],
)
def test_what_an_operator_names_goes_before_the_list_and_takes_the_rest_along(
    own: Prices, tier: str, is_long: bool, modality: str, nanos: int
) -> None:
    rates = rates_of("gemini-2.5-flash", day=NOVEMBER, tier=tier, is_long=is_long, own=own)
    assert rates is not None and rates.input[modality] == nanos * 1000


def test_an_operators_discount_holds_for_long_prompts_and_cached_tokens_too() -> None:
    """gemini-2.5-pro at a fifth less: $1.00 in place of $1.25, and $2.00 in place of $2.50 above 200,000 tokens."""
    own = {"standard": {"in_text": 1.0}}
    short = rates_of("gemini-2.5-pro", day=NOVEMBER, own=own)
    long = rates_of("gemini-2.5-pro", day=NOVEMBER, is_long=True, own=own)
    assert short is not None and (short.input["TEXT"], short.cached["TEXT"]) == (1_000_000, 100_000)
    assert long is not None and (long.input["TEXT"], long.cached["TEXT"]) == (2_000_000, 200_000)
    assert long.output["TEXT"] == 15_000_000


def test_a_model_that_the_list_does_not_have_costs_what_the_operator_says() -> None:
    own = {"standard": {"in_text": 0.4, "out": 2.0}}
    rates = rates_of("gemini-99-flash", day=NOVEMBER, own=own)
    assert rates is not None
    assert cost_at(rates, TokenCounts({"AUDIO": 10}, output={"TEXT": 3}, thoughts=2)) == Cost(4000, 10_000)
    only_input = rates_of("gemini-99-flash", day=NOVEMBER, own={"standard": {"in_text": 0.4}})
    assert only_input is not None and cost_at(only_input, TokenCounts({"TEXT": 10})) == Cost(4000, 0)
    assert cost_at(only_input, TokenCounts({"TEXT": 10}, output={"TEXT": 1})) is None
    assert cost_at(only_input, TokenCounts({"TEXT": 10}, thoughts=1)) is None


def deployment(model: str, **more: Any) -> Deployment:
    account = Account(name="a", api_keys=("k",), api_base="https://g.test")
    return Deployment(id=f"0:{model}", model_name=model, model=model, account=account, api_key="k", **more)


def test_a_request_can_be_priced_before_it_is_sent() -> None:
    flash, pro = deployment("gemini-2.5-flash"), deployment("gemini-2.5-pro")
    pricing = Pricing((flash, pro))
    at = datetime(2026, 11, 28, tzinfo=UTC).timestamp()
    hour = {"TEXT": 100, "VIDEO": 3600 * 263, "AUDIO": 3600 * 32}
    asked = pricing.at_most((flash,), hour, 100, at=at)
    assert asked is not None
    exact = 100 * 300 + 3600 * 263 * 300 + 3600 * 32 * 1000 + 100 * 2500
    assert exact <= asked <= exact + 1
    both = pricing.at_most((flash, pro), {"TEXT": 200_001}, 10, at=at)
    assert both is not None and both >= 200_001 * 2500 + 10 * 15_000
    whole = pricing.at_most((flash,), {"TEXT": 1}, None, at=at)
    assert whole is not None and whole >= 65_536 * 2500
    assert pricing.at_most((flash,), {"TEXT": 1}, 10**9, at=at) == pricing.at_most((flash,), {"TEXT": 1}, None, at=at)
    assert pricing.at_most((flash, deployment("gemini-99")), {"TEXT": 1}, 1, at=at) is None


@pytest.mark.parametrize("model", sorted(name for name, entry in known_models().items() if "price" in entry))
@pytest.mark.parametrize("tier", ["standard", "batch", "flex", "priority"])
def test_the_bound_holds_for_whatever_comes(model: str, tier: str) -> None:
    pricing = Pricing(())
    at = datetime(2026, 11, 28, tzinfo=UTC).timestamp()
    for count in (7, 60_000):
        prompt = dict.fromkeys(MODALITIES, count)
        bound = pricing.at_most((deployment(model),), prompt, 5 * count, at=at, tier=tier)
        for modality in MODALITIES:
            usage = {
                "promptTokenCount": 5 * count,
                "promptTokensDetails": [{"modality": each, "tokenCount": count} for each in MODALITIES],
                "candidatesTokensDetails": [{"modality": modality, "tokenCount": min(4 * count, 65_536 - count)}],
                "thoughtsTokenCount": min(count, 30_000),
            }
            cost = pricing.cost(Paid("x", model, usage, tier), counts_of_gemini(usage), at)
            assert (cost is None) == (bound is None)
            assert cost is None or bound is None or cost <= bound


def test_an_answer_is_charged_as_the_model_that_google_says_answered() -> None:
    """Google routes a model that ended to its successor, and charges that."""
    pricing = Pricing((deployment("gemini-2.5-pro", prices={"standard": {"in_text": 9.0}}),))
    at = datetime(2026, 12, 2, tzinfo=UTC).timestamp()
    usage = {"promptTokenCount": 1000}

    def of(at_deployment: str, served_by: str) -> int | None:
        paid = Paid(at_deployment, "gemini-2.5-pro", usage, served_by=served_by)
        return pricing.cost(paid, counts_of_gemini(usage), at)

    assert of("1", "") == 1_250_000
    assert of("1", "gemini-3.8-flash") == 750_000
    assert of("1", "models/gemini-3.8-flash") == 750_000
    assert of("1", "gemini-2.5-pro-002") == 1_250_000
    # What an operator has said of an entry holds whoever answers.
    assert of("0:gemini-2.5-pro", "gemini-3.8-flash") == 9_000_000


@pytest.mark.skipif(not FACTS.exists(), reason="the published table stands beside the checkout only")
def test_the_packages_table_is_the_published_one() -> None:
    published = {name: entry for name, entry in json.loads(FACTS.read_text()).items() if not name.startswith("_")}
    assert set(published) == set(known_models())
    for name, entry in known_models().items():
        assert {key: published[name].get(key) for key in entry if key != "limits"} == {
            key: value for key, value in entry.items() if key != "limits"
        }
