"""A key as requests meet it: whether it is good now, which routes and models it opens. Pure, and quick."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from liftgate.errors import AuthenticationFailed, PermissionDenied, shortened
from liftgate.keys.limits import Bounds, matcher
from liftgate.keys.terms import KeyType, Terms, read_terms
from liftgate.records import KeyRecord, Owner
from liftgate.settings.sections import LOCAL, MASTER

LLM_API, MANAGEMENT, INFO = "llm_api", "management", "info"
"""What routes are for: asking models, with the files for it; making keys; looking at what there is."""

TYPES: dict[KeyType, frozenset[str]] = {
    "default": frozenset({LLM_API}),
    "llm_api": frozenset({LLM_API}),
    "management": frozenset({MANAGEMENT}),
    "read_only": frozenset({INFO}),
}
GROUPS: dict[str, tuple[str, str]] = {
    "llm_api_routes": (LLM_API, ""),
    "openai_routes": (LLM_API, "openai"),
    "google_routes": (LLM_API, "gemini"),
    "anthropic_routes": (LLM_API, "anthropic"),
    "management_routes": (MANAGEMENT, ""),
    "info_routes": (INFO, ""),
}
"""LiteLLM's names of groups in `allowed_routes` → what the routes are for, and the only API that is meant, or all."""
ALL_MODELS = frozenset({"all-proxy-models", "all-team-models", "*"})
NO_MODELS = "no-default-models"
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes. `template`: the route's path; `purposes`: what the route is for."""

    dialect: str
    path: str
    template: str
    purposes: Collection[str]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a request is from. `name`: of the key that was given, its alias or its owner's name; "" where the gateway
    needs none. `key_id`: what stays of it through all changes. `key`: None for a key of the config, which may all that
    its owner may. `manages`: whether it makes and changes keys. `owners`: those whose limits hold for it, if there
    are any."""

    owner: Owner
    name: str
    key_id: str
    manages: bool = False
    key: Key | None = None
    owners: tuple[str, ...] = ()

    @property
    def sees_all_owners(self) -> bool:
        """Whether it sees what is counted and spent of all owners: without keys there is one."""
        return self.owner in (MASTER, LOCAL) or self.sees_all_keys

    @property
    def sees_all_keys(self) -> bool:
        return self.manages or (self.key is not None and self.key.terms.key_type == "read_only")

    def check_sees_keys(self) -> None:
        """Raises PermissionDenied unless it sees the keys of all owners."""
        if not self.sees_all_keys:
            raise PermissionDenied(
                "All keys are seen with the master key, and with keys of the types management and read_only.",
                code="not_allowed",
            )

    def check_manages(self) -> None:
        """Raises PermissionDenied unless it is the master key, or a key of the type management."""
        if not self.manages:
            raise PermissionDenied(
                "Keys are made and changed with the master key, or with a key of the type management.",
                code="not_allowed",
            )


ANONYMOUS = Caller("", "", "")


def in_config(owner: Owner) -> Caller:
    """Of a key of the config."""
    return Caller(owner, owner, owner, manages=owner == MASTER, owners=() if owner == MASTER else (owner,))


class Key:
    """Made of its row once; shared by all requests that carry it. `own`: its bounds, if it has limits. `lasting`: the
    digest under which it is good until it changes; empty where there is none. `asks_all`: it may ask every model, each
    by its public name."""

    __slots__ = (
        "_models",
        "_opened",
        "_routes",
        "asks_all",
        "bounds",
        "caller",
        "hint",
        "id",
        "lasting",
        "name",
        "own",
        "record",
        "terms",
    )

    def __init__(self, record: KeyRecord) -> None:
        self.record = record
        self.terms: Terms = read_terms(record.terms)
        self.id = record.id
        self.name = record.alias or record.id
        self.hint = record.hint
        owners = tuple(dict.fromkeys(filter(None, (self.terms.user_id, self.terms.team_id))))
        self.caller = Caller(record.owner, self.name, self.id, self.terms.key_type == "management", self, owners)
        self.bounds = Bounds(self.id, self.name, record.created_at, self.terms)
        self.own = (self.bounds,) if self.bounds.limits else ()
        models = self.terms.models
        self._models = None if not models or not ALL_MODELS.isdisjoint(models) else matcher(models)
        paths = [route for route in self.terms.allowed_routes if route.startswith("/")]
        self._routes = matcher(paths) if paths else None
        self._opened = frozenset[str]() if self.terms.allowed_routes else TYPES[self.terms.key_type]
        self.asks_all = self._models is None and not self.terms.aliases
        self.lasting = "" if record.blocked or record.expires_at is not None else record.token

    def check_good(self, token: str, now: float) -> None:
        """`token`: the digest of what was presented. `now`: the database's time. Raises AuthenticationFailed."""
        record = self.record
        if record.blocked:
            raise AuthenticationFailed(
                f"The key {self.hint} is blocked. Ask whoever runs this gateway.", code="key_blocked"
            )
        if record.expires_at is not None and record.expires_at <= now:
            raise AuthenticationFailed(
                f"The key {self.hint} has expired. Ask whoever runs this gateway for a new one.", code="expired_key"
            )
        if token != record.token and not (token == record.old_token and (record.old_until or 0.0) > now):
            raise AuthenticationFailed(
                f"This key was replaced by {self.hint}, and its time of grace is over.", code="expired_key"
            )

    def opens(self, purposes: Sequence[str]) -> bool:
        """Whether it opens all routes of these purposes."""
        return not self._opened.isdisjoint(purposes)

    def check_route(self, place: Place) -> None:
        """Raises PermissionDenied for a route that it does not open."""
        allowed = self.terms.allowed_routes
        if TYPES[self.terms.key_type].isdisjoint(place.purposes):
            raise _refused(place, f"it is of the type {self.terms.key_type}")
        if allowed and not self._is_allowed(place, allowed):
            raise _refused(place, f"its routes are {_listed(allowed)}")

    def _is_allowed(self, place: Place, allowed: Sequence[str]) -> bool:
        for name in allowed:
            if name in GROUPS:
                purpose, dialect = GROUPS[name]
                if purpose in place.purposes and dialect in ("", place.dialect):
                    return True
        matches = self._routes
        return matches is not None and any(matches(path) for path in _spellings(place))

    def may_ask(self, model: str) -> bool:
        """Whether its models have this public name."""
        return self._models is None or self._models(model)

    def check_model(self, model: str, names: Sequence[str]) -> None:
        """`names`: all that the model is called by. Raises PermissionDenied."""
        if not any(self.may_ask(name) for name in names):
            raise PermissionDenied(
                f"This key may not ask the model `{shortened(model)}`. {self._models_listed()}",
                param="model",
                code="key_model_access_denied",
            )

    def _models_listed(self) -> str:
        models = [name for name in self.terms.models if name != NO_MODELS]
        return f"It may ask: {_listed(models)}." if models else "It may ask none."


def _refused(place: Place, why: str) -> PermissionDenied:
    return PermissionDenied(
        f"This key may not call {shortened(place.path)}: {why}. Ask whoever runs this gateway.",
        code="route_not_allowed",
    )


def _listed(names: Sequence[str]) -> str:
    listed = [f"`{shortened(name)}`" for name in names[:SHOWN]]
    return ", ".join(listed) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _spellings(place: Place) -> Sequence[str]:
    """A path, and its route's, with and without the version that OpenAI's paths may be written with."""
    template = place.template.replace(":path}", "}")
    found = [place.path, template]
    if place.dialect != "gemini":
        found += [path.removeprefix("/v1") if path.startswith("/v1/") else "/v1" + path for path in found]
    return found
