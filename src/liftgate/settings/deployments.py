"""`model_list` → deployments and the accounts behind them; and the deployment that the environment alone makes.

A `model_name` or a model with `*` is kept as it is written: the router fills it in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from liftgate.errors import ConfigError
from liftgate.records import Account, Deployment
from liftgate.settings.litellm_config import refuse
from liftgate.settings.options import BY_NAME
from liftgate.settings.values import listing, mapping, resolved, text

GOOGLE = "https://generativelanguage.googleapis.com"
KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

_OURS = re.compile(r"(gemini|gemma|learnlm|imagen|veo|lyria|text-embedding|embedding|aqa|\*)", re.IGNORECASE)
_PARAMS = frozenset(
    {
        "model",
        "api_key",
        "api_base",
        "base_url",
        "timeout",
        "request_timeout",
        "drop_params",
        "project",
        "custom_llm_provider",
        "litellm_credential_name",
    }
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of `model_list` before it is known which keys share a project."""

    deployment: Deployment
    project: str | None
    where: str


def environment_key(environ: Mapping[str, str]) -> str | None:
    """Google's key from the environment: GEMINI_API_KEY, then GOOGLE_API_KEY."""
    return next((value for name in KEY_VARIABLES if (value := environ.get(name, "").strip())), None)


def key_warnings(environ: Mapping[str, str]) -> list[str]:
    """Two keys in the environment that differ: which one is used."""
    first, second = (environ.get(name, "").strip() for name in KEY_VARIABLES)
    if first and second and first != second:
        return ["GEMINI_API_KEY and GOOGLE_API_KEY are both set and differ: GEMINI_API_KEY is used."]
    return []


def api_root(base: str | None, environ: Mapping[str, str], where: str = "GEMINI_API_BASE") -> str:
    """The root under which files and chat hang, without a version: `base`, else GEMINI_API_BASE, else Google's."""
    root = (base or environ.get("GEMINI_API_BASE") or GOOGLE).strip().rstrip("/")
    # LiteLLM's chat wants the version in the base and its file calls want the root: both forms are met in configs.
    root = re.sub(r"/v1(beta|alpha)?\Z", "", root).rstrip("/")
    parts = urlsplit(root)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"{where}: expected an address such as {GOOGLE}, got {base or root!r}.")
    return root


def key_account(api_key: str, root: str) -> Account:
    """The account of a key that stands alone; its name holds no secret and is stable over restarts."""
    digest = hashlib.sha256(f"{api_key} {root}".encode()).hexdigest()
    return Account(f"key:{digest[:12]}", (api_key,), root)


def environment_deployments(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """Every model by its own name (`*`), with the key from the environment; none without one."""
    key = environment_key(environ)
    if key is None:
        return ()
    account = key_account(key, api_root(None, environ))
    return (Deployment(id="environment", model_name="*", model="*", account=account, api_key=key),)


def read_deployments(
    document: dict[str, object], environ: Mapping[str, str], path: str
) -> tuple[tuple[Deployment, ...], list[str]]:
    """`model_list` → deployments in its order, and the warnings about parameters that do not act."""
    warnings: list[str] = []
    credentials = _credentials(document, path)
    entries = []
    for index, item in enumerate(listing(document.get("model_list"), f"{path}: model_list")):
        where = f"{path}: model_list[{index}]"
        entries.append(_entry(mapping(item, where), credentials, environ, where, warnings))
    ids = [entry.deployment.id for entry in entries]
    for entry in entries:
        if ids.count(entry.deployment.id) > 1:
            raise ConfigError(f"{entry.where}.model_info.id: {entry.deployment.id!r} is used twice.")
    return _with_projects(entries), warnings


def _credentials(document: dict[str, object], path: str) -> dict[str, dict[str, object]]:
    found = {}
    for index, item in enumerate(listing(document.get("credential_list"), f"{path}: credential_list")):
        where = f"{path}: credential_list[{index}]"
        entry = mapping(item, where)
        name = text(entry.get("credential_name"), f"{where}.credential_name")
        found[name] = mapping(entry.get("credential_values"), f"{where}.credential_values")
    return found


def _entry(
    item: dict[str, object],
    credentials: dict[str, dict[str, object]],
    environ: Mapping[str, str],
    where: str,
    warnings: list[str],
) -> _Entry:
    name = text(item.get("model_name"), f"{where}.model_name")
    params = mapping(item.get("litellm_params"), f"{where}.litellm_params")
    info = mapping(item.get("model_info"), f"{where}.model_info")
    refuse("litellm_params", params, f"{where}.litellm_params.")
    refuse("model_info", info, f"{where}.model_info.")
    credential = params.get("litellm_credential_name")
    if credential is not None:
        if credential not in credentials:
            raise ConfigError(
                f"{where}.litellm_params.litellm_credential_name: no credential {credential!r} in credential_list."
            )
        params = {**credentials[str(credential)], **params}
    warnings += [f"{where}.litellm_params.{key} does nothing here." for key in params if key not in _PARAMS]
    settled = mapping(
        resolved({key: value for key, value in params.items() if key in _PARAMS}, environ, f"{where}.litellm_params"),
        where,
    )
    model = _model(settled, f"{where}.litellm_params")
    key = settled.get("api_key")
    api_key = text(key, f"{where}.litellm_params.api_key") if key is not None else environment_key(environ)
    if api_key is None:
        raise ConfigError(f"{where}.litellm_params.api_key: missing, and neither {' nor '.join(KEY_VARIABLES)} is set.")
    base = settled.get("api_base") or settled.get("base_url")
    root = api_root(str(base) if base else None, environ, f"{where}.litellm_params.api_base")
    account = key_account(api_key, root)
    seconds = settled.get("timeout", settled.get("request_timeout"))
    timeout = (
        BY_NAME["request_timeout"].read(seconds, f"{where}.litellm_params.timeout") if seconds is not None else None
    )
    drop = BY_NAME["drop_params"].read(settled.get("drop_params") or False, f"{where}.litellm_params.drop_params")
    number = where.rsplit("[", 1)[1].rstrip("]")
    deployment = Deployment(
        id=str(info.get("id") or f"{number}:{name}"),
        model_name=name,
        model=model,
        account=account,
        api_key=api_key,
        timeout=timeout if isinstance(timeout, float) else None,
        drop_params=bool(drop),
    )
    project = settled.get("project")
    return _Entry(deployment, text(project, f"{where}.litellm_params.project") if project is not None else None, where)


def _model(params: dict[str, object], where: str) -> str:
    """`gemini/NAME`, or a bare name of Google's; ConfigError for another provider's."""
    model = text(params.get("model"), f"{where}.model")
    provider = str(params.get("custom_llm_provider") or "gemini")
    head, slash, rest = model.partition("/")
    if slash and head == "gemini":
        name = rest
    elif slash and head != "models":
        provider, name = head, rest
    else:
        name = model
        if not slash and not _OURS.match(model) and not params.get("custom_llm_provider"):
            provider = "another provider"
    if provider != "gemini":
        raise ConfigError(
            f"{where}.model: {model!r} is not of Google AI Studio, and no other provider is served; "
            "expected 'gemini/NAME'."
        )
    name = name.removeprefix("models/")
    if not name or "/" in name.replace("tunedModels/", ""):
        raise ConfigError(f"{where}.model: {model!r} names no model; expected 'gemini/NAME'.")
    return name


def _with_projects(entries: list[_Entry]) -> tuple[Deployment, ...]:
    """Entries of one `project` share an Account that holds all their keys."""
    accounts: dict[str, Account] = {}
    for entry in entries:
        if entry.project is None:
            continue
        own = entry.deployment.account
        shared = accounts.setdefault(entry.project, Account(f"project:{entry.project}", (), own.api_base))
        if shared.api_base != own.api_base:
            raise ConfigError(f"{entry.where}.litellm_params.project: {entry.project!r} has two different api_base.")
        accounts[entry.project] = replace(shared, api_keys=tuple(dict.fromkeys((*shared.api_keys, *own.api_keys))))
    # One key with and without a project would be two accounts of the same files: the project wins for both.
    by_key = {(key, account.api_base): account for account in accounts.values() for key in account.api_keys}
    return tuple(
        replace(
            entry.deployment,
            account=by_key.get((entry.deployment.api_key, entry.deployment.account.api_base), entry.deployment.account),
        )
        for entry in entries
    )
