"""Config file, environment and command line → `Settings`, once, at start.

What is nearer to the person wins: command line, `LIFTGATE_X`, `liftgate_settings`, LiteLLM's sections, the default.
All that is wrong is listed at once. Unknown names of ours are an error, LiteLLM's that do nothing here are a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from liftgate.deployments import Deployment
from liftgate.errors import ConfigError
from liftgate.settings.caller import COMMAND_LINE, Caller
from liftgate.settings.checks import check, check_values
from liftgate.settings.deployments import Served, environment_deployments, read_deployments
from liftgate.settings.faults import Faults
from liftgate.settings.given import Given
from liftgate.settings.google import key_warnings, missing_key
from liftgate.settings.keys import Owners
from liftgate.settings.litellm_config import judge_variables
from liftgate.settings.model_names import read_names
from liftgate.settings.options import OPTIONS, SECTIONS
from liftgate.settings.provider_budgets import read_provider_budget
from liftgate.settings.sections import BudgetSettings, LimitSettings, RouterSettings, Settings
from liftgate.settings.values import mapping, resolved, shown

Refused: TypeAlias = Callable[[Deployment, bool], tuple[str, str] | None]
"""(entry, drop_params) → the path of a default of the entry that no request could have, and why."""


def load_settings(
    config: Path | None,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    serving: bool = True,
    caller: Caller = COMMAND_LINE,
    refused: Refused | None = None,
) -> tuple[Settings, list[str]]:
    """Settings and warnings. `flags`: option name → value (None: not given). ConfigError has a sentence for each fault.
    `serving`: whether there must be a model to serve. `caller`: who gives the flags. `refused`: looks at defaults."""
    document: dict[str, object] = {}
    faults = Faults()
    if config is not None:
        # Only here is the YAML library needed: settings made in code do not pay for it.
        from liftgate.settings.config_file import read_config

        document, lines = read_config(config)
        faults = Faults(lines.place)
    path = str(config) if config is not None else "the config"
    with faults.noted():
        environ = {**environ, **_exported(document, environ, path)}
    served = read_deployments(document, environ, path, faults, caller)
    given = Given(environ, faults, caller)
    options = given.read(document, flags, path)
    for warning in key_warnings(environ):
        faults.warn(warning)
    if not served.deployments and not served.left_out:
        with faults.noted():
            served = Served(environment_deployments(environ, caller))
    if serving and not served.deployments and not faults.faults:
        faults.add(_nothing_to_serve(document, served, environ, path, caller))
    owners = Owners(document, environ, path, faults)
    judge_variables(document, path, faults, keyless=not owners.auth.owners())
    of_provider = read_provider_budget(document, environ, path, faults)
    names, fallbacks = read_names(document, path, served.deployments, served.left_out, environ, faults)
    sections: dict[str, Any] = {name: _section(name, options) for name in SECTIONS}
    limits, router, budgets = sections["limits"], sections["router"], sections["budgets"]
    assert isinstance(limits, LimitSettings) and isinstance(router, RouterSettings)
    assert isinstance(budgets, BudgetSettings)
    if serving:
        check_values(sections, faults, given.name, listens=caller.listens)
    faults.check()
    sections["limits"] = replace(
        limits, file_bytes_by_owner=owners.file_bytes, stored_bytes_by_owner=owners.stored_bytes
    )
    sections["router"] = replace(router, fallbacks=fallbacks)
    sections["budgets"] = replace(budgets, of_provider=of_provider)
    settings = Settings(
        deployments=served.deployments,
        auth=owners.auth,
        names=names,
        drop_params=options.get("drop_params") is True,
        **sections,
    )
    if serving:
        check(settings, faults, given.name, listens=caller.listens)
        _check_defaults(settings, refused, path, faults)
        faults.check()
    return settings, faults.warnings


def _check_defaults(settings: Settings, refused: Refused | None, path: str, faults: Faults) -> None:
    if refused is None:
        return
    for deployment in settings.deployments:
        if deployment.defaults and (found := refused(deployment, settings.drop_params)):
            place = f"{path}: {deployment.where.partition(' ')[0]}.litellm_params.{found[0]}"
            faults.add(f"{place}: every request that does not say it itself would be refused: {found[1]}")


def _exported(document: Mapping[str, object], environ: Mapping[str, str], path: str) -> dict[str, str]:
    where = f"{path}: environment_variables"
    given = mapping(document.get("environment_variables"), where)
    # Null is what YAML has where nothing stands: such a variable is not set, and never the word None.
    return {name: _text_of(value, environ, f"{where}.{name}") for name, value in given.items() if value is not None}


def _text_of(value: object, environ: Mapping[str, str], where: str) -> str:
    found = resolved(value, environ, where)
    if not isinstance(found, str | int | float):
        raise ConfigError(f"{where}: expected a text, got {shown(found)}.")
    return str(found)


def _nothing_to_serve(
    document: Mapping[str, object], served: Served, environ: Mapping[str, str], path: str, caller: Caller
) -> str:
    if served.left_out:
        others = ", ".join(sorted(set(served.left_out.values())))
        return (
            f"{path}: model_list: No model to serve: every entry is of another provider ({others}). Liftgate serves "
            "Google AI Studio: write `model: gemini/NAME`, with a key of it in api_key or GEMINI_API_KEY."
        )
    general = document.get("general_settings")
    in_database = isinstance(general, dict) and general.get("store_model_in_db") is True
    more = " Models in LiteLLM's database are not read." if in_database else ""
    missing = missing_key(environ)
    if not missing.endswith("is set"):
        # It is set and empty, or another variable looks like it.
        more = f" {missing[0].upper()}{missing[1:]}.{more}"
    return f"No model to serve: {caller.no_model}{more}"


def _section(name: str, options: Mapping[str, object]) -> object:
    given: dict[str, Any] = {o.attribute: options[o.name] for o in OPTIONS if o.section == name and o.name in options}
    return SECTIONS[name](**given)
