"""A config file read from disk: YAML → plain values. It knows no setting.

The only module of the settings that needs the YAML library, so that settings without a file load without it.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from liftgate.errors import ConfigError
from liftgate.settings.values import mapping


def read_config(path: Path) -> dict[str, object]:
    """The document's sections. ConfigError when the file cannot be read or is no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text.") from None
    try:
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{place}: is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: is not valid YAML.") from None
    return mapping(document if document is not None else {}, str(path))
