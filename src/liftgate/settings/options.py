"""The table of settings that people can set: one row per field of the sections, with its names and how it is read.

A row named `max_file_bytes` is `liftgate_settings.max_file_bytes` in the config, `LIFTGATE_MAX_FILE_BYTES` in the
environment and `--max-file-bytes` (or `--max_file_bytes`) on the command line. It knows no file and no environment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path

from liftgate.durations import read_duration
from liftgate.errors import ConfigError, InvalidRequest
from liftgate.settings.references import unresolved
from liftgate.settings.sections import (
    GIB,
    KIB,
    MIB,
    BudgetSettings,
    CountingSettings,
    JobSettings,
    LimitSettings,
    RouterSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from liftgate.settings.values import shown

SECTIONS: dict[str, type] = {
    "server": ServerSettings,
    "storage": StorageSettings,
    "limits": LimitSettings,
    "router": RouterSettings,
    "counting": CountingSettings,
    "budgets": BudgetSettings,
    "jobs": JobSettings,
}
"""Section name → class, in the order of the documentation; `drop_params` belongs to `Settings` itself."""

LARGEST = 2**53
"""Of any number: what a database and a timer can hold, and far more than any of them means."""

MOST_DOLLARS = 10**8

LONGEST_NUMBER = 20
"""Characters of a number with a unit."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?b)?|b)?\Z", re.IGNORECASE)
_UNITS = {"k": KIB, "m": MIB, "g": GIB, "t": 1024 * GIB}
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Option:
    """One row. `kind` says how it is read: the annotation of the field, or what its metadata have in place of it;
    `section` is empty for `Settings` itself."""

    name: str
    section: str
    attribute: str
    kind: str
    default: object
    says: str
    minimum: float | None
    size: bool
    instead: str

    @property
    def environment(self) -> str:
        return "LIFTGATE_" + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def read(self, value: object, where: str, *, refers: bool = True) -> object:
        """The value as the field's type; `where` names its source, and `refers` says whether references are filled in
        there. ConfigError says what is expected."""
        if value is None:
            if self.default is None:
                return None
            raise ConfigError(f"{where}: a value is missing.")
        items = {where: value}
        if isinstance(value, list):
            items = {f"{where}[{index}]": item for index, item in enumerate(value)}
        for place, item in items.items():
            if isinstance(item, str) and (meant := unresolved(item, refers=refers)):
                raise ConfigError(f"{place}: {meant}")
        read = _size if self.size else _READERS[self.kind.removesuffix(" | None")]
        result = read(value, where)
        if self.minimum is not None and isinstance(result, int | float) and result < self.minimum:
            raise ConfigError(f"{where}: expected at least {self.minimum:g}, got {shown(result)}.")
        if isinstance(result, int | float) and result > LARGEST:
            raise ConfigError(f"{where}: expected at most {LARGEST}, got {shown(result)}.")
        return result

    def shown(self) -> str:
        """The default as people would write it."""
        value = self.default
        if self.instead:
            return self.instead
        if value is None or value in ("", ()):
            return ""
        if self.size and isinstance(value, int):
            for unit, size in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
                if value >= size and value % size == 0:
                    return f"{value // size} {unit}"
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:g}" if isinstance(value, float) else str(value)


def _size(value: object, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.match(value.strip()) if isinstance(value, str) else None
    if not match or len(match[1]) > LONGEST_NUMBER:
        raise ConfigError(f"{where}: expected a number of bytes such as 1048576 or 1MiB, got {shown(value)}.")
    return int(float(match[1]) * _UNITS.get((match[2] or "").lower(), 1))


def _int(value: object, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(str(value).strip())
    except ValueError:
        raise ConfigError(f"{where}: expected a whole number, got {shown(value)}.") from None


def _float(value: object, where: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(str(value).strip())
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{where}: expected a number of seconds, got {shown(value)}.")
    return number


def dollars(value: object, where: str) -> int:
    """In whole nano-dollars. Nothing is no amount: LiteLLM takes 0 for no limit, and people for nothing at all."""
    try:
        amount = Decimal("NaN" if isinstance(value, bool) else str(value).strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 < amount <= MOST_DOLLARS):
        raise ConfigError(f"{where}: expected US dollars above 0, {MOST_DOLLARS:,} at most, got {shown(value)}.")
    return max(1, int(amount * 10**9))


def duration(value: object, where: str) -> str:
    try:
        read_duration(value, where)
    except InvalidRequest:
        raise ConfigError(
            f"{where}: expected a number and one of s, m, h, d, w, mo, such as 1d or 1mo, got {shown(value)}."
        ) from None
    return str(value)


def _bool(value: object, where: str) -> bool:
    text = str(value).strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise ConfigError(f"{where}: expected true or false, got {shown(value)}.")


def _str(value: object, where: str) -> str:
    if isinstance(value, str) and value.strip():
        if not value.strip().isprintable():
            raise ConfigError(f"{where}: expected a text without control characters, got {shown(value)}.")
        return value.strip()
    raise ConfigError(f"{where}: expected a text, got {shown(value)}.")


def _path(value: object, where: str) -> Path:
    if isinstance(value, Path):
        return value
    try:
        return Path(_str(value, where)).expanduser()
    except RuntimeError:
        raise ConfigError(f"{where}: {shown(value)} begins with the home directory of an unknown user.") from None


def _names(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(_str(item, f"{where}[{index}]") for index, item in enumerate(value))
    return tuple(part.strip() for part in _str(value, where).split(",") if part.strip())


_READERS: dict[str, Callable[[object, str], object]] = {
    "int": _int,
    "float": _float,
    "nano-dollars": dollars,
    "duration": duration,
    "bool": _bool,
    "str": _str,
    "Path": _path,
    "tuple[str, ...]": _names,
}


def _rows(section: str, of: type) -> list[Option]:
    rows = []
    for item in fields(of):
        if "says" not in item.metadata:
            continue
        assert item.default is not MISSING, f"{section}.{item.name} is an option without a default"
        rows.append(
            Option(
                name=item.metadata["name"] or item.name,
                section=section,
                attribute=item.name,
                kind=item.metadata["kind"] or str(item.type),
                default=item.default,
                says=item.metadata["says"],
                minimum=item.metadata["minimum"],
                size=item.metadata["size"],
                instead=item.metadata["shown"],
            )
        )
    return rows


OPTIONS: tuple[Option, ...] = (
    *(row for section, of in SECTIONS.items() for row in _rows(section, of)),
    *_rows("", Settings),
)
BY_NAME: dict[str, Option] = {option.name: option for option in OPTIONS}
