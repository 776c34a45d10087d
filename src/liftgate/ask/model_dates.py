"""When Google's models end, what follows them, and what the `-latest` names stand for. Data with dates, nothing else.

A date is the first day on which Google says that the model no longer answers under its own name. Sources: Google's
page of deprecations as quoted by people, and the clients' own tables (docs/protocol/gemini.md, "Models").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from liftgate.errors import NotFound

READ = date(2026, 11, 10)
"""When the newest of these facts were last read at Google."""

ALIASES: Mapping[str, str] = {
    "gemini-flash-latest": "gemini-3.8-flash",
    "gemini-flash-lite-latest": "gemini-3.5-flash-lite",
    "gemini-pro-latest": "gemini-3.1-pro-preview",
    "nano-banana-pro-preview": "gemini-3-pro-image",
}
"""Name → the model that it stood for on READ. Google moves the `-latest` names without notice."""


class Retirement(NamedTuple):
    """`routed`: from `ends` on Google answers with the successor, and bills it, instead of refusing."""

    ends: date
    successor: str | None = None
    routed: bool = False


def _on(day: str, successor: str | None, *names: str, routed: bool = False) -> dict[str, Retirement]:
    ends = date.fromisoformat(day)
    return {name: Retirement(ends, successor, routed) for name in names}


RETIREMENTS: Mapping[str, Retirement] = {
    **_on("2025-09-29", "gemini-2.5-flash", "gemini-1.5-flash", "gemini-1.5-flash-latest", "gemini-1.5-flash-002"),
    **_on("2025-09-29", "gemini-2.5-flash-lite", "gemini-1.5-flash-8b"),
    **_on("2025-09-29", "gemini-2.5-pro", "gemini-1.5-pro", "gemini-1.5-pro-latest", "gemini-1.5-pro-002"),
    **_on("2026-01-15", "gemini-2.5-flash-image", "gemini-2.5-flash-image-preview"),
    **_on("2026-03-09", "gemini-3.1-pro-preview", "gemini-3-pro-preview"),
    **_on("2026-05-25", "gemini-3.1-flash-lite", "gemini-3.1-flash-lite-preview"),
    **_on("2026-06-01", "gemini-3.1-flash-lite", "gemini-2.0-flash", "gemini-2.0-flash-001"),
    **_on("2026-06-01", "gemini-3.1-flash-lite", "gemini-2.0-flash-lite", "gemini-2.0-flash-lite-001"),
    **_on("2026-06-25", "gemini-3-pro-image", "gemini-3-pro-image-preview"),
    **_on("2026-06-25", "gemini-nano-banana-2.1", "gemini-3.1-flash-image-preview"),
    **_on("2026-07-28", "gemini-3.8-flash", "gemini-2.5-computer-use-preview-10-2025"),
    **_on("2026-10-22", "gemini-omni-1.2-flash", "gemini-omni-flash-preview", "veo-3.1-generate-preview"),
    **_on("2026-10-22", "gemini-omni-1.2-flash", "veo-3.1-fast-generate-preview", "veo-3.1-lite-generate-preview"),
    **_on("2026-10-23", "deep-research-preview-04-2026", "deep-research-pro-preview-12-2025"),
    **_on("2026-11-06", "gemini-embedding-2", "gemini-embedding-2-preview"),
    **_on("2026-11-17", "gemini-3.8-flash-tts", "gemini-2.5-flash-preview-tts", "gemini-2.5-pro-preview-tts"),
    **_on("2026-11-17", "gemini-3.8-flash-tts", "gemini-3.1-flash-tts-preview"),
    **_on("2026-11-17", "gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"),
    **_on("2026-11-17", "gemini-3.8-live", "gemini-3.1-flash-live-preview"),
    **_on("2026-12-01", "gemini-3.5-flash-lite", "gemini-2.5-flash", routed=True),
    **_on("2026-12-01", "gemini-3.8-flash", "gemini-2.5-pro", routed=True),
    **_on("2026-12-03", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"),
    **_on("2027-03-15", "gemini-3.1-flash-lite-image", "gemini-2.5-flash-image"),
    **_on("2027-05-07", "gemini-3.5-flash-lite", "gemini-3.1-flash-lite"),
    **_on("2028-05-14", "gemini-embedding-2", "gemini-embedding-001"),
}
"""By the upstream name. A name that is not here has no announced end."""


def retirement_of(model: str) -> Retirement | None:
    """By the upstream name, with or without `models/`. `ends` may lie ahead."""
    return RETIREMENTS.get(model.rsplit("/", 1)[-1].lower())


def living_successor(model: str, on: date) -> str | None:
    """What to ask instead of `model` on that day: its successor, or that one's, where it has ended too."""
    seen: set[str] = set()
    name: str | None = model.rsplit("/", 1)[-1].lower()
    while name is not None and name not in seen:
        seen.add(name)
        retirement = RETIREMENTS.get(name)
        if retirement is None or on < retirement.ends:
            return name if len(seen) > 1 else None
        name = retirement.successor
    return None


def ended(model: str, on: date) -> str | None:
    """What is known of the end of a model that Google does not serve any more on that day, as a sentence."""
    retirement = retirement_of(model)
    if retirement is None or on < retirement.ends:
        return None
    name = model.rsplit("/", 1)[-1]
    successor = living_successor(name, on)
    follows = f"; what follows it is {successor}" if successor else ""
    return f"Google ended {name} on {retirement.ends.isoformat()}{follows}."


def with_its_end(gone: NotFound, model: str, on: date) -> NotFound:
    """Google's word that it has no such model, with what is known of the model's end; any other error as it is."""
    dated = gone.again()
    if type(gone) is NotFound and gone.upstream is not None and (sentence := ended(model, on)) is not None:
        dated.message = f"{gone.message.rstrip('. ')}. {sentence}"
        dated.args = (dated.message,)
    return dated
