"""LiteLLM's sections of a config, by the tables: what acts, what is refused, what gets a warning.

A name that no one has, and is a slip of one that acts, ends the start: a misspelt guard, key or limit must not be
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from liftgate.errors import ConfigError
from liftgate.settings.faults import Faults
from liftgate.settings.litellm_names import KNOWN
from liftgate.settings.litellm_tables import (
    ACTS,
    ALSO_ACTS,
    AS_DONE_HERE,
    CHANGES_ANSWERS,
    DEFAULTS,
    EXPLAINED,
    INFO,
    INSTEAD,
    MONEY,
    PARAMS,
    REFUSED,
    SILENT,
)
from liftgate.settings.options import BY_NAME
from liftgate.settings.own_prices import PLACES
from liftgate.settings.sections import MIB
from liftgate.settings.spelling import nearest
from liftgate.settings.values import REFERENCE, mapping, switched_off

_OURS = "liftgate_settings"
_NEVER_PASSED_OVER = {"master_key": "general_settings", "litellm_params": "model_list", "keys": _OURS}
"""Names that hold the gateway's keys and models, wherever they stand → where they act."""
_WITH_KEYS = ("general_settings", _OURS)
_MEANT_AS_KEY = frozenset(
    """
    access_key access_token admin_key api_key apikey auth auth_key auth_token bearer_token key master password
    proxy_api_key proxy_key proxy_master_key secret secret_key token
    """.split()  # noqa: SIM905 - a list of words
)
"""Names in general_settings by which somebody who has no master_key means one, LiteLLM's own among them; of names that
no one has, those with one of `_KEY_WORDS` are too."""
_KEY_WORDS = frozenset({"auth", "bearer", "key", "keys", "master", "masterkey", "password", "secret", "token"})
_WORDS = re.compile(r"[^a-z]+")
_NO_KEY = ": there is no such setting. The key is given in general_settings.master_key."
_SPEND = re.compile(r"(?i)budget|max_spend|spend_limit")
_NO_LIMIT = re.compile(r"(?i)duration|reset|alert|soft|rescheduler|metrics|limiter_|_ui_session_|thinking|tokens?\Z")
_BUDGETS = frozenset({"max_budget", "provider_budget_config"})
"""Those that act somewhere."""
_ACTS_SWITCHED_OFF = frozenset({"ssl_verify"})
_GUARD_CALLBACKS = frozenset(
    {
        *("aim", "aporia", "azure_content_safety", "banned_keywords", "bedrock_guardrails"),
        *("blocked_user_check", "detect_prompt_injection", "google_text_moderation", "hide_secrets"),
        *("lakera_prompt_injection", "llamaguard_moderations", "llmguard_moderations"),
        *("max_budget_limiter", "openai_moderations", "presidio"),
    }
)


def acting(section: str) -> frozenset[str]:
    """Names of a section that act, or that are refused: those a slip of the pen must not switch off."""
    return _ACTING.get(section, frozenset())


def _acting_names() -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {section: set(entries) for section, entries in REFUSED.items()}
    for section, entries in ACTS.items():
        names.setdefault(section, set()).update(entries)
    for place in ALSO_ACTS:
        section, _, name = place.rpartition(".")
        names[section].add(name)
    names[""] |= ACTS.keys()
    names["litellm_params"] |= PARAMS.keys() | DEFAULTS | PLACES.keys()
    names["model_info"] |= INFO | PLACES.keys()
    names["model_list"] = {"model_name", "litellm_params", "model_info"}
    names["credential_list"] = {"credential_name", "credential_values", "credential_info"}
    return {section: frozenset(entries) for section, entries in names.items()}


_ACTING = _acting_names()
_HOMES = {
    "general_settings": "general_settings",
    "": "no section: at the top of the file",
    "router_settings": "router_settings",
    "litellm_settings": "litellm_settings",
    "litellm_params": "litellm_params of an entry of model_list",
    "model_info": "model_info of an entry of model_list",
}
_OF_ENTRIES = "model_info"
_WORDS_OF_ANYTHING = frozenset({"id", "mode"})
"""Names of `model_info` that others have too."""


def refuse(section: str, values: Mapping[str, object], where: str, faults: Faults) -> None:
    """Notes what would be unsafe to overlook and is switched on. `where`: what stands before a name."""
    for name, value in values.items():
        if name in _BUDGETS and name in acting(section) and name not in REFUSED.get(section, ()):
            continue
        why = REFUSED.get(section, {}).get(name)
        if why and not switched_off(value):
            faults.add(_unsafe(f"{where}{name}", why))
            continue
        for place in _spend_limits(name, value):
            faults.add(_unsafe(f"{where}{place}", MONEY))


def _spend_limits(name: str, value: object) -> Iterator[str]:
    """Where a budget stands, at any depth."""
    if _SPEND.search(name) and not _NO_LIMIT.search(name) and not switched_off(value) and value is not True:
        yield name
    elif isinstance(value, Mapping):
        for inner, item in value.items():
            yield from (f"{name}.{place}" for place in _spend_limits(str(inner), item))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                yield from _spend_limits(name, item)


def _unsafe(where: str, why: str) -> str:
    instead = INSTEAD.get(where.rpartition(".")[2], "Remove it from the config if you can do without.")
    return f"{where}: Liftgate does not have this, and it {why}, so the gateway does not start without it. {instead}"


def judge(section: str, names: Iterable[str], values: Mapping[str, object], where: str, faults: Faults) -> None:
    """The warnings about `names` of a section that neither act nor are refused. `where`: what stands before them."""
    for name in names:
        value = values[name]
        place = where + name
        if name == _OF_ENTRIES:
            _judge_misplaced_info(value, place, faults)
            continue
        if name in SILENT.get(section, ()) or (name in KNOWN.get(section, ()) and _asks_for_nothing(name, value)):
            continue
        keyless = section == "general_settings" and values.get("master_key") is None
        if keyless and name in _MEANT_AS_KEY:
            faults.add(f"{place}{_NO_KEY}")
        elif name in KNOWN.get(section, ()):
            effect = EXPLAINED.get(f"{section}.{name}", "does nothing here.")
            faults.warn(f"{place} {effect}", changes_answers=name in CHANGES_ANSWERS)
        elif home := _home(name, section):
            sentence = f"{place}: belongs under {home}."
            # A section that slipped under another one holds the keys, or what binds the callers.
            section_of_all = home == _HOMES[""] and isinstance(value, Mapping | list)
            guards = name == "master_key" or section_of_all or any(name in each for each in REFUSED.values())
            if section in ("", "model_list") or home == _OURS or guards:
                faults.add(sentence)
            else:
                faults.warn(f"{sentence} It does nothing here.", changes_answers=True)
        elif near := nearest(name, sorted(acting(section))) or _slip_of_ours(name, section):
            faults.add(f"{place}: there is no such setting. Did you mean {near!r}?")
        elif inner := _never_passed_over(value):
            faults.add(f"{place}: there is no such setting, and {inner[0]} in it belongs under {inner[1]}.")
        elif keyless and isinstance(value, str) and not _KEY_WORDS.isdisjoint(_WORDS.split(name.casefold())):
            faults.add(f"{place}{_NO_KEY}")
        else:
            faults.warn(f"{place} is no setting that Liftgate knows, and is ignored.")


def _judge_misplaced_info(value: object, place: str, faults: Faults) -> None:
    """A `model_info` that stands elsewhere than beside `litellm_params`: nothing in it acts, what limits who gets the
    model neither."""
    guards = set(REFUSED[_OF_ENTRIES]) | {"supported_environments"}
    sentence = f"{place}: belongs beside litellm_params, in an entry of model_list."
    if isinstance(value, Mapping) and any(name in value and not switched_off(value[name]) for name in guards):
        faults.add(sentence)
    elif value is not None:
        faults.warn(f"{sentence} It does nothing here.", changes_answers=bool(value))


def judge_variables(document: Mapping[str, object], path: str, faults: Faults, *, keyless: bool) -> None:
    """`environment_variables` by the names of settings: a variable of such a name is read by nobody, unless an
    `os.environ/NAME` asks for it. `keyless`: the gateway has no key at all."""
    given = document.get("environment_variables")
    if not isinstance(given, Mapping):
        return
    asked = frozenset(_asked_for(document))
    where = f"{path}: environment_variables."
    settings: list[str] = []
    for name, value in given.items():
        if name in asked or value is None:
            continue
        if name == name.casefold() and _home(name, "environment_variables"):
            settings.append(name)
        elif keyless and (name.casefold() == "master_key" or name in _MEANT_AS_KEY):
            faults.add(f"{where}{name}{_NO_KEY}")
    judge("environment_variables", settings, given, where, faults)


def _asked_for(value: object) -> Iterator[str]:
    """Names of variables to which a text refers, at any depth."""
    if isinstance(value, str) and value.startswith(REFERENCE):
        yield value.removeprefix(REFERENCE)
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _asked_for(inner)


def _asks_for_nothing(name: str, value: object) -> bool:
    if name in _ACTS_SWITCHED_OFF:
        return value is not False
    return switched_off(value) or (name in AS_DONE_HERE and AS_DONE_HERE[name] == value)


def _home(name: str, section: str) -> str | None:
    """The section in which `name` acts, where it is another one."""
    for home, called in _HOMES.items():
        if home != section and name in acting(home) and not (home == _OF_ENTRIES and name in _WORDS_OF_ANYTHING):
            return called
    return _OURS if name in BY_NAME or name == "keys" else None


def _never_passed_over(value: object) -> tuple[str, str] | None:
    """Keys or models in a block that nothing reads, or a section with them at any depth, and where they belong."""
    for block in value if isinstance(value, list) else [value]:
        if isinstance(block, Mapping):
            for name, home in _NEVER_PASSED_OVER.items():
                if isinstance(block.get(name), list if name == "keys" else str | Mapping):
                    return name, home
            for name, inner in block.items():
                if name in _WITH_KEYS and isinstance(inner, Mapping):
                    return name, _HOMES[""]
                found = _never_passed_over(inner) if isinstance(inner, Mapping | list) else None
                if found and found[0] in _WITH_KEYS:
                    return found
    return None


def _slip_of_ours(name: str, section: str) -> str | None:
    if section == "litellm_params" and name in _MEANT_AS_KEY:
        return "api_key"
    if section == "" and (near := nearest(name, [*BY_NAME, "keys"])):
        return f"{_OURS}.{near}"
    if near := nearest(name, ["master_key", "keys"]):
        return {"master_key": "general_settings.master_key"}.get(near, f"{_OURS}.{near}")
    return None


def read_sections(document: Mapping[str, object], path: str, faults: Faults) -> dict[str, tuple[object, str]]:
    """LiteLLM's sections → our option's name → (value, where it stands)."""
    found: dict[str, tuple[object, str]] = {}
    top = acting("")
    others = {name: value for name, value in document.items() if name in REFUSED[""] or name not in top}
    refuse("", others, f"{path}: ", faults)
    judge("", [n for n in document if n not in top and not n.startswith("x-")], document, f"{path}: ", faults)
    for section, acts in ACTS.items():
        values: dict[str, object] = {}
        with faults.noted():
            values = mapping(document.get(section), f"{path}: {section}")
        where = f"{path}: {section}."
        refuse(section, values, where, faults)
        if section == "litellm_settings":
            with faults.noted():
                _refuse_guards(values, where)
        for name in acts:
            if values.get(name) is not None:
                found.setdefault(acts[name], (_in_our_unit(name, values[name]), where + name))
                value, place = found[acts[name]]
                if name in ("max_budget", "budget_duration") and value != values[name]:
                    faults.add(f"{where}{name}: {place} says another one. Write it once.")
        known = acting(section)
        limits = {place.partition(".")[0] for name, value in values.items() for place in _spend_limits(name, value)}
        judge(section, [name for name in values if name not in known | limits], values, where, faults)
    return found


def _in_our_unit(name: str, value: object) -> object:
    if name.endswith("_mb") and isinstance(value, int | float):
        return int(value * MIB)
    return value


def _refuse_guards(values: dict[str, object], where: str) -> None:
    """Callbacks that only record are left out with a warning; those that can refuse a request are not."""
    callbacks = values.get("callbacks")
    for name in callbacks if isinstance(callbacks, list) else [callbacks]:
        if isinstance(name, str) and (name in _GUARD_CALLBACKS or "." in name):
            raise ConfigError(
                f"{where}callbacks: {name} can refuse requests, and Liftgate does not run callbacks, "
                "so the gateway does not start without it. Remove it from the config if you can do without."
            )
