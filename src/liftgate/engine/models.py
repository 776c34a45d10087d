"""What this gateway serves: the public model names of its deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liftgate.clock import Clock
from liftgate.errors import ModelNotFound
from liftgate.prices import day_of, model_entry
from liftgate.records import Deployment
from liftgate.router.attempts import Router
from liftgate.translate.model_info import facts_of


class Models:
    """Names with a wildcard serve any model they match, and are not listed: they are no name of a model."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    def list(self) -> list[str]:
        return [name for name in self._router.model_names() if "*" not in name]

    def deployments(self) -> Sequence[Deployment]:
        """All of them, as they are configured."""
        return self._router.all_deployments()

    def facts(self, deployment: Deployment) -> dict[str, Any]:
        """What the package's table knows of its model, and before that what the config says of it; LiteLLM's names."""
        entry = model_entry(deployment.model)
        known = {} if entry is None else facts_of(deployment.model, entry, day_of(self._clock.now()))
        return {**known, **deployment.info}

    def failures(self, deployment: Deployment) -> int:
        """How often it failed in a row, where it is left alone for that at the moment; else 0."""
        return self._router.failures(deployment)

    def upstream(self, name: str) -> str:
        """The model at Google behind a public name. Raises ModelNotFound."""
        return self._router.deployments(name)[0].model

    def retrieve(self, name: str) -> str:
        """Raises ModelNotFound."""
        if not self._router.deployments(name):
            raise ModelNotFound(name)
        return name
