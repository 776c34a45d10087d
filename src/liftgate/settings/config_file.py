"""A config file read from disk: YAML → plain values. It knows no setting.

The only module of the settings that needs the YAML library, so that settings without a file load without it.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from liftgate.errors import ConfigError
from liftgate.settings.config_lines import Lines
from liftgate.settings.strict_yaml import Refused, parse
from liftgate.settings.values import listing, mapping, text

LARGEST = 8 * 1024 * 1024
"""Bytes. A device or a pipe without end is no config."""
MOST_FILES = 100
_PLAINER = {
    "found character '\\t' that cannot start any token": "a line begins with a tab; indent with spaces",
    "but found another document": "a second document begins here (`---`); a config is one",
}
"""The YAML library's words for two common slips, and ours."""


def read_config(path: Path) -> tuple[dict[str, object], Lines]:
    """The document's sections, with those of the files that it includes, and where they stand. ConfigError when one
    cannot be read, or when two of them say different things of one setting."""
    lines = Lines()
    return _with_includes(path, (), [], lines), lines


def _with_includes(
    path: Path, above: tuple[Path, ...], seen: list[Path], lines: Lines, named: str = ""
) -> dict[str, object]:
    """`named`: where it is included, before the sentence about a file that cannot be read."""
    here = path.resolve()
    seen.append(here)
    document = _read(path, lines, named)
    included = f"{lines.place_in(path, 'include')}: include"
    names = document.pop("include", None)
    for index, name in enumerate([names] if isinstance(names, str) else listing(names, included)):
        where = included if isinstance(names, str) else f"{lines.place_in(path, f'include[{index}]')}: include[{index}]"
        # As at LiteLLM: beside the file that includes it.
        other = path.parent / text(name, where)
        if other.resolve() in (*above, here):
            raise ConfigError(f"{where}: {other}: the file includes itself.")
        if len(seen) >= MOST_FILES:
            raise ConfigError(f"{where}: more than {MOST_FILES} files in all.")
        _merge(document, _with_includes(other, (*above, here), seen, lines, f"{where}: "), lines, "")
    return document


def _merge(document: dict[str, object], more: dict[str, object], lines: Lines, section: str) -> None:
    """Lists grow, sections are joined; what stands in several files must be the same."""
    for name, value in more.items():
        known = document.get(name)
        if isinstance(known, list) and isinstance(value, list):
            document[name] = [*known, *value]
        elif isinstance(known, dict) and isinstance(value, dict):
            joined = mapping(known, name)
            _merge(joined, mapping(value, name), lines, f"{section}{name}.")
            document[name] = joined
        elif known is None:
            document[name] = value
        elif value is not None and value != known:
            places = lines.places(f"{section}{name}")
            each = "both" if len(places) == 2 else "each of them"
            raise ConfigError(f"{' and '.join(places)}: {section}{name} is set in {each}, to different values.")


def _read(path: Path, lines: Lines, named: str) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ConfigError(f"{path}: is larger than {LARGEST} bytes, which no config is.")
        written = data.decode("utf-8-sig")
    except OSError as error:
        hint = " Files are named one by one, without * or ?." if named and re.search(r"[*?]", path.name) else ""
        raise ConfigError(f"{named}{path}: cannot be read: {error.strerror or error}.{hint}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text.") from None
    try:
        document, root = parse(written)
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = "" if isinstance(error, Refused) else "is not valid YAML: "
        raise ConfigError(f"{path}{place}: {what}{_PLAINER.get(str(error.problem), error.problem)}.") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: is not valid YAML.") from None
    if root is not None:
        lines.add(path, root)
    return mapping(document if document is not None else {}, str(path))
