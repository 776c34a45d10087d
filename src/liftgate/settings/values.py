"""Plain values of a config: their shapes checked, `os.environ/NAME` in them looked up. It knows no file and no setting.

Every function takes `where`, the place that an error names, and raises ConfigError with what was expected. No sentence
repeats a password: `shown` is how a value is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from liftgate.errors import ConfigError

REFERENCE = "os.environ/"
LONGEST_SHOWN = 80
_CREDENTIALS = re.compile(r"(?<=//)[^/\s]*@")
_QUERY = re.compile(r"(://[^?\s]*)\?.*", re.DOTALL)


def shown(value: object) -> str:
    """`value` as a sentence may repeat it: on one line, short, without the password or the query of an address; a list
    or a mapping, which may hold anything, by its kind alone."""
    if isinstance(value, dict):
        return "names with values"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        value = _QUERY.sub(r"\1?…", _CREDENTIALS.sub("***@", value))
        return repr(value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…")
    try:
        text = str(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` as a mapping with text keys; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected names with values, got {_kind(value)}.")
    return {str(key): item for key, item in value.items()}


def listing(value: object, where: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        more = "; its entries begin with `- `" if isinstance(value, dict) else ""
        raise ConfigError(f"{where}: expected a list, got {_kind(value)}{more}.")
    return value


def resolved(value: object, environ: Mapping[str, str], where: str) -> object:
    """`value` with every `os.environ/NAME` in it replaced; ConfigError names one that is not set or empty."""
    if isinstance(value, str) and value.startswith(REFERENCE):
        name = value.removeprefix(REFERENCE).strip()
        if not name:
            raise ConfigError(f"{where}: {REFERENCE} names no environment variable.")
        if name not in environ:
            raise ConfigError(f"{where}: the environment variable {name} is not set.")
        if not environ[name]:
            raise ConfigError(f"{where}: the environment variable {name} is set, and is empty.")
        return environ[name]
    if isinstance(value, dict):
        return {key: resolved(item, environ, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, environ, f"{where}[{index}]") for index, item in enumerate(value)]
    return value


def shown_url(url: str) -> str:
    """For a message: without a user, a password and parameters, any of which may be a secret."""
    return re.sub(r"(?<=://).*@|[?#].*", "", url)


def text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where}: expected a text, got {shown(value)}.")
    return value.strip()


def switched_off(value: object) -> bool:
    """Whether a setting of this value asks for nothing."""
    return value is None or value is False or value in ("", [], {}, ())


def _kind(value: object) -> str:
    kinds = {dict: "names with values", list: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")
