"""Strict reading of requests: proto3 JSON as Google's front reads it, against the tables in `messages` and `enums`.

Accepts lowerCamelCase and snake_case, enums in any case, one object for a list, null, int64 as string, either base64
alphabet, single quotes. Everything else is the 400 that Google answers, with one violation per wrong field. Returns
the request in one form: camelCase, lists as lists, enums in upper case, bytes decoded, nulls gone.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from liftgate.sandbox.requests.messages import MESSAGES
from liftgate.sandbox.requests.refusals import bad_request
from liftgate.sandbox.wire.enums import ENUMS, PROTO_NAMES
from liftgate.sandbox.wire.json_text import load
from liftgate.sandbox.wire.json_types import JsonObject

PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_BLANKS = re.compile(r"\s+")
_SUBSTITUTES = str.maketrans("-_", "+/")
WRONG = object()


@dataclass(frozen=True)
class FieldRule:
    """One field: its JSON name, its name in the protocol, its type and shape."""

    name: str
    proto: str
    type: str
    repeated: bool
    mapped: bool
    oneof: str
    optional_switch: bool


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def _read_messages(text: str) -> dict[str, dict[str, FieldRule]]:
    tables: dict[str, dict[str, FieldRule]] = {}
    current: dict[str, FieldRule] = {}
    for line in text.strip().splitlines():
        fields = [line]
        if not line.startswith(" "):
            name, _, inline = line.partition(":")
            current = tables.setdefault(name.strip(), {})
            fields = inline.split(";") if inline else []
        for field_text in fields:
            rule = _read_field(field_text)
            current[rule.name] = current[rule.proto] = rule
    return tables


def _read_field(text: str) -> FieldRule:
    name, kind, *marks = text.split()
    oneof = next((mark[1:] for mark in marks if mark.startswith("^")), "")
    return FieldRule(
        name, snake(name), kind.strip("<>[]"), kind.endswith("[]"), kind.startswith("<"), oneof, "?" in marks
    )


def _read_enums(text: str) -> dict[str, dict[str, str]]:
    rows = [line.split() for line in text.strip().splitlines()]
    return {name: {value.upper(): value for value in values} for name, *values in rows}


TABLES: Final[Mapping[str, Mapping[str, FieldRule]]] = _read_messages(MESSAGES)
ENUM_VALUES: Final[Mapping[str, Mapping[str, str]]] = _read_enums(ENUMS)


def parse_request(body: bytes, message: str) -> JsonObject:
    """`body` as the named message; raises `Refusal` 400."""
    return check_message(load(body), message)


def check_message(
    value: object, message: str, *, accept_optional: bool = False, two_spellings: bool = False
) -> JsonObject:
    """The same for JSON that is already loaded. `accept_optional`: also the fields marked `?`. `two_spellings`: of a
    value in two spellings the last wins."""
    reader = _Reader(accept_optional, two_spellings)
    result = reader.message(value, message, "")
    if reader.violations:
        raise bad_request(reader.violations)
    return result if isinstance(result, dict) else {}


@dataclass
class _Reader:
    accept_optional: bool
    two_spellings: bool
    violations: list[tuple[str, str]] = field(default_factory=list)

    def message(self, value: object, name: str, path: str) -> object:
        if not isinstance(value, dict):
            return self._invalid(path, PACKAGE + PROTO_NAMES.get(name, name), value)
        table = TABLES[name]
        result: JsonObject = {}
        groups: dict[str, str] = {}
        for key, item in value.items():
            rule = table.get(key)
            if rule is None or (rule.optional_switch and not self.accept_optional):
                self._unknown(key, path, "Cannot find field.")
                continue
            if item is None and rule.type != "any":
                continue
            if rule.name in result and isinstance(result[rule.name], dict) and not rule.oneof:
                # Two spellings of one message field are merged, as Google merges two toolConfig.
                merged = self._field(item, rule, path)
                if isinstance(merged, dict):
                    result[rule.name] |= merged
                continue
            if rule.name in result and not self.two_spellings:
                self._unknown(key, path, f"'{rule.proto}' is already set.")
                continue
            if rule.oneof:
                taken = groups.setdefault(rule.oneof, key)
                if taken != key:
                    self._oneof(rule, key, path)
                    continue
            result[rule.name] = self._field(item, rule, path)
        return result

    def _field(self, item: object, rule: FieldRule, path: str) -> object:
        place = f"{path}.{rule.proto}" if path else rule.proto
        if rule.mapped:
            if not isinstance(item, dict):
                return self._invalid(place, "Map", item)
            return {
                key: self._one(entry, rule.type, f"{place}[{index}].value")
                for index, (key, entry) in enumerate(item.items())
            }
        if rule.repeated:
            items = item if isinstance(item, list) else [item]
            return [self._one(entry, rule.type, f"{place}[{index}]") for index, entry in enumerate(items)]
        if isinstance(item, list) and rule.type != "any":
            self._unknown(rule.name, path, "Proto field is not repeating, cannot start list.")
            return WRONG
        return self._one(item, rule.type, place)

    def _one(self, value: object, kind: str, path: str) -> object:
        if kind in TABLES:
            return self.message(value, kind, path)
        if kind in ENUM_VALUES:
            return self._enum(value, kind, path)
        try:
            return SCALARS[kind](value)
        except Base64Wrong:
            self.violations.append(
                (path, f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {_quoted(value)}")
            )
            return WRONG
        except ValueError:
            if isinstance(value, dict) and kind != "object":
                self.violations.append(
                    (path, f"Invalid value at '{path}' ({_last(path)}), Starting an object on a scalar field")
                )
                return WRONG
            return self._invalid(path, PROTO_TYPES[kind], value)

    def _enum(self, value: object, kind: str, path: str) -> object:
        values = ENUM_VALUES[kind]
        if isinstance(value, str) and value.upper() in values:
            return values[value.upper()]
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(values):
            return list(values.values())[value]
        return self._invalid(path, PACKAGE + PROTO_NAMES.get(kind, kind), value)

    def _invalid(self, path: str, kind: str, value: object) -> object:
        self.violations.append((path, f"Invalid value at '{path}' ({kind}), {_quoted(value)}"))
        return WRONG

    def _unknown(self, key: str, path: str, why: str) -> None:
        where = f" at '{path}'" if path else ""
        self.violations.append((path, f'Invalid JSON payload received. Unknown name "{key}"{where}: {why}'))

    def _oneof(self, rule: FieldRule, key: str, path: str) -> None:
        self.violations.append(
            (
                path,
                f"Invalid value at '{path}' (oneof), oneof field '{rule.oneof}' is already set. Cannot set '{key}'",
            )
        )


class Base64Wrong(ValueError):
    pass


def _quoted(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + '…"'


def _last(path: str) -> str:
    return re.sub(r"\[\d+\]|\.value$", "", path).rpartition(".")[2]


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _integer(bits: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value) if isinstance(value, float) or (isinstance(value, str) and "." in value) else int(value)
        if number != int(number) or not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
            raise ValueError
        return int(number)

    return read


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    return float(value)


def _bytes(value: object) -> bytes:
    text = _BLANKS.sub("", _string(value)).translate(_SUBSTITUTES).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Base64Wrong from None


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise ValueError
    return value


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not pattern.fullmatch(_string(value)):
            raise ValueError
        return str(value)

    return read


SCALARS: Final[Mapping[str, Callable[[object], object]]] = {
    "string": _string,
    "bool": _bool,
    "int32": _integer(32),
    "int64": _integer(64),
    "float": _number,
    "double": _number,
    "bytes": _bytes,
    "object": _object,
    "any": lambda value: value,
    "duration": _matching(_DURATION),
    "timestamp": _matching(_TIMESTAMP),
}
PROTO_TYPES: Final = {
    "string": "TYPE_STRING",
    "bool": "TYPE_BOOL",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "float": "TYPE_FLOAT",
    "double": "TYPE_DOUBLE",
    "bytes": "TYPE_BYTES",
    "object": "type.googleapis.com/google.protobuf.Struct",
    "any": "type.googleapis.com/google.protobuf.Value",
    "duration": "type.googleapis.com/google.protobuf.Duration",
    "timestamp": "type.googleapis.com/google.protobuf.Timestamp",
}
