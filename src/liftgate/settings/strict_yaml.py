"""YAML as a config may have it: each name once, no anchor that holds itself, nothing that grows when it is read.

PyYAML takes the last of two equal names in silence, and expands anchors without end; both are refused here, with the
lines where they stand.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

MOST_VALUES = 100_000
"""Values of a document, each counted as often as anchors repeat it."""
DEEPEST = 50
_MERGE = "tag:yaml.org,2002:merge"


def parse(text: str) -> tuple[object, yaml.Node | None]:
    """The document's value, and its nodes, which know their lines. Raises yaml.YAMLError."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        _measure(node, {}, [])
        return loader.construct_document(node), node
    except RecursionError:
        raise Refused(problem=f"it is nested deeper than {DEEPEST} levels") from None
    finally:
        loader.dispose()


class Refused(yaml.MarkedYAMLError):
    """YAML, and yet no config."""


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._written: dict[yaml.Node, list[tuple[yaml.Node, yaml.Node]]] = {}

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
            # A date without such a day, a number of thousands of digits: Python's words name no line.
            raise _problem("this value cannot be read", node) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if isinstance(node, yaml.MappingNode):
            self._refuse_duplicates(node)
        return super().construct_mapping(node, deep=deep)

    def _refuse_duplicates(self, node: yaml.MappingNode) -> None:
        # What a merge (`<<`) brought in stands in the node too once it was read, and may be overruled.
        seen: dict[str, int] = {}
        for key, _ in self._written.get(node) or node.value or ():
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise _problem(f"{name!r} is set twice, here and on line {seen[name]}", key)
            seen[name] = line

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if node not in self._written:
            self._written[node] = list(node.value)
            self._refuse_duplicates(node)
        super().flatten_mapping(node)


def _problem(problem: str, node: yaml.Node) -> Refused:
    return Refused(problem=problem, problem_mark=node.start_mark)


def _measure(node: yaml.Node, sizes: dict[yaml.Node, int], above: list[yaml.Node]) -> int:
    """How many values it stands for; raises for what holds itself, is too deep or too much."""
    if node in sizes:
        return sizes[node]
    if any(node is each for each in above):
        raise _problem("an anchor holds itself", node)
    if len(above) > DEEPEST:
        raise _problem(f"it is nested deeper than {DEEPEST} levels", node)
    above.append(node)
    inside: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inside = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inside = node.value
    size = 1 + sum(_measure(each, sizes, above) for each in inside)
    above.pop()
    if size > MOST_VALUES:
        raise _problem(f"its anchors stand for more than {MOST_VALUES} values", node)
    sizes[node] = size
    return size
