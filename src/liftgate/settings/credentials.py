"""`credential_list`: keys and addresses by a name, which entries of `model_list` refer to.

What is wrong in one is told only where an entry of ours uses it: others are of other providers, whose variables are
not set.
"""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.errors import ConfigError
from liftgate.settings.faults import Faults
from liftgate.settings.keys import configured_key
from liftgate.settings.litellm_config import acting
from liftgate.settings.spelling import hint
from liftgate.settings.values import REFERENCE, listing, mapping, resolved, shown, text


class Credentials:
    """Read once; `under` then puts one under the parameters of an entry."""

    def __init__(self, document: Mapping[str, object], environ: Mapping[str, str], path: str, faults: Faults) -> None:
        self._environ = environ
        self._values: dict[str, tuple[dict[str, object], str]] = {}
        with faults.noted():
            for index, item in enumerate(listing(document.get("credential_list"), f"{path}: credential_list")):
                with faults.noted():
                    self._read(item, f"{path}: credential_list[{index}]")

    def _read(self, item: object, where: str) -> None:
        entry = mapping(item, where)
        for name in entry:
            if name not in (known := acting("credential_list")):
                raise ConfigError(f"{where}.{name}: there is no such setting.{hint(name, known)}")
        named = entry.get("credential_name")
        if isinstance(named, str) and named.startswith(REFERENCE):
            named = self._environ.get(named.removeprefix(REFERENCE), named)
        values = mapping(entry.get("credential_values"), f"{where}.credential_values")
        self._values[text(named, f"{where}.credential_name")] = (values, f"{where}.credential_values")

    def under(self, params: dict[str, object], credential: object, where: str) -> dict[str, object]:
        """The parameters of an entry, and what the credential has beside them. ConfigError for one that is not there,
        and for what is wrong in it, at its place."""
        if credential not in self._values:
            raise ConfigError(
                f"{where}: no credential {shown(credential)} in credential_list." + hint(str(credential), self._values)
            )
        values, place = self._values[str(credential)]
        used = {name: resolved(v, self._environ, f"{place}.{name}") for name, v in values.items() if name not in params}
        if used.get("api_key") is not None:
            used["api_key"] = configured_key(values["api_key"], f"{place}.api_key", self._environ)
        return {**used, **params}
