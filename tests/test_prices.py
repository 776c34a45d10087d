"""Prices: exact sums in nano-dollars, of Google's counts by modality, on the day of the request.

Expected figures are worked out by hand from the published table (docs/protocol/gemini.md, "Prices").
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from liftgate.prices import Cost, TokenCounts, counts_of_gemini, counts_of_openai, known_models, token_cost

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


@pytest.mark.skipif(not FACTS.exists(), reason="the published table stands beside the checkout only")
def test_the_packages_table_is_the_published_one() -> None:
    published = {name: entry for name, entry in json.loads(FACTS.read_text()).items() if not name.startswith("_")}
    assert set(published) == set(known_models())
    for name, entry in known_models().items():
        assert {key: published[name].get(key) for key in entry if key != "limits"} == {
            key: value for key, value in entry.items() if key != "limits"
        }
