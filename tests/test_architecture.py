"""The budgets that keep the house simple: sizes, names, and what an import loads. Import rules are import-linter's."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "liftgate"
MODULES = sorted(SOURCE.rglob("*.py"))

LONGEST_FILE = 325
LONGEST_FUNCTION = 60
LONGER_FILES = {"errors.py": "the whole tree of errors on one page, most of it sentences"}
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "core"}
HEAVY = ("uvicorn", "aiohttp", "sqlite3", "psycopg", "obstore", "click", "rich", "yaml", "openai", "asyncio", "msgspec")


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_module_keeps_its_size_and_says_what_it_is(module: Path) -> None:
    text = module.read_text()
    if name_of(module) not in LONGER_FILES:
        assert len(text.splitlines()) <= LONGEST_FILE
    too_long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in functions(module)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert too_long == []
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "a module says what it is"


def test_no_drawer_for_everything() -> None:
    named = {part.removesuffix(".py") for module in MODULES for part in module.relative_to(SOURCE).parts}
    assert named & FORBIDDEN == set()


def test_no_function_rebinds_a_module() -> None:
    rebinding = [
        f"{name_of(module)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Global)
    ]
    assert rebinding == []


def test_import_is_light() -> None:
    program = f"import sys, liftgate; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
