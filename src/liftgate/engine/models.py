"""What this gateway serves: the public model names of its deployments, and behind a wildcard all that Google lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from liftgate.ask.model_info import facts_of
from liftgate.clock import Clock
from liftgate.days import day_of
from liftgate.deployments import Deployment
from liftgate.engine.google_models import ByName, GoogleModels
from liftgate.engine.pass_through import METHODS
from liftgate.errors import LiftgateError, ModelNotFound, NotFound
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.keys.asking import meant_model, sees_model
from liftgate.rates import model_entry
from liftgate.router.attempts import Router
from liftgate.settings.wildcards import STAR, star_of


@dataclass(frozen=True, slots=True)
class ServedModel:
    """`name`: the public one. `upstream`: the model at Google. `google`: its Model object there, where it is known."""

    name: str
    upstream: str
    google: JsonMapping | None = None


class Models:
    """A name with a wildcard is no name of a model: it stands for the models of Google's that it matches."""

    def __init__(self, router: Router, google: GoogleModels, clock: Clock) -> None:
        self._router = router
        self._google = google
        self._clock = clock

    async def list(self) -> list[ServedModel]:
        """Those with a name first, in the order of the config, then Google's, each name once. An account that cannot be
        asked, now or before, has no say. Raises what Google's answer was where nothing else is left to list."""
        names = self._router.model_names()
        found = {name: self._named(name) for name in names if STAR not in name}
        failure: LiftgateError | None = None
        for pattern in names:
            if STAR not in pattern:
                continue
            for deployment in self._router.deployments(pattern):
                try:
                    listed = await self._google.list_models(deployment.account)
                except LiftgateError as error:
                    failure = failure or error
                    continue
                for model in self._behind(deployment, listed):
                    found.setdefault(model.name, model)
        if failure is not None and not found:
            raise failure.again()
        return [model for name, model in found.items() if self._sees(name)]

    def _named(self, name: str) -> ServedModel:
        deployment = self._router.deployments(name)[0]
        return ServedModel(name, deployment.model, self._google.known(deployment.account).get(deployment.model))

    def _behind(self, wildcard: Deployment, listed: ByName) -> Iterator[ServedModel]:
        """Google's models that this wildcard serves under a name of their own, and that can be asked something here."""
        for upstream, model in listed.items():
            methods = model.get("supportedGenerationMethods")
            if not isinstance(methods, list) or METHODS.isdisjoint(map(str, methods)):
                continue
            part = upstream if wildcard.model == STAR else star_of(wildcard.model, upstream)
            name = wildcard.model_name.replace(STAR, part) if part else ""
            # Another pattern may be closer, and then it is that one's.
            if name and any(each.id == wildcard.id and each.model == upstream for each in self._serving(name)):
                yield ServedModel(name, upstream, model)

    def _serving(self, name: str) -> Sequence[Deployment]:
        try:
            return self._router.deployments(name)
        except ModelNotFound:
            return ()

    async def retrieve(self, name: str) -> ServedModel:
        """Raises ModelNotFound; behind a wildcard, where Google is asked, what its answer was otherwise."""
        meant = meant_model(name)
        deployment = self.deployment(meant)
        if STAR in meant:
            raise ModelNotFound(name)
        if self.is_named(meant):
            return replace(self._named(meant), name=name)
        try:
            return ServedModel(name, deployment.model, await self._google.one(deployment.account, deployment.model))
        except NotFound:
            raise ModelNotFound(name) from None

    def deployment(self, name: str) -> Deployment:
        """The first that serves this name. Raises ModelNotFound."""
        if not self._sees(name):
            raise ModelNotFound(name)
        try:
            return self._router.deployments(name)[0]
        except ModelNotFound as error:
            error.served = tuple(filter(self._sees, self._router.model_names()))
            raise

    def _sees(self, name: str) -> bool:
        return sees_model(name, self._router.deployments)

    def is_named(self, name: str) -> bool:
        """Whether the config has it word for word."""
        return name in self._router.model_names()

    def deployments(self) -> Sequence[Deployment]:
        """Those that the request's key may ask, as they are configured."""
        return [each for each in self._router.all_deployments() if self._sees(each.model_name)]

    def facts(self, deployment: Deployment) -> JsonObject:
        """What the package's table knows of its model, and before that what the config says of it; LiteLLM's names."""
        model = deployment.priced_as or deployment.model
        entry = model_entry(model)
        day = day_of(self._clock.now())
        known = {} if entry is None else facts_of(model, entry, day, deployment.prices)
        return {**known, **deployment.info}

    def failures(self, deployment: Deployment) -> int:
        """How often it failed in a row, where it is left alone for that at the moment; else 0."""
        return self._router.failures(deployment)

    def check(self, name: str) -> None:
        """Raises ModelNotFound for a name that no deployment serves. Asks neither the catalogue nor Google."""
        self._router.deployments(name)
