"""Plain values of a config: their shapes checked, `os.environ/NAME` in them looked up. It knows no file and no setting.

Every function takes `where`, the place that an error names, and raises ConfigError with what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from liftgate.errors import ConfigError

REFERENCE = "os.environ/"


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` as a mapping with text keys; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected names with values, got {type(value).__name__}.")
    return {str(key): item for key, item in value.items()}


def listing(value: object, where: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list, got {type(value).__name__}.")
    return value


def resolved(value: object, environ: Mapping[str, str], where: str) -> object:
    """`value` with every `os.environ/NAME` in it replaced; ConfigError names a variable that is not set or empty."""
    if isinstance(value, str) and value.startswith(REFERENCE):
        name = value.removeprefix(REFERENCE).strip()
        found = environ.get(name, "")
        if not found:
            raise ConfigError(f"{where}: the environment variable {name} is not set.")
        return found
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
        raise ConfigError(f"{where}: expected a text, got {value!r}.")
    return value.strip()
