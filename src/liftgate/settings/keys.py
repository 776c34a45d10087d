"""Keys: what can be one, the callers' with their owners, and the master key.

A gateway is open to whoever knows its key, so a text that everybody can know or guess is none: a reference that was not
filled in, a placeholder, an empty variable. ConfigError names the setting, never the key.
"""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.errors import ConfigError
from liftgate.settings.faults import Faults
from liftgate.settings.options import BY_NAME
from liftgate.settings.references import stand_in, unresolved
from liftgate.settings.sections import LOCAL, MASTER, AuthSettings
from liftgate.settings.spelling import hint
from liftgate.settings.values import REFERENCE, listing, mapping, resolved, text

MASTER_KEY_VARIABLES = ("LIFTGATE_MASTER_KEY", "LITELLM_MASTER_KEY")
SHORTEST = 6
"""Characters of a caller's key."""
_FIELDS = ("name", "key", "max_file_bytes", "max_bytes")


def checked_key(
    value: object, where: str, environ: Mapping[str, str], *, shortest: int = 1, refers: bool = False
) -> str:
    """`value`, which can be a key. `environ`: whose names are no keys. `refers`: whether `os.environ/NAME` is filled in
    where it stands."""
    if isinstance(value, int | float):
        raise ConfigError(f"{where}: a key is a text; put it into quotes.")
    if value is not None and not isinstance(value, str):
        more = " Give each an entry of its own, of the same name." if isinstance(value, list) else ""
        raise ConfigError(f"{where}: a key is a text.{more}")
    if not value or not value.strip():
        raise ConfigError(f"{where}: is empty.")
    if advice := stand_in(value.strip(), environ, refers=refers):
        raise ConfigError(f"{where}: {advice}")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        raise ConfigError(f"{where}: stands in quotation marks, which docker's env files keep; remove them.")
    if value != value.strip():
        raise ConfigError(
            f"{where}: begins or ends with white space. A line break at the end often comes from a file with the key."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(f"{where}: has white space, or characters that no header can carry.")
    if len(value) < shortest:
        raise ConfigError(f"{where}: is too short to be a key; {shortest} characters are the least.")
    return value


def configured_key(value: object, where: str, environ: Mapping[str, str], *, shortest: int = 1) -> str:
    """A key as a config has it: itself, or `os.environ/NAME`."""
    if isinstance(value, str) and value.startswith(REFERENCE):
        name = value.removeprefix(REFERENCE).strip()
        return checked_key(resolved(value, environ, where), f"{where}: {name}", environ, shortest=shortest)
    return checked_key(value, where, environ, shortest=shortest, refers=True)


class Owners:
    """The callers' keys of a config, and what they say of their owners' largest file and storage."""

    def __init__(self, document: Mapping[str, object], environ: Mapping[str, str], path: str, faults: Faults) -> None:
        self._environ = environ
        self._faults = faults
        self._secrets: dict[str, str] = {}
        self.file_bytes: dict[str, int] = {}
        self.stored_bytes: dict[str, int] = {}
        ours: dict[str, object] = {}
        with faults.noted():
            ours = mapping(document.get("liftgate_settings"), f"{path}: liftgate_settings")
        where = f"{path}: liftgate_settings.keys"
        with faults.noted():
            for index, item in enumerate(listing(ours.get("keys"), where)):
                with faults.noted():
                    self._add(item, f"{where}[{index}]")
        self._master: str | None = None
        with faults.noted():
            self._master = _master_key(document, environ, path)
        with faults.noted():
            if self._master in self._secrets:
                raise ConfigError(f"{where}: the master key is also the key of {self._secrets[self._master]!r}.")
            if "keys" in ours and not ours["keys"] and self._master is None:
                raise ConfigError(f"{where}: names no key. Remove it if callers need none.")

    @property
    def auth(self) -> AuthSettings:
        return AuthSettings(self._master, self._secrets)

    def _add(self, item: object, where: str) -> None:
        entry = mapping(item, where)
        for name in entry:
            if name not in _FIELDS:
                raise ConfigError(f"{where}.{name}: there is no such setting.{hint(name, _FIELDS)}")
        name = text(resolved(entry.get("name"), self._environ, f"{where}.name"), f"{where}.name")
        if name in (MASTER, LOCAL):
            raise ConfigError(f"{where}.name: {name!r} is taken by Liftgate itself.")
        if meant := unresolved(name):
            raise ConfigError(f"{where}.name: {meant}")
        if not name.isprintable():
            raise ConfigError(f"{where}.name: has control characters.")
        secret = configured_key(entry.get("key"), f"{where}.key", self._environ, shortest=SHORTEST)
        if self._secrets.get(secret, name) != name:
            raise ConfigError(f"{where}.key: the same key belongs to {self._secrets[secret]!r} already.")
        self._secrets[secret] = name
        for limit, by_owner in (("max_file_bytes", self.file_bytes), ("max_bytes", self.stored_bytes)):
            if limit in entry:
                value = resolved(entry[limit], self._environ, f"{where}.{limit}")
                size = BY_NAME["max_file_bytes"].read(value, f"{where}.{limit}")
                assert isinstance(size, int)
                by_owner[name] = size


def _master_key(document: Mapping[str, object], environ: Mapping[str, str], path: str) -> str | None:
    """The nearest one: our variable, the config's, LiteLLM's variable. A variable that is set and empty is a secret
    that did not arrive, and not the wish for an open gateway."""
    ours, litellms = MASTER_KEY_VARIABLES
    if ours in environ:
        return checked_key(environ[ours], ours, environ, shortest=SHORTEST)
    where = f"{path}: general_settings.master_key"
    general = mapping(document.get("general_settings"), f"{path}: general_settings")
    if general.get("master_key") is not None:
        return configured_key(general["master_key"], where, environ, shortest=SHORTEST)
    if litellms in environ:
        return checked_key(environ[litellms], litellms, environ, shortest=SHORTEST)
    if "master_key" in general:
        raise ConfigError(f"{where}: is empty. Remove it if callers need no key.")
    return None
