"""Config file, environment and command line → `Settings`, once, at start.

What is nearer to the person wins: command line, `LIFTGATE_X`, `liftgate_settings`, LiteLLM's sections, the default.
All that is wrong is listed at once. Unknown names of ours are an error, LiteLLM's that do nothing here are a warning.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from liftgate.errors import ConfigError
from liftgate.settings import litellm_config
from liftgate.settings.checks import check
from liftgate.settings.deployments import Served, environment_deployments, read_deployments
from liftgate.settings.faults import Faults
from liftgate.settings.google import key_warnings, missing_key
from liftgate.settings.keys import MASTER_KEY_VARIABLES, Owners
from liftgate.settings.litellm_tables import ALSO_ACTS
from liftgate.settings.model_names import read_names
from liftgate.settings.options import BY_NAME, OPTIONS, SECTIONS
from liftgate.settings.provider_budgets import read_provider_budget
from liftgate.settings.sections import BudgetSettings, LimitSettings, RouterSettings, Settings
from liftgate.settings.spelling import hint, nearest
from liftgate.settings.values import mapping, resolved, shown

_CLIENTS_VARIABLES = ("LIFTGATE_BASE_URL", "LIFTGATE_API_KEY")
"""Of the commands that talk to a gateway; a gateway may well be started with the same environment."""


def load_settings(
    config: Path | None, flags: Mapping[str, object], environ: Mapping[str, str], *, serving: bool = True
) -> tuple[Settings, list[str]]:
    """Settings and warnings. `flags`: option name → value (None: not given). ConfigError has a sentence for each fault.

    `serving`: whether there must be a model to serve, and an address to listen on.
    """
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
    served = read_deployments(document, environ, path, faults)
    options = _options(document, flags, environ, path, faults)
    for warning in key_warnings(environ):
        faults.warn(warning)
    if not served.deployments and not served.left_out:
        with faults.noted():
            served = Served(environment_deployments(environ))
    if serving and not served.deployments and not faults.faults:
        faults.add(_nothing_to_serve(document, served, environ, path))
    owners = Owners(document, environ, path, faults)
    of_provider = read_provider_budget(document, environ, path, faults)
    names, fallbacks = read_names(document, path, served.deployments, served.left_out, environ, faults)
    faults.check()
    sections: dict[str, Any] = {name: _section(name, options) for name in SECTIONS}
    limits, router, budgets = sections["limits"], sections["router"], sections["budgets"]
    assert isinstance(limits, LimitSettings) and isinstance(router, RouterSettings)
    assert isinstance(budgets, BudgetSettings)
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
        check(settings, faults)
        faults.check()
    return settings, faults.warnings


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Where this platform keeps a user's application data."""
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    if environ.get("XDG_DATA_HOME"):
        return Path(environ["XDG_DATA_HOME"]) / "liftgate"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "liftgate"
    if sys.platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "liftgate"
    return home / ".local" / "share" / "liftgate"


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


def _nothing_to_serve(document: Mapping[str, object], served: Served, environ: Mapping[str, str], path: str) -> str:
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
    return (
        "No model to serve: give a config with a model_list (--config), set GEMINI_API_KEY or "
        f"GOOGLE_API_KEY, or try it with --sandbox, which needs no key.{more}"
    )


def _options(
    document: Mapping[str, object], flags: Mapping[str, object], environ: Mapping[str, str], path: str, faults: Faults
) -> dict[str, object]:
    """Option name → value, of those that were given; and the data directory always."""
    values = litellm_config.read_sections(document, path, faults)
    with faults.noted():
        values |= _ours(mapping(document.get("liftgate_settings"), f"{path}: liftgate_settings"), path, faults)
    options: dict[str, object] = {}
    for name, (value, where) in values.items():
        with faults.noted():
            options[name] = BY_NAME[name].read(resolved(value, environ, where), where)
    _read_environment(environ, options, faults)
    for name, value in flags.items():
        if value is not None:
            with faults.noted():
                options[name] = BY_NAME[name].read(value, BY_NAME[name].flag)
    data_dir = options.get("data_dir")
    options["data_dir"] = data_dir.absolute() if isinstance(data_dir, Path) else default_data_dir(environ)
    return options


def _ours(values: Mapping[str, object], path: str, faults: Faults) -> dict[str, tuple[object, str]]:
    found: dict[str, tuple[object, str]] = {}
    for name, value in values.items():
        where = f"{path}: liftgate_settings.{name}"
        if name in BY_NAME:
            found[name] = (value, where)
        elif home := next((place for place in ALSO_ACTS if place.rpartition(".")[2] == name), None):
            faults.add(f"{where}: belongs under {home.rpartition('.')[0] or 'no section; it stands at the top'}.")
        elif name != "keys":
            faults.add(f"{where}: there is no such setting.{hint(name, [*BY_NAME, 'keys'])}")
    return found


def _read_environment(environ: Mapping[str, str], options: dict[str, object], faults: Faults) -> None:
    known = {option.environment: option for option in OPTIONS}
    others = (*MASTER_KEY_VARIABLES, *_CLIENTS_VARIABLES)
    for variable, value in environ.items():
        if variable in others:
            continue
        if variable in known:
            # An empty variable is how shells and compose files say 'not set'.
            if value.startswith("tcp://"):
                faults.warn(f"{variable} is what Kubernetes sets for a Service of this name, and is ignored.")
            elif value:
                with faults.noted():
                    options[known[variable].name] = known[variable].read(value, variable)
            elif variable == "LIFTGATE_DATABASE_URL" and "database_url" not in options:
                # Often a secret that did not arrive, and the files of the real catalogue are not in this one.
                faults.warn(f"{variable} is set, and is empty: the catalogue is a file in the data directory.")
            continue
        plain = variable.casefold()
        ours = plain.startswith("liftgate")
        if ours:
            near = nearest(
                plain.removeprefix("liftgate"), [name.removeprefix("LIFTGATE_") for name in (*known, *others)]
            )
            near = near and "LIFTGATE_" + near.removeprefix("LITELLM_")
        elif plain.startswith("litellm_m"):
            near = nearest(variable, MASTER_KEY_VARIABLES)
        else:
            continue
        secret = ours and {"KEY", "KEYS", "MASTER", "SECRET", "TOKEN"} & set(variable.upper().split("_"))
        if near:
            faults.add(f"{variable}: there is no such setting. Did you mean {near}?")
        elif secret or variable.casefold().startswith("litellm_master_key"):
            faults.add(f"{variable}: there is no such setting. The key is given in LIFTGATE_MASTER_KEY.")
        elif variable.startswith("LIFTGATE_"):
            faults.warn(f"{variable} is not a setting of Liftgate, and is ignored.")


def _section(name: str, options: Mapping[str, object]) -> object:
    given: dict[str, Any] = {o.attribute: options[o.name] for o in OPTIONS if o.section == name and o.name in options}
    return SECTIONS[name](**given)
