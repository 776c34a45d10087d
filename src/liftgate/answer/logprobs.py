"""Gemini's logprobsResult → `choices[].logprobs.content`."""

from __future__ import annotations

from typing import Any

from liftgate.answer import gemini_json as upstream

LEAST = -9999.0
"""OpenAI's number for 'practically never'; JSON has no minus infinity."""


def token_logprobs(result: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """One entry per decoding step: the chosen token, and the top ones where they were asked for."""
    chosen = upstream.mappings(result, "chosenCandidates", place)
    steps = upstream.mappings(result, "topCandidates", place)
    found = []
    for index, each in enumerate(chosen):
        entry = _token(each, f"{place}.chosenCandidates[{index}]")
        top = (
            upstream.mappings(steps[index], "candidates", f"{place}.topCandidates[{index}]")
            if index < len(steps)
            else []
        )
        entry["top_logprobs"] = [_token(one, f"{place}.topCandidates[{index}].candidates[]") for one in top]
        found.append(entry)
    return found


def _token(candidate: dict[str, Any], place: str) -> dict[str, Any]:
    token = upstream.string(candidate, "token", place) or ""
    logprob = upstream.number(candidate, "logProbability", place)
    if not LEAST <= logprob <= 0:
        logprob = LEAST if logprob < 0 or logprob != logprob else 0.0
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}
