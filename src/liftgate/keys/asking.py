"""Whom a request is from, and which model it means by a name."""

from __future__ import annotations

from contextvars import ContextVar

from liftgate.keys.key import Key
from liftgate.keys.limits import FindGroup, names_of

current_key: ContextVar[Key | None] = ContextVar("current_key", default=None)
"""The key of the request that is served, where it is one of those that were made at run time."""
asking_key = current_key.get
"""For what every call passes: to look `get` up costs as much as it does."""


def asked_model(name: str, deployments: FindGroup) -> str:
    """The public name that the request's key means by `name`. Raises PermissionDenied for one that it may not ask."""
    key = asking_key()
    if key is None or key.asks_all:
        return name
    name = meant_model(name)
    if not key.may_ask(name):
        key.check_model(name, names_of(name, deployments))
    return name


def meant_model(name: str) -> str:
    """What the request's key calls so."""
    key = asking_key()
    return name if key is None else key.terms.aliases.get(name, name)


def sees_model(name: str, deployments: FindGroup) -> bool:
    """Whether the request's key may ask this public name: then lists of models show it, and it can be looked up."""
    key = asking_key()
    return key is None or key.may_ask(name) or any(map(key.may_ask, names_of(name, deployments)))
