"""The facts of models against the contracts, and that no older rule reaches a newer model."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from asking import translate_chat
from evidence import evidence
from liftgate.ask.model_dates import ALIASES, RETIREMENTS, living_successor, retirement_of
from liftgate.ask.model_facts import FAMILIES, NEWEST, facts_for
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.errors import UnsupportedParameter

NO_TRAILING_TURN = ("gemini-3.5-flash-lite", "gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash")
TRAILING_TURN = ("gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-3.5-flash")
ONE_CANDIDATE = (
    *("gemini-3-pro-preview", "gemini-3.1-pro-preview", "gemini-3.1-flash-lite", "gemini-3-flash-preview"),
    *("gemini-3.5-flash", *NO_TRAILING_TURN, "gemini-flash-latest", "gemini-pro-latest", "gemini-flash-lite-latest"),
    *("gemini-2.5-flash-image", "gemini-3-pro-image"),
)
HI = [{"role": "user", "content": "Hi"}]


def table() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(evidence("gemini-prices.json").read_text("utf-8"))
    found.pop("_about")
    return found


def translated(model: str, **request: Any) -> ChatQuestion:
    asked = {"model": model, "messages": HI, **request}
    return translate_chat(asked, facts=facts_for(model), files={}, signatures={})


def test_request_rules_are_those_of_the_table() -> None:
    for name, entry in table().items():
        facts = facts_for(name)
        if (rules := entry.get("rules")) is not None:
            assert facts.trailing_model_turn is rules["may_end_with_model_turn"], name
            assert facts.sampling == rules["sampling_params"], name
        elif entry["kind"] == "chat" and name.startswith(("gemini-2.", "gemini-3-", "gemini-3.1-")):
            assert facts.trailing_model_turn and facts.sampling == "taken", name


def test_every_effort_is_a_level_or_budget_that_the_model_has() -> None:
    for name, entry in table().items():
        thinking, facts = entry.get("thinking"), facts_for(name)
        if thinking is None or thinking["by"] == "toggle":
            continue
        if thinking["by"] == "level":
            sent = {level.lower() for level in facts.levels.values()}
            assert sent <= {*thinking["levels"]}, name
            assert {"minimal", "low", "medium", "high"} <= {*facts.levels}, name
        else:
            assert not facts.levels, name
            assert all(thinking["min"] <= tokens <= thinking["max"] for tokens in facts.budgets.values()), name
            assert facts.thinking_off is thinking["can_be_off"], name


def test_ends_and_aliases_are_those_of_the_table() -> None:
    for name, entry in table().items():
        if (ends := entry.get("retires")) is not None:
            found = retirement_of(f"models/{name}")
            assert found is not None and found.ends == date.fromisoformat(ends), name
            assert found.successor == entry["successor"], name
        if (target := entry.get("alias_of")) is not None:
            assert ALIASES[name] == target


def test_cache_minimum_where_the_table_has_one() -> None:
    for name, entry in table().items():
        # For 4-argon the documents say that there is no explicit cache (docs/protocol/gemini.md, "Models").
        if entry["kind"] == "chat" and "cache_min_tokens" in entry and name != "gemini-4-argon":
            assert facts_for(name).cache_minimum == entry["cache_min_tokens"], name


@pytest.mark.parametrize("model", NO_TRAILING_TURN)
def test_a_trailing_model_turn_where_it_was_seen_refused(model: str) -> None:
    assert not facts_for(model).trailing_model_turn


@pytest.mark.parametrize("model", TRAILING_TURN)
def test_a_trailing_model_turn_where_it_was_seen_taken(model: str) -> None:
    assert facts_for(model).trailing_model_turn


@pytest.mark.parametrize("model", ["gemini-3.9-flash", "gemini-5-pro", "gemini-4.1-xenon", "models/gemini-10-ultra"])
def test_an_unknown_newer_model_is_of_the_newest_family(model: str) -> None:
    facts = facts_for(model)
    assert facts is NEWEST
    assert not facts.trailing_model_turn
    assert facts.candidates == 8 and facts.penalties and facts.logprobs and facts.image_out and facts.audio_out


@pytest.mark.parametrize("model", ONE_CANDIDATE)
def test_one_candidate_only(model: str) -> None:
    """js-genai#1609, python-genai#1723."""
    with pytest.raises(UnsupportedParameter) as refused:
        translated(model, n=2)
    assert refused.value.param == "n"
    left = translated(model, n=2, drop_params=True)
    assert "candidateCount" not in left.body.get("generationConfig", {})
    assert [dropped.param for dropped in left.dropped] == ["n"]
    assert translated(model, n=1).body == translated(model).body


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.0-flash"])
def test_several_candidates(model: str) -> None:
    assert translated(model, n=3).body["generationConfig"] == {"candidateCount": 3}


@pytest.mark.parametrize("param", ["frequency_penalty", "presence_penalty"])
@pytest.mark.parametrize(
    "model", ["gemini-2.5-pro", "gemini-3.1-pro-preview", "gemini-3.8-flash", "gemini-flash-latest"]
)
def test_no_penalties(model: str, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        translated(model, **{param: 0.5})
    assert refused.value.param == param
    left = translated(model, **{param: 0.5}, drop_params=True)
    assert [dropped.param for dropped in left.dropped] == [param] and "generationConfig" not in left.body


@pytest.mark.parametrize("model", NO_TRAILING_TURN)
def test_sampling_without_effect_is_sent_and_may_be_dropped(model: str) -> None:
    asked = {"temperature": 0.25, "top_p": 0.5, "top_k": 20}
    assert translated(model, **asked).body["generationConfig"] == {"temperature": 0.25, "topP": 0.5, "topK": 20}
    left = translated(model, **asked, drop_params=True)
    assert "generationConfig" not in left.body
    assert [dropped.param for dropped in left.dropped] == ["temperature", "top_p", "top_k"]


@pytest.mark.parametrize("model", ["gemini-3.5-flash", "gemini-2.5-flash", "gemini-4-argon", "gemini-6-nobelium"])
def test_sampling_that_acts_is_never_dropped(model: str) -> None:
    left = translated(model, temperature=0.25, drop_params=True)
    assert left.body["generationConfig"] == {"temperature": 0.25} and not left.dropped


@pytest.mark.parametrize(("tokens", "level"), [(0, "LOW"), (1024, "LOW"), (4000, "MEDIUM"), (8193, "HIGH")])
def test_a_budget_where_there_are_only_levels(tokens: int, level: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": tokens}
    assert translated("gemini-4-argon", thinking=thinking).body["generationConfig"]["thinkingConfig"] == {
        "includeThoughts": True,
        "thinkingLevel": level,
    }
    kept = translated("gemini-3.5-flash", thinking=thinking).body["generationConfig"]["thinkingConfig"]
    assert kept == {"includeThoughts": True, "thinkingBudget": tokens}


def test_a_routed_name_gets_what_both_models_take() -> None:
    before, after = date(2026, 11, 30), date(2026, 12, 1)
    assert facts_for("gemini-2.5-flash", before) is facts_for("gemini-2.5-flash")
    facts = facts_for("models/gemini-2.5-flash", after)
    assert not facts.trailing_model_turn and facts.candidates == 1 and facts.signatures
    assert facts.thinking == "budget" and not facts.json_with_functions and facts.sampling == "ignored"
    assert facts_for("gemini-2.5-flash-lite", after) is facts_for("gemini-2.5-flash-lite")


def test_a_successor_that_has_ended_has_one_of_its_own() -> None:
    assert living_successor("gemini-2.0-flash", date(2026, 11, 28)) == "gemini-3.1-flash-lite"
    assert living_successor("gemini-2.0-flash", date(2027, 6, 1)) == "gemini-3.5-flash-lite"
    assert living_successor("gemini-1.5-pro", date(2026, 12, 2)) == "gemini-3.8-flash"
    assert living_successor("gemini-2.5-pro", date(2026, 11, 28)) is None
    assert living_successor("gemini-3.8-flash", date(2026, 11, 28)) is None
    for name, found in RETIREMENTS.items():
        assert living_successor(name, found.ends) is not None


def test_families_are_tried_from_the_longer_prefix_to_the_shorter() -> None:
    prefixes = [family.prefix for family in FAMILIES]
    for place, prefix in enumerate(prefixes):
        assert not any(prefix.startswith(earlier) for earlier in prefixes[:place]), prefix
