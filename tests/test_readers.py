"""What is kept is read: every field of a record, option and setting of the source has a reader in the source.

A field that is written and never read does nothing, whatever the documents say of it. Readers are found by name: an
attribute that is loaded, a pattern of `match`; what a class keeps under the same name for itself does not count. That
misses some that are dead, and names none that is alive.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from liftgate.settings.options import OPTIONS, SECTIONS

SOURCE = Path(__file__).resolve().parents[1] / "src" / "liftgate"
RECORDS = {"NamedTuple", "Struct"}

READ_ELSEWHERE: Mapping[str, str] = {
    "Restored.already": "the command writes it as JSON, with all fields",
    "Fault.hits": "the sandbox writes it as JSON, with all fields",
    "BareTable.also": "tests compare it with the schema of both engines",
    "BareTable.counted_by": "tests compare it with the schema of both engines",
    "ModelFacts.cache_minimum": "a fact of the table of models, which tests compare with Google's pages",
    "_ByText.TEXT": "the JSON log writes it",
    "_Delta.sequence_number": "a Response's stream writes it",
    **{
        f"_Varying.{name}": "the JSON log writes it, with all fields"
        for name in ("by_modality", "cost_usd", "level", "ts", "upstream_first", "upstream_id")
    },
}
"""Fields that are there for a reader who is not in the source."""
LISTENED_TO = "CallRecord"
"""Handed to whoever listens to the meter (`Gateway(listeners=…)`): its fields are for them."""


@cache
def sources() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


@cache
def unread_here() -> list[str]:
    return unread(sources())


@pytest.fixture(scope="module", autouse=True)
def no_tree_stays() -> Iterator[None]:
    """They are a million objects, at which each later collection of garbage would look."""
    yield
    sources.cache_clear()


def record_fields(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(class, field) of dataclasses, named tuples and structs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (_decorated(node) or RECORDS & {_last(base) for base in node.bases}):
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and "ClassVar" not in ast.unparse(line.annotation):
                    yield node.name, ast.unparse(line.target)


def _decorated(node: ast.ClassDef) -> bool:
    return any(_last(each.func if isinstance(each, ast.Call) else each) == "dataclass" for each in node.decorator_list)


def _last(node: ast.expr) -> str:
    return ast.unparse(node).split("[")[0].rsplit(".", 1)[-1]


class _Readers(ast.NodeVisitor):
    """Names that are loaded as attributes, or matched. `self.x` counts where the class does not keep an `x` of its own
    that is no field of it."""

    def __init__(self, order: Mapping[str, list[str]]) -> None:
        self.names: set[str] = set()
        self._order = order
        self._own: list[set[str]] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        stored = {
            each.attr
            for each in ast.walk(node)
            if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and _is_self(each.value)
        }
        methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        declared = {ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)}
        self._own.append((stored | methods) - declared)
        self.generic_visit(node)
        self._own.pop()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        own = self._own[-1] if self._own and _is_self(node.value) else set()
        if isinstance(node.ctx, ast.Load) and node.attr not in own:
            self.names.add(node.attr)
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.names.update(node.kwd_attrs)
        order = self._order.get(_last(node.cls), [])
        matched = [name for name, pattern in zip(order, node.patterns, strict=False) if not _is_blank(pattern)]
        self.names.update(matched)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if _last(node.func) in ("getattr", "attrgetter"):
            self.names.update(str(each.value) for each in node.args if isinstance(each, ast.Constant))
        self.generic_visit(node)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_blank(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.name is None


def unpacked(tree: ast.Module) -> Iterator[str]:
    """Classes of which all fields are read at once: a NamedTuple is taken apart, a table reads its columns by name (and
    says itself which of them are unused)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and "NamedTuple" in {_last(base) for base in node.bases}:
            yield node.name
        if isinstance(node, ast.Call) and _last(node.func) == "Table":
            yield from (ast.unparse(each.value) for each in node.keywords if each.arg == "record")


def unread(trees: Mapping[Path, ast.Module]) -> list[str]:
    kept = [found for tree in trees.values() for found in record_fields(tree)]
    order: dict[str, list[str]] = {}
    for record, field in kept:
        order.setdefault(record, []).append(field)
    readers = _Readers(order)
    for tree in trees.values():
        readers.visit(tree)
    whole = {name for tree in trees.values() for name in unpacked(tree)}
    return sorted(
        f"{record}.{field}"
        for record, field in kept
        if field not in readers.names and record not in whole and not field.startswith("_")
    )


def test_every_field_of_a_record_is_read_somewhere() -> None:
    found = [name for name in unread_here() if name not in READ_ELSEWHERE]
    assert [name for name in found if not name.startswith(f"{LISTENED_TO}.")] == []


def test_what_is_excused_is_there() -> None:
    assert set(READ_ELSEWHERE) <= set(unread_here())


def test_every_setting_is_read_beyond_where_it_is_loaded() -> None:
    readers = _Readers({})
    for path, tree in sources().items():
        # The sections' own methods count: what they give is asked for elsewhere.
        if path.parent.name != "settings" or path.name == "sections.py":
            readers.visit(tree)
    sections = {field.name for section in SECTIONS.values() for field in fields(section)}
    options = {option.attribute for option in OPTIONS}
    assert sorted((sections | options) - readers.names) == []


def test_the_walk_finds_what_nobody_reads() -> None:
    source = """
@dataclass
class Seen:
    read: int
    matched: int
    written: int
    own: int

class User:
    def __init__(self) -> None:
        self.own = 1
    def use(self, seen: Seen) -> int:
        seen.written = 3
        match seen:
            case Seen(_, found):
                return found + self.own
        return seen.read
"""
    assert unread({Path("a.py"): ast.parse(source)}) == ["Seen.own", "Seen.written"]
