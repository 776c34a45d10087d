"""`model_list` → deployments and the accounts behind them; and the deployment that the environment alone makes.

A `model_name` or a model with `*` is kept as it is written: the router fills it in. Entries of other providers are left
out, before anything else of them is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from liftgate.deployments import Account, Deployment
from liftgate.errors import ConfigError
from liftgate.settings.caller import Caller
from liftgate.settings.credentials import Credentials
from liftgate.settings.defaults import read_defaults
from liftgate.settings.faults import Faults
from liftgate.settings.google import (
    check_length,
    environment_key,
    key_account,
    missing_key,
    read_base,
)
from liftgate.settings.keys import configured_key
from liftgate.settings.litellm_config import acting, judge, refuse
from liftgate.settings.options import BY_NAME
from liftgate.settings.own_prices import read_own_prices
from liftgate.settings.providers import OURS, provider_and_model
from liftgate.settings.spelling import hint
from liftgate.settings.values import REFERENCE, listing, mapping, resolved, shown, switched_off, text
from liftgate.settings.wildcards import check_stars

_WHOSE = ("model", "custom_llm_provider")
_ADDRESS = ("api_base", "base_url")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_KEPT_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "x-goog-api-key", "connection"}
)


@dataclass(frozen=True, slots=True)
class Served:
    """What `model_list` gives. `left_out`: model_name → provider, of names that no deployment has."""

    deployments: tuple[Deployment, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of `model_list` before it is known which keys share a project."""

    deployment: Deployment
    project: str | None
    place: str


def environment_deployments(environ: Mapping[str, str], caller: Caller) -> tuple[Deployment, ...]:
    """Every model by its own name (`*`), with the key from the environment; none without one."""
    found = environment_key(environ, caller)
    if found is None:
        return ()
    key, name = found
    base = read_base(None, environ, caller.variable("GEMINI_API_BASE"))
    check_length(key, base, name)
    account = key_account(key, base, name)
    return (Deployment(id="environment", model_name="*", model="*", account=account, api_key=key, where=name),)


def read_deployments(
    document: Mapping[str, object], environ: Mapping[str, str], path: str, faults: Faults, caller: Caller
) -> Served:
    """`model_list` → deployments in its order."""
    reader = _Reader(document, environ, path, faults, caller)
    with faults.noted():
        for index, item in enumerate(listing(document.get("model_list"), f"{path}: model_list")):
            with faults.noted():
                reader.read(item, index)
    return reader.served()


class _Reader:
    def __init__(
        self, document: Mapping[str, object], environ: Mapping[str, str], path: str, faults: Faults, caller: Caller
    ) -> None:
        self._environ = environ
        self._caller = caller
        self._path = path
        self._faults = faults
        self._entries: list[_Entry] = []
        self._left_out: list[tuple[str, str]] = []
        self._idle: dict[str, list[tuple[str, object]]] = {}
        self._credentials = Credentials(document, environ, path, faults)

    def read(self, item: object, index: int) -> None:
        """One entry; ConfigError for the first that is wrong in it."""
        place = f"model_list[{index}]"
        where = f"{self._path}: {place}"
        entry = mapping(item, where)
        params = mapping(entry.get("litellm_params"), f"{where}.litellm_params")
        if not params.get("model") and self._tell_slips(entry, params, where):
            return
        provider, model = provider_and_model(
            {name: self._known(params, name, where) for name in (*_WHOSE, *_ADDRESS) if name in params},
            f"{where}.litellm_params",
        )
        public = entry.get("model_name") or self._resolved(params, "model", where)
        if provider != OURS:
            # A variable of another provider's may be unset, here too.
            name = self._environ.get(public.removeprefix(REFERENCE)) if _refers(public) else None
            self._left_out.append((text(name or public, f"{where}.model_name"), provider))
            return
        name = text(resolved(public, self._environ, f"{where}.model_name"), f"{where}.model_name")
        self._judge_entry(entry, where)
        credential = self._resolved(params, "litellm_credential_name", where)
        if credential is not None:
            params = self._credentials.under(params, credential, f"{where}.litellm_params.litellm_credential_name")
        info = mapping(resolved(entry.get("model_info"), self._environ, f"{where}.model_info"), f"{where}.model_info")
        self._guard(params, info, where)
        if self._is_active(info, where):
            self._entries.append(self._entry(name, model, params, info, place))

    def _judge_entry(self, entry: dict[str, object], where: str) -> None:
        judge("model_list", [n for n in entry if n not in acting("model_list")], entry, f"{where}.", self._faults)

    def _tell_slips(self, entry: dict[str, object], params: dict[str, object], where: str) -> bool:
        """Notes the misspelt word where `model` is missing; whether there is one."""
        before = len(self._faults.faults)
        if not params:
            self._judge_entry(entry, where)
        for name in params:
            if name not in acting("litellm_params") and (meant := hint(name, ["model"])):
                self._faults.add(f"{where}.litellm_params.{name}: there is no such setting.{meant}")
        return len(self._faults.faults) > before

    def _known(self, params: dict[str, object], name: str, where: str) -> object:
        """An address of another provider's may stand in a variable that is not set."""
        value = params.get(name)
        if name in _ADDRESS and isinstance(value, str) and value.startswith(REFERENCE):
            return self._environ.get(value.removeprefix(REFERENCE))
        return self._resolved(params, name, where)

    def _resolved(self, params: dict[str, object], name: str, where: str) -> object:
        return resolved(params.get(name), self._environ, f"{where}.litellm_params.{name}")

    def _guard(self, params: dict[str, object], info: dict[str, object], where: str) -> None:
        refuse("litellm_params", params, f"{where}.litellm_params.", self._faults)
        refuse("model_info", info, f"{where}.model_info.", self._faults)
        judge("model_info", [name for name in info if name == "model_info"], info, f"{where}.model_info.", self._faults)
        for name in info:
            if name not in acting("model_info") and (meant := hint(name, acting("model_info"))):
                self._faults.add(f"{where}.model_info.{name}: there is no such setting.{meant}")
        for name, value in params.items():
            if name not in acting("litellm_params"):
                self._idle.setdefault(name, []).append((where, value))

    def _is_active(self, info: dict[str, object], where: str) -> bool:
        """Whether the entry is for this environment, by LITELLM_ENVIRONMENT."""
        wanted = info.get("supported_environments")
        if switched_off(wanted):
            return True
        here = self._environ.get("LITELLM_ENVIRONMENT")
        if not here:
            raise ConfigError(f"{where}.model_info.supported_environments: LITELLM_ENVIRONMENT is not set.")
        return here in listing(wanted, f"{where}.model_info.supported_environments")

    def _entry(self, name: str, model: str, params: dict[str, object], info: dict[str, object], place: str) -> _Entry:
        where = f"{self._path}: {place}.litellm_params"
        check_stars(name, model, f"{self._path}: {place}")
        given = [self._resolved(params, each, f"{self._path}: {place}") for each in _ADDRESS]
        base = next((text(value, f"{where}.api_base") for value in given if value), None)
        if base and self._is_anothers(params, where):
            # Google's form of OpenAI's API, which a client of OpenAI's needs; Gemini's own is beside it.
            base = base.rstrip("/").removesuffix("/openai")
        api_base = read_base(base, self._environ, f"{where}.api_base")
        api_key, key_place = self._api_key(params, where)
        check_length(api_key, api_base, key_place)
        whose = f"{place} ({name})"
        if params.get("api_key") is None:
            whose += f", in {key_place}"
        project = self._resolved(params, "project", f"{self._path}: {place}")
        number = place.partition("[")[2].rstrip("]")
        deployment = Deployment(
            id=str(info.get("id") or f"{number}:{name}"),
            model_name=name,
            model=model,
            account=key_account(api_key, api_base, whose),
            api_key=api_key,
            timeout=self._seconds(params, ("timeout", "request_timeout"), "request_timeout", where),
            stream_timeout=self._seconds(params, ("stream_timeout",), "stream_timeout", where),
            drop_params=BY_NAME["drop_params"].read(
                resolved(params.get("drop_params") or False, self._environ, where), f"{where}.drop_params"
            )
            is True,
            defaults=read_defaults(params, self._environ, where),
            headers=self._headers(params, where),
            info={n: value for n, value in info.items() if n != "id"},
            where=whose,
            prices=read_own_prices(params, info, self._environ, f"{self._path}: {place}"),
            priced_as=str(info.get("base_model") or ""),
        )
        return _Entry(deployment, text(project, f"{where}.project") if project is not None else None, place)

    def _is_anothers(self, params: dict[str, object], where: str) -> bool:
        """Whether an entry of Google's model is written as another provider's."""
        stated = self._resolved(params, "custom_llm_provider", where)
        head, slash, _ = text(self._resolved(params, "model", where), where).partition("/")
        return stated not in (None, OURS) if stated is not None else bool(slash) and head != OURS

    def _api_key(self, params: dict[str, object], where: str) -> tuple[str, str]:
        """The key, and where it was given."""
        if params.get("api_key") is not None:
            return configured_key(params["api_key"], f"{where}.api_key", self._environ), f"{where}.api_key"
        found = environment_key(self._environ, self._caller)
        if found is None:
            raise ConfigError(f"{where}.api_key: missing, and {missing_key(self._environ)}.")
        return found

    def _seconds(self, params: dict[str, object], names: tuple[str, ...], option: str, where: str) -> float | None:
        for name in names:
            if params.get(name) is not None:
                value = resolved(params[name], self._environ, f"{where}.{name}")
                seconds = BY_NAME[option].read(value, f"{where}.{name}")
                return seconds if isinstance(seconds, float) else None
        return None

    def _headers(self, params: dict[str, object], where: str) -> tuple[tuple[str, str], ...]:
        found = []
        given = mapping(resolved(params.get("extra_headers"), self._environ, where), f"{where}.extra_headers")
        for name, value in given.items():
            text_of = str(value)
            if not _HEADER.fullmatch(name) or not text_of.isascii() or not text_of.isprintable():
                raise ConfigError(f"{where}.extra_headers: {shown(name)} is no header, or its value is none.")
            if name.lower() in _KEPT_HEADERS:
                raise ConfigError(f"{where}.extra_headers: {name} is the gateway's own.")
            found.append((name, text_of))
        return tuple(found)

    def served(self) -> Served:
        """What the entries come to, and the warnings: one for each thing, not for each entry."""
        if self._left_out:
            self._faults.warn(_left_out_warning(self._path, self._left_out), changes_answers=True)
        for name, uses in self._idle.items():
            first, value = next(((w, v) for w, v in uses if not switched_off(v)), uses[0])
            more = f" (and in {len(uses) - 1} more entries)" if len(uses) > 1 else ""
            self._tell_idle(name, value, first, more)
        deployments: tuple[Deployment, ...] = ()
        with self._faults.noted():
            deployments = _with_accounts(self._entries, self._path)
        names = {deployment.model_name for deployment in deployments}
        left_out = {name: provider for name, provider in self._left_out if name not in names}
        return Served(deployments, left_out)

    def _tell_idle(self, name: str, value: object, where: str, more: str) -> None:
        once = Faults()
        judge("litellm_params", [name], {name: value}, f"{where}.litellm_params.", once)
        for fault in once.faults:
            self._faults.add(fault)
        changes = once.changes_answers
        for warning in once.warnings:
            self._faults.warn(warning.removesuffix(".") + more + ".", changes_answers=changes)


def _refers(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(REFERENCE)


def _left_out_warning(path: str, left_out: list[tuple[str, str]]) -> str:
    counts = Counter(provider for _, provider in left_out)
    providers = ", ".join(f"{provider} {count}" for provider, count in counts.most_common())
    entries = (
        "1 entry of another provider is" if len(left_out) == 1 else f"{len(left_out)} entries of other providers are"
    )
    return f"{path}: model_list: {entries} left out ({providers}): Liftgate serves Google AI Studio only."


def _with_accounts(entries: list[_Entry], path: str) -> tuple[Deployment, ...]:
    """Entries of one `project` share an Account that holds all their keys; entries of one key share one too."""
    counts = Counter(entry.deployment.id for entry in entries)
    for entry in entries:
        if counts[entry.deployment.id] > 1:
            raise ConfigError(f"{path}: {entry.place}.model_info.id: {shown(entry.deployment.id)} is used twice.")
    accounts: dict[str, Account] = {}
    for entry in entries:
        if entry.project is None:
            continue
        own = entry.deployment.account
        shared = accounts.setdefault(entry.project, replace(own, name=f"project:{entry.project}", api_keys=()))
        if (shared.api_base, shared.versioned) != (own.api_base, own.versioned):
            raise ConfigError(
                f"{path}: {entry.place}.litellm_params.project: {entry.project!r} has two different api_base."
            )
        accounts[entry.project] = replace(shared, api_keys=tuple(dict.fromkeys((*shared.api_keys, *own.api_keys))))
    # One key with and without a project would be two accounts of the same files: the project wins for both.
    by_key = {(key, account.api_base): account for account in accounts.values() for key in account.api_keys}
    for entry in entries:
        by_key.setdefault((entry.deployment.api_key, entry.deployment.account.api_base), entry.deployment.account)
    return tuple(
        replace(entry.deployment, account=by_key[entry.deployment.api_key, entry.deployment.account.api_base])
        for entry in entries
    )
