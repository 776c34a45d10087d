"""`additional_drop_params`: parameters that the caller or the operator wants left out, by name or by dotted path.

`tools[*].function.strict` names a key in every element, `[0]` one element. The request itself is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.question import Dropped
from liftgate.json_types import JsonMapping, JsonObject

PARAM = "additional_drop_params"
MAX_PATHS = 128
"""Each is looked for in the whole request."""
MAX_STEPS = 64

_STEP = re.compile(r"[^.\[\]]+|\[(?:\d{1,6}|\*)\]")


def leave_out_unwanted(ask: Ask, request: JsonMapping, *, keep: str) -> JsonMapping:
    """The request without what its own list or the deployment's names; `ask.defaults` loses the same. `keep`:
    the parameter that holds the conversation. Raises InvalidRequest for more than MAX_PATHS."""
    if PARAM not in request and PARAM not in ask.defaults:
        return request
    lists = [each for each in (ask.defaults.get(PARAM), request.get(PARAM)) if isinstance(each, list)]
    paths = checks.array([path for each in lists for path in each if isinstance(path, str)], PARAM, most=MAX_PATHS)
    result: JsonObject = dict(request)
    defaults: JsonObject = dict(ask.defaults)
    for path in paths:
        left, fewer = _without(result, path, keep), _without(defaults, path, keep)
        if left is not result or fewer is not defaults:
            result, defaults = left, fewer
            ask.dropped.append(Dropped(path, f"named in {PARAM}"))
    ask.defaults = defaults
    return result


def _without(request: JsonObject, path: str, keep: str) -> JsonObject:
    """The same object where the path leads to nothing."""
    steps = [path] if path in request else _STEP.findall(path)
    if not 0 < len(steps) <= MAX_STEPS or steps[0] == keep:
        return request
    cut: JsonObject = _cut(request, steps)
    return cut


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
