"""Gemini's logprobsResult → the tokens of an answer with their probabilities."""

from __future__ import annotations

from liftgate import gemini_json as upstream
from liftgate.answer.events import TokenLogprob
from liftgate.json_types import JsonObject


def token_logprobs(result: JsonObject, place: str) -> list[TokenLogprob]:
    """One for each decoding step: the chosen token, and the top ones where they were asked for."""
    chosen = upstream.mappings(result, "chosenCandidates", place)
    steps = upstream.mappings(result, "topCandidates", place)
    found = []
    for index, each in enumerate(chosen):
        top = (
            upstream.mappings(steps[index], "candidates", f"{place}.topCandidates[{index}]")
            if index < len(steps)
            else []
        )
        rivals = tuple(_token(one, f"{place}.topCandidates[{index}].candidates[]") for one in top)
        found.append(_token(each, f"{place}.chosenCandidates[{index}]", rivals))
    return found


def _token(candidate: JsonObject, place: str, top: tuple[TokenLogprob, ...] = ()) -> TokenLogprob:
    token = upstream.string(candidate, "token", place) or ""
    return TokenLogprob(token, upstream.number(candidate, "logProbability", place), top)
