"""`additional_drop_params`: parameters that the caller or the operator wants left out, by name or by dotted path.

`tools[*].function.strict` names a key in every element, `[0]` one element. The request itself is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from liftgate.ask import checks

MAX_PATHS = 128
"""Each is looked for in the whole request."""
MAX_STEPS = 64

_STEP = re.compile(r"[^.\[\]]+|\[(?:\d{1,6}|\*)\]")


def without(request: Mapping[str, Any], paths: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The request without these, and those that it had. Raises InvalidRequest for more than MAX_PATHS."""
    checks.array(paths, "additional_drop_params", most=MAX_PATHS)
    result: Any = dict(request)
    gone = []
    for path in paths:
        steps = [path] if path in result else _STEP.findall(path)
        if 0 < len(steps) <= MAX_STEPS and steps[0] != "messages":
            cut = _cut(result, steps)
            if cut is not result:
                result = cut
                gone.append(path)
    return result, gone


def _cut(value: Any, steps: Sequence[str]) -> Any:
    """The value without what the steps lead to; the same object when there is nothing there."""
    step, rest = steps[0], steps[1:]
    if step.startswith("[") and isinstance(value, list):
        every = step == "[*]"
        changed = False
        elements = []
        for index, each in enumerate(value):
            new = each
            if every or index == int(step[1:-1]):
                new = _cut(each, rest) if rest else None
                changed = changed or new is not each
            if rest or not (every or index == int(step[1:-1])):
                elements.append(new)
        return elements if changed else value
    if not isinstance(value, dict) or step not in value:
        return value
    if not rest:
        return {key: each for key, each in value.items() if key != step}
    new = _cut(value[step], rest)
    return value if new is value[step] else {**value, step: new}
