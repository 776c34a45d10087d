"""Config file, environment and command line → `Settings`, once, at start.

What is nearer to the person wins: command line, `LIFTGATE_X`, `liftgate_settings`, LiteLLM's sections, the default.
Unknown keys of ours are an error, LiteLLM's that do nothing here are a warning.
"""

from __future__ import annotations

import difflib
import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from liftgate.errors import ConfigError
from liftgate.settings import deployments, litellm_config
from liftgate.settings.options import BY_NAME, OPTIONS, SECTIONS
from liftgate.settings.origins import Origins
from liftgate.settings.sections import LOCAL, MASTER, AuthSettings, LimitSettings, RouterSettings, Settings
from liftgate.settings.values import listing, mapping, resolved, text

_MASTER_KEY_VARIABLES = ("LIFTGATE_MASTER_KEY", "LITELLM_MASTER_KEY")
_CLIENTS_VARIABLES = ("LIFTGATE_BASE_URL", "LIFTGATE_API_KEY")
"""Of the commands that talk to a gateway; a gateway may well be started with the same environment."""

_SHORT_KEY = 16


def load_settings(
    config: Path | None, flags: Mapping[str, object], environ: Mapping[str, str], *, serving: bool = True
) -> tuple[Settings, list[str]]:
    """Settings and warnings. `flags`: option name → value (None: not given). ConfigError is one clear sentence.

    `serving`: whether there must be a model to serve, and an address to listen on.
    """
    document: dict[str, object] = {}
    if config is not None:
        # Only here is the YAML library needed: settings made in code do not pay for it.
        from liftgate.settings.config_file import read_config

        document = read_config(config)
    path = str(config) if config is not None else "the config"
    environ = {**environ, **_exported(document, environ, path)}
    values, warnings = litellm_config.read_sections(document, path)
    ours = mapping(document.get("liftgate_settings"), f"{path}: liftgate_settings")
    keys = listing(ours.pop("keys", None), f"{path}: liftgate_settings.keys")
    values |= _ours(ours, path)
    options = {
        name: BY_NAME[name].read(resolved(value, environ, where), where) for name, (value, where) in values.items()
    }
    options |= _from_environment(environ, warnings)
    options |= {
        name: BY_NAME[name].read(value, BY_NAME[name].flag) for name, value in flags.items() if value is not None
    }
    data_dir = options.get("data_dir")
    options["data_dir"] = data_dir.absolute() if isinstance(data_dir, Path) else default_data_dir(environ)
    served, more = deployments.read_deployments(document, environ, path)
    warnings += more + deployments.key_warnings(environ)
    served = served or deployments.environment_deployments(environ)
    if serving and not served:
        raise ConfigError("No model to serve: give a config with a model_list (--config), or set GEMINI_API_KEY.")
    auth, file_bytes, stored_bytes = _auth(document, keys, environ, path)
    sections: dict[str, Any] = {name: _section(name, options) for name in SECTIONS}
    limits, router = sections["limits"], sections["router"]
    assert isinstance(limits, LimitSettings) and isinstance(router, RouterSettings)
    sections["limits"] = replace(limits, file_bytes_by_owner=file_bytes, stored_bytes_by_owner=stored_bytes)
    sections["router"] = replace(router, fallbacks=litellm_config.read_fallbacks(document, path))
    settings = Settings(deployments=served, auth=auth, drop_params=options.get("drop_params") is True, **sections)
    if serving:
        _check(settings, warnings)
    return settings, warnings


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


def loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _exported(document: dict[str, object], environ: Mapping[str, str], path: str) -> dict[str, str]:
    where = f"{path}: environment_variables"
    return {
        name: str(resolved(value, environ, f"{where}.{name}"))
        for name, value in mapping(document.get("environment_variables"), where).items()
    }


def _ours(values: dict[str, object], path: str) -> dict[str, tuple[object, str]]:
    for name in values:
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, [*BY_NAME, "keys"], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{path}: liftgate_settings.{name}: there is no such setting.{hint}")
    return {name: (value, f"{path}: liftgate_settings.{name}") for name, value in values.items()}


def _from_environment(environ: Mapping[str, str], warnings: list[str]) -> dict[str, object]:
    known = {option.environment: option for option in OPTIONS}
    found: dict[str, object] = {}
    for variable, value in environ.items():
        # An empty variable is how shells and compose files say 'not set'.
        if not variable.startswith("LIFTGATE_") or not value:
            continue
        if variable in known:
            found[known[variable].name] = known[variable].read(value, variable)
        elif variable not in (*_MASTER_KEY_VARIABLES, *_CLIENTS_VARIABLES):
            warnings.append(f"{variable} does nothing here.")
    return found


def _section(name: str, options: Mapping[str, object]) -> object:
    given: dict[str, Any] = {o.attribute: options[o.name] for o in OPTIONS if o.section == name and o.name in options}
    return SECTIONS[name](**given)


def _auth(
    document: dict[str, object], keys: list[object], environ: Mapping[str, str], path: str
) -> tuple[AuthSettings, dict[str, int], dict[str, int]]:
    """The keys, and what they say of their owners' largest file and storage."""
    secrets: dict[str, str] = {}
    limits: dict[str, dict[str, int]] = {"max_file_bytes": {}, "max_bytes": {}}
    for index, item in enumerate(keys):
        where = f"{path}: liftgate_settings.keys[{index}]"
        entry = mapping(resolved(item, environ, where), where)
        if unknown := set(entry) - {"name", "key", *limits}:
            raise ConfigError(
                f"{where}.{sorted(unknown)[0]}: there is no such setting; "
                "expected name, key, max_file_bytes or max_bytes."
            )
        name = text(entry.get("name"), f"{where}.name")
        if name in (MASTER, LOCAL):
            raise ConfigError(f"{where}.name: {name!r} is taken by Liftgate itself.")
        secret = text(entry.get("key"), f"{where}.key")
        if secrets.get(secret, name) != name:
            raise ConfigError(f"{where}.key: the same key belongs to {secrets[secret]!r} already.")
        secrets[secret] = name
        for limit, by_owner in limits.items():
            if limit in entry:
                size = BY_NAME["max_file_bytes"].read(entry[limit], f"{where}.{limit}")
                assert isinstance(size, int)
                by_owner[name] = size
    master = _master_key(document, environ, path)
    if master in secrets:
        raise ConfigError(f"{path}: liftgate_settings.keys: the master key is also the key of {secrets[master]!r}.")
    return AuthSettings(master, secrets), limits["max_file_bytes"], limits["max_bytes"]


def _master_key(document: dict[str, object], environ: Mapping[str, str], path: str) -> str | None:
    ours, litellms = _MASTER_KEY_VARIABLES
    if environ.get(ours):
        return environ[ours]
    where = f"{path}: general_settings.master_key"
    value = mapping(document.get("general_settings"), "general_settings").get("master_key")
    if value is not None:
        return text(resolved(value, environ, where), where)
    return environ.get(litellms) or None


def _check(settings: Settings, warnings: list[str]) -> None:
    """What no single value can get wrong: the settings beside each other."""
    server, jobs = settings.server, settings.jobs
    if server.port > 65535:
        raise ConfigError(f"--port: expected at most 65535, got {server.port}.")
    if server.public_base_url and not _is_origin(server.public_base_url):
        raise ConfigError(
            f"public_base_url: expected an address such as https://files.example.com, got {server.public_base_url!r}."
        )
    for trusted in server.trusted_proxies:
        if not _is_network(trusted):
            raise ConfigError(
                f"trusted_proxies: expected addresses or networks such as 10.0.0.0/8, or *, got {trusted!r}."
            )
    try:
        Origins(server.cors_origins)
    except ValueError as wrong:
        raise ConfigError(
            "cors_origins: expected origins such as https://app.example.com, https://*.example.com or "
            f"http://localhost:*, without a path, or null, or *; got {str(wrong)!r}."
        ) from None
    if jobs.lease_renew_seconds * 2 > jobs.lease_seconds:
        raise ConfigError(
            "lease_renew_seconds: expected at most half of lease_seconds, so that one missed renewal does no harm."
        )
    if not loopback(server.host) and not settings.auth.required:
        raise ConfigError(
            f"--host {server.host}: other machines could reach the gateway and no key is configured. "
            "Set LIFTGATE_MASTER_KEY (or general_settings.master_key), or listen on 127.0.0.1."
        )
    short = [owner for secret, owner in settings.auth.owners().items() if len(secret) < _SHORT_KEY]
    if short and not loopback(server.host):
        warnings.append(f"The key of {', '.join(sorted(short))} is short enough to be guessed.")


def _is_origin(url: str) -> bool:
    """Whether it can stand before a path: a scheme and a host, no credentials, nothing behind the path."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not {"@", "?", "#", " "} & set(url)
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text == "*"
    return True
