"""Names beside those of deployments: aliases, the models that stand in for others, and those of other providers.

`fallbacks` and its like may name what is left out or never was: LiteLLM starts then and uses what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from liftgate.deployments import Deployment
from liftgate.errors import ConfigError
from liftgate.settings.faults import Faults
from liftgate.settings.sections import ModelNames
from liftgate.settings.spelling import hint
from liftgate.settings.values import listing, mapping, resolved, text
from liftgate.settings.wildcards import STAR, provider_of, served_by_wildcard

ANY_MODEL = "*"

Fallbacks = tuple[dict[str, tuple[str, ...]], ...]


def read_names(
    document: Mapping[str, object],
    path: str,
    served: Sequence[Deployment],
    left_out: Mapping[str, str],
    environ: Mapping[str, str],
    faults: Faults,
) -> tuple[ModelNames, Fallbacks]:
    """The names, and `fallbacks` in the order of the file, each model_name once."""
    reader = _Names(document, path, served, left_out, environ, faults)
    aliases, hidden = reader.aliases()
    fallbacks = reader.fallbacks("fallbacks")
    if (others := reader.default_fallbacks()) and ANY_MODEL not in fallbacks:
        fallbacks[ANY_MODEL] = others
    windows = reader.fallbacks("context_window_fallbacks")
    reader.warn_of_stranded()
    names = ModelNames(aliases=aliases, hidden=hidden, left_out=reader.left_out, longer=windows)
    return names, tuple({name: others} for name, others in fallbacks.items())


class _Names:
    def __init__(
        self,
        document: Mapping[str, object],
        path: str,
        served: Sequence[Deployment],
        left_out: Mapping[str, str],
        environ: Mapping[str, str],
        faults: Faults,
    ) -> None:
        self._document = document
        self._environ = environ
        self._path = path
        self._served = {deployment.model_name for deployment in served}
        self._wildcards = [deployment for deployment in served if STAR in deployment.model_name]
        self.left_out = dict(left_out)
        self._faults = faults
        # Names that are not served, whose fallbacks are.
        self._stranded: dict[str, str] = {}

    def aliases(self) -> tuple[dict[str, str], frozenset[str]]:
        """`model_group_alias`: name → model_name, and the names that are not listed."""
        aliases: dict[str, str] = {}
        hidden: set[str] = set()
        for where, value in self._values("model_group_alias"):
            with self._faults.noted():
                for name, meant in mapping(value, where).items():
                    with self._faults.noted():
                        target = mapping(meant, where).get("model") if isinstance(meant, dict) else meant
                        target = text(target, f"{where}.{name}")
                        if isinstance(meant, dict) and meant.get("hidden") is True:
                            hidden.add(name)
                        if self._is_served(target, f"{where}.{name}"):
                            aliases[name] = target
                        elif provider := self._provider(target):
                            self.left_out.setdefault(name, provider)
        self._served |= aliases.keys()
        return aliases, frozenset(hidden & aliases.keys())

    def fallbacks(self, setting: str) -> dict[str, tuple[str, ...]]:
        """`[{name: [other, …]}, …]` of either section; for one name the entry of `router_settings` wins."""
        found: dict[str, tuple[str, ...]] = {}
        for where, value in self._values(setting):
            with self._faults.noted():
                entries = [value] if isinstance(value, dict) else listing(value, where)
                for index, entry in enumerate(entries):
                    if not isinstance(entry, dict):
                        raise ConfigError(
                            f"{where}[{index}]: expected a model_name and those that stand in for it, as in"
                            " `- first: [second]`. default_fallbacks has those that stand in for every model."
                        )
                    for name, others in mapping(entry, f"{where}[{index}]").items():
                        place = f"{where}[{index}].{name}"
                        known = name == ANY_MODEL or self._is_served(name, place)
                        kept = self._kept(others, place)
                        if known and kept:
                            found[name] = kept
                        elif kept:
                            self._stranded.setdefault(name, kept[0])
        return found

    def warn_of_stranded(self) -> None:
        """Fallbacks stand in for a model that failed, and what is left out cannot even be asked for."""
        stranded = {name: other for name, other in self._stranded.items() if self._provider(name)}
        if stranded:
            name, other = next(iter(stranded.items()))
            names = ", ".join(map(repr, stranded))
            self._faults.warn(
                f"{self._path}: fallbacks do not act for {names}, of other providers: a request is 404. "
                f"`router_settings: {{model_group_alias: {{{name}: {other}}}}}` has {other!r} answer it.",
                changes_answers=True,
            )

    def default_fallbacks(self) -> tuple[str, ...]:
        found: tuple[str, ...] = ()
        for where, value in self._values("default_fallbacks"):
            with self._faults.noted():
                found = self._kept(value, where) or found
        return found

    def _values(self, setting: str) -> list[tuple[str, object]]:
        """Of either section, with its place; the second wins."""
        found = []
        for section in ("litellm_settings", "router_settings"):
            values = self._document.get(section)
            if isinstance(values, dict) and values.get(setting) is not None:
                where = f"{self._path}: {section}.{setting}"
                with self._faults.noted():
                    found.append((where, resolved(values[setting], self._environ, where)))
        return found

    def _kept(self, others: object, where: str) -> tuple[str, ...]:
        """Those of `others` that are served."""
        names = [others] if isinstance(others, str) else listing(others, where)
        return tuple(name for other in names if self._is_served(name := text(other, where), where))

    def _is_served(self, name: str, where: str) -> bool:
        if name in self._served or served_by_wildcard(self._wildcards, name):
            return True
        if not self._provider(name):
            near = hint(name, self._served)
            self._faults.warn(f"{where}: {name!r} is no model_name, and is passed over.{near}", changes_answers=True)
        return False

    def _provider(self, name: str) -> str | None:
        return provider_of(name, self.left_out)
