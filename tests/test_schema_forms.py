"""Values of one form are one to a schema: none is taken for valid because another one was."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schema_forms import Forms

NAN = float("nan")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "bc", 3, None]},
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^x|y$"},
        "count": {"anyOf": [{"type": "integer", "minimum": 1, "exclusiveMaximum": 9}, {"const": {"deep": [-5, "z"]}}]},
        "list": {"type": "array", "items": {"type": ["number", "boolean"]}, "minItems": 1, "maxItems": 2},
    },
    "required": ["kind"],
    "additionalProperties": {"type": "null"},
}
VALUES: dict[str, list[Any]] = {
    "kind": ["a", "b", "bc", "bcd", 2, 3, 3.0, 4, None, False, [], {}],
    "name": ["", "x", "xx", "xxxx", "xxxxx", "ay", "az", "éy", "y\ny", 5],
    "count": [0, 1, 1.0, 1.5, 8, 9, 10, -5, True, NAN, 10**400, {"deep": [-5, "z"]}, {"deep": [-5, "y"]}],
    "list": [[], [1], [1, 2.5], [1, 2, 3], ["1"], [True, None], {}],
    "more": [None, 1, ""],
}  # fmt: skip


def test_what_a_schema_tells_apart_has_another_form() -> None:
    forms, judge = Forms(SCHEMA), Draft202012Validator(SCHEMA)
    found: dict[bytes, bool] = {}
    bodies = [{"kind": "a", **dict(zip(pair, values, strict=True))}
              for pair in product(VALUES, VALUES) for values in product(*(VALUES[name] for name in pair))]  # fmt: skip
    bodies += [{name: value} for name, values in VALUES.items() for value in values]
    for body in bodies:
        valid = judge.is_valid(body)
        assert found.setdefault(forms.of(body), valid) is valid, body
    assert len(found) < len(bodies) / 2 and set(found.values()) == {True, False}


@pytest.mark.parametrize("keyword", [{"multipleOf": 3}, {"uniqueItems": True}])
def test_a_keyword_that_forms_do_not_know_is_refused(keyword: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        Forms({"components": {"schemas": {"a": keyword}}})
