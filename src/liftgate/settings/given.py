"""The options that people gave: in a config, in the environment, as flags or arguments; and where each was given."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from liftgate.errors import ConfigError
from liftgate.settings import litellm_config
from liftgate.settings.caller import Caller
from liftgate.settings.faults import Faults
from liftgate.settings.keys import MASTER_KEY_VARIABLES
from liftgate.settings.litellm_tables import ALSO_ACTS
from liftgate.settings.options import BY_NAME, OPTIONS
from liftgate.settings.spelling import hint, nearest
from liftgate.settings.values import mapping, resolved

_CLIENTS_VARIABLES = ("LIFTGATE_BASE_URL", "LIFTGATE_API_KEY")
"""Of the commands that talk to a gateway; a gateway may well be started with the same environment."""


class Given:
    """`read` once; `name` then says where an option was given."""

    def __init__(self, environ: Mapping[str, str], faults: Faults, caller: Caller) -> None:
        self._environ = environ
        self._faults = faults
        self._caller = caller
        self._options: dict[str, object] = {}
        self._places: dict[str, str] = {}

    def read(self, document: Mapping[str, object], flags: Mapping[str, object], path: str) -> dict[str, object]:
        """Option name → value, of those that were given; and the data directory always."""
        environ, faults = self._environ, self._faults
        values = litellm_config.read_sections(document, path, faults)
        with faults.noted():
            values |= _ours(mapping(document.get("liftgate_settings"), f"{path}: liftgate_settings"), path, faults)
        for name, (value, where) in values.items():
            with faults.noted():
                found = resolved(value, environ, where)
                self._take(name, found, where, refers=found == value)
        self._read_environment()
        for name, value in flags.items():
            if value is not None:
                self._take(name, value, self._caller.option(BY_NAME[name]))
        data_dir = self._options.get("data_dir")
        self._options["data_dir"] = Path()
        with faults.noted():
            self._options["data_dir"] = data_dir.absolute() if isinstance(data_dir, Path) else default_data_dir(environ)
        return self._options

    def name(self, option: str) -> str:
        """Where the option was given, as a sentence names it."""
        return self._places.get(option, option)

    def _take(self, name: str, value: object, where: str, *, refers: bool = False) -> None:
        """`refers`: whether `os.environ/NAME` would have been filled in there."""
        with self._faults.noted():
            self._options[name] = BY_NAME[name].read(value, where, refers=refers)
            self._places[name] = where

    def _read_environment(self) -> None:
        known = {option.environment: option.name for option in OPTIONS}
        for variable, value in self._environ.items():
            if variable not in known:
                _judge_unknown(variable, known, self._faults)
            # An empty variable is how shells and compose files say 'not set'.
            elif value.startswith("tcp://"):
                self._faults.warn(f"{variable} is what Kubernetes sets for a Service of this name, and is ignored.")
            elif value:
                self._take(known[variable], value, variable)
            elif variable == "LIFTGATE_DATABASE_URL" and "database_url" not in self._options:
                # Often a secret that did not arrive, and the files of the real catalogue are not in this one.
                self._faults.warn(f"{variable} is set, and is empty: the catalogue is a file in the data directory.")


def _judge_unknown(variable: str, known: Mapping[str, str], faults: Faults) -> None:
    """Names that look like settings of ours."""
    others = (*MASTER_KEY_VARIABLES, *_CLIENTS_VARIABLES)
    if variable in others:
        return
    plain = variable.casefold()
    ours = plain.startswith("liftgate")
    if ours:
        near = nearest(plain.removeprefix("liftgate"), [name.removeprefix("LIFTGATE_") for name in (*known, *others)])
        near = near and "LIFTGATE_" + near.removeprefix("LITELLM_")
    elif plain.startswith("litellm_m"):
        near = nearest(variable, MASTER_KEY_VARIABLES)
    else:
        return
    secret = ours and {"KEY", "KEYS", "MASTER", "SECRET", "TOKEN"} & set(variable.upper().split("_"))
    if near:
        faults.add(f"{variable}: there is no such setting. Did you mean {near}?")
    elif secret or variable.casefold().startswith("litellm_master_key"):
        faults.add(f"{variable}: there is no such setting. The key is given in LIFTGATE_MASTER_KEY.")
    elif variable.startswith("LIFTGATE_"):
        faults.warn(f"{variable} is not a setting of Liftgate, and is ignored.")


def _ours(values: Mapping[str, object], path: str, faults: Faults) -> dict[str, tuple[object, str]]:
    found: dict[str, tuple[object, str]] = {}
    for name, value in values.items():
        where = f"{path}: liftgate_settings.{name}"
        if name in BY_NAME:
            found[name] = (value, where)
        elif home := next((place for place in ALSO_ACTS if place.rpartition(".")[2] == name), None):
            faults.add(f"{where}: belongs under {home.rpartition('.')[0] or 'no section; it stands at the top'}.")
        elif name != "keys":
            faults.add(f"{where}: there is no such setting.{hint(name, [*BY_NAME, 'keys'])}")
    return found


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Where this platform keeps a user's application data. Raises ConfigError for a user who has no home."""
    if environ.get("XDG_DATA_HOME"):
        return Path(environ["XDG_DATA_HOME"]) / "liftgate"
    known = environ.get("HOME") or os.path.expanduser("~")
    if known == "~":
        raise ConfigError(
            "data_dir: this user has no home directory, so say where the data are, with data_dir or LIFTGATE_DATA_DIR."
        )
    home = Path(known)
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "liftgate"
    if sys.platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "liftgate"
    return home / ".local" / "share" / "liftgate"
