"""What this gateway serves: the public model names of its deployments."""

from __future__ import annotations

from liftgate.errors import ModelNotFound
from liftgate.router.attempts import Router


class Models:
    """Names with a wildcard serve any model they match, and are not listed: they are no name of a model."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def list(self) -> list[str]:
        return [name for name in self._router.model_names() if "*" not in name]

    def upstream(self, name: str) -> str:
        """The model at Google behind a public name. Raises ModelNotFound."""
        return self._router.deployments(name)[0].model

    def retrieve(self, name: str) -> str:
        """Raises ModelNotFound."""
        if not self._router.deployments(name):
            raise ModelNotFound(name)
        return name
