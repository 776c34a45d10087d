"""`model_name`s with a `*`: which deployments serve a name that no deployment has word for word.

As at LiteLLM: `model_name: "gemini/*"` with `model: gemini/*` serves `gemini/x` as `x`; what the star of the name stood
for takes the place of the star of the model. More letters outside the star win.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from liftgate.deployments import Deployment
from liftgate.errors import ConfigError
from liftgate.names import bare_model, names_a_model

STAR = "*"
LONGEST = 1024
"""Characters of a name that is asked for."""
_PUBLIC = re.compile(r"(?!(?:.*/)?\.{1,2}(?:/|\Z))[^\x00-\x20\x7f?#%\\]+", re.DOTALL)


def served_by_wildcard(deployments: Iterable[Deployment], model_name: str) -> list[Deployment]:
    """The deployments of the closest pattern that matches, filled in for `model_name`; they keep their ids."""
    matching: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        part = star_of(deployment.model_name, model_name)
        if part is not None:
            # The provider may be part of what the star stood for; it is no part of a model's name at Gemini.
            model = bare_model(deployment.model.replace(STAR, part))
            if names_a_model(model) and _PUBLIC.fullmatch(part):
                matching.setdefault(deployment.model_name, []).append(replace(deployment, model=model))
    return matching[max(matching, key=len)] if matching else []


def check_stars(name: str, model: str, where: str) -> None:
    """Raises ConfigError for what no name that is asked for could fill in: such an entry would be there and never
    answer. `where`: the entry's place."""
    if name.count(STAR) > 1:
        raise ConfigError(f"{where}.model_name: {name!r} has more than one `*`; Liftgate fills in one.")
    if model.count(STAR) > name.count(STAR):
        raise ConfigError(
            f"{where}.litellm_params.model: its `*` stands for what the `*` of model_name stood for, and {name!r} has "
            f"{'one' if STAR in name else 'none'}."
        )


def provider_of(name: str, left_out: Mapping[str, str]) -> str | None:
    """Whose model `name` is, where its entry was left out; None for any other name."""
    if name in left_out:
        return left_out[name]
    return next((provider for pattern, provider in left_out.items() if star_of(pattern, name) is not None), None)


def star_of(pattern: str, model_name: str) -> str | None:
    """What the star stands for; None where the pattern has none or does not match."""
    before, star, after = pattern.partition(STAR)
    if len(model_name) > LONGEST or not star or len(model_name) <= len(before) + len(after):
        return None
    if not (model_name.startswith(before) and model_name.endswith(after)):
        return None
    return model_name[len(before) : len(model_name) - len(after)]
