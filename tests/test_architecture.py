"""The budgets that keep the house simple: sizes, names, and what an import loads. Import rules are import-linter's."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "liftgate"
MODULES = sorted(SOURCE.rglob("*.py"))

LONGEST_FILE = 325
LONGEST_FUNCTION = 60
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "core"}
HEAVY = ("uvicorn", "aiohttp", "sqlite3", "psycopg", "obstore", "click", "rich", "yaml", "openai", "asyncio", "msgspec")
MOST_FILES_OF_A_CHAT = 30
FOR_FEW = ("aiohttp", "cryptography", "psycopg", "obstore", "rich", "yaml", "openai", "liftgate.engine.traces")
"""What a gateway loads by a setting that asks for it, or when a request first needs it."""


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def modules_with(*texts: str) -> list[Path]:
    """Those that have one of the texts: to parse the others would find nothing."""
    return [module for module in MODULES if any(text in module.read_text() for text in texts)]


def test_logger_is_named_by_its_room() -> None:
    wrong = []
    for module in modules_with("getLogger"):
        room = module.relative_to(SOURCE).parts[0].removesuffix(".py")
        for node in ast.parse(module.read_text()).body:
            call = node.value if isinstance(node, ast.Assign) else None
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("getLogger"):
                continue
            name = ast.literal_eval(call.args[0])
            if name not in (f"liftgate.{room}", "liftgate.access", "uvicorn.error"):
                wrong.append(f"{name_of(module)}: {name}")
    assert wrong == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_module_keeps_its_size_and_says_what_it_is(module: Path) -> None:
    text = module.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= LONGEST_FILE
    too_long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in functions(tree)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert too_long == []
    assert not text.strip() or ast.get_docstring(tree), "a module says what it is"


HOUSE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PLACES = {place for module in MODULES for place in (module.relative_to(SOURCE), *module.relative_to(SOURCE).parents)}
KNOWN = {"/".join(place.with_suffix("").parts[at:]) for place in PLACES for at in range(len(place.parts))}
"""Rooms and modules, by as much of their path as the page may name."""
WORD = re.compile(r"[a-z]\w+(?:-\w+)*")


def test_page_of_the_house_names_modules_that_are_there() -> None:
    """A word in the tables that could be a module is one; what is none is named here."""
    words = {
        word.rstrip("/").removesuffix(".py")
        for line in HOUSE[HOUSE.index("## The house") : HOUSE.index("## The words")].splitlines()
        if line.startswith("| ")
        for word in re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)*(?:\.py)?/?)`", line)
    }
    assert len(words) > 60
    assert words - KNOWN - {"open_services", "retry_after"} == set()
    rooms = {module.relative_to(SOURCE).parts[0].removesuffix(".py") for module in MODULES}
    assert rooms - words - {"__init__", "__main__"} == set()


@functools.cache
def words_of_the_source() -> frozenset[str]:
    paths = [path for ending in ("py", "sql", "js") for path in SOURCE.rglob(f"*.{ending}")]
    return frozenset(word for path in paths for word in WORD.findall(path.read_text("utf-8").casefold()))


def is_there(quoted: str) -> bool:
    """A path is one of the tree, `module.Name` is defined in that module, and of anything else each word stands
    somewhere in the source."""
    if quoted.rstrip("/").removesuffix(".py") in KNOWN or any(
        (place / quoted).exists() for place in (ROOT, SOURCE / "page")
    ):
        return True
    place, _, name = quoted.partition(".")
    if name and place in KNOWN:
        modules = [path for path in MODULES if f"/{name_of(path)}".endswith(f"/{place}.py")]
        return any(re.search(rf"(?m)^ *(?:class|(?:async )?def) {name}\b", path.read_text("utf-8")) for path in modules)
    return ("/" not in quoted or quoted.startswith("/")) and set(
        WORD.findall(quoted.casefold())
    ) <= words_of_the_source()


def test_every_name_on_the_page_of_the_house_is_there() -> None:
    quoted = set(re.findall(r"`([^`\n]+)`", HOUSE))
    assert len(quoted) > 200
    assert [word for word in sorted(quoted) if not is_there(word)] == []


@pytest.mark.parametrize("gone", ["engine/replica", "records.Account", "keys/drawer/", "commit_a_file", "admin tidyup"])
def test_a_name_that_is_gone_is_found(gone: str) -> None:
    assert not is_there(gone)


SPELLED = ("file-", "files/", "models/", "tunedModels/")
"""How Files and models begin: `names` says it, and the sandbox, which imports nothing of ours, for itself."""


def test_files_and_models_are_spelled_in_one_place() -> None:
    elsewhere = [
        f"{name_of(module)}:{node.lineno}: {node.value!r}"
        for module in modules_with(*SPELLED)
        if module.relative_to(SOURCE).parts[0] not in ("names.py", "sandbox")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and node.value in SPELLED
    ]
    assert elsewhere == []


SQL = re.compile(r"\s*(?:SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|(?:CREATE|ALTER|DROP) TABLE|PRAGMA) ")


def test_sql_is_in_the_catalogue_alone() -> None:
    elsewhere = [
        f"{name_of(module)}:{node.lineno}: {node.value!r}"
        for module in modules_with("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", " TABLE ", "PRAGMA ")
        if module.relative_to(SOURCE).parts[0] not in ("catalog", "sandbox")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert elsewhere == []


def test_modules_of_tests_have_names_of_their_own() -> None:
    """They are imported by these: of two with one name a whole run has the first alone."""
    names = Counter(module.name for module in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_drawer_for_everything() -> None:
    named = {part.removesuffix(".py") for module in MODULES for part in module.relative_to(SOURCE).parts}
    assert named & FORBIDDEN == set()


def imports(module: Path) -> Iterator[str]:
    """The modules of ours that it names anywhere, inside functions too; not what only the type checker reads."""
    name = dotted(module)
    for node in unchecked(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if below in NAMES else node.module
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{name}: a relative import")


def unchecked(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from unchecked(node)


def dotted(module: Path) -> str:
    parts = ("liftgate", *module.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(module): module for module in MODULES}


def circles(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that reach each other, a line for each circle."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in graph.get(waiting.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        reached[start] = seen
    found = {frozenset({other for other in reached[name] if name in reached[other]}) for name in graph}
    return sorted(" <-> ".join(sorted(circle)) for circle in found if circle)


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a <-> b <-> c"]


def test_no_import_goes_round_in_a_circle_not_even_inside_a_function() -> None:
    graph = {
        dotted(module): {name for name in imports(module) if name in NAMES} - {dotted(module)} for module in MODULES
    }
    assert circles(graph) == []


def test_no_function_rebinds_a_module() -> None:
    rebinding = [
        f"{name_of(module)}:{node.lineno}"
        for module in modules_with("global ")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Global)
    ]
    assert rebinding == []


@pytest.mark.parametrize(
    ("loads", "without"),
    [
        ("liftgate", HEAVY),
        ("liftgate.cli.main", [name for name in HEAVY if name != "click"]),
        (
            "liftgate.sdk.functions, liftgate.sdk.direct",
            (*FOR_FEW, "sqlite3", "liftgate.dialects.responses", "liftgate.gateway"),
        ),
        ("liftgate.cli.serve.command, liftgate.server.run", FOR_FEW),
    ],
    ids=["the package", "the command line", "a chat of the SDK", "a gateway"],
)
def test_a_start_loads_nothing_that_few_need(loads: str, without: Sequence[str]) -> None:
    program = f"import sys, {loads}; print([name for name in {without!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_chat_with_a_live_file_runs_in_few_files() -> None:
    """Counted on the event loop of a real gateway: every chat pays for a thirty-first, and its reader opens it."""
    measure = ROOT / "scripts" / "measures" / "files_of_a_chat.py"
    command = [sys.executable, str(measure), "--names"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    first, *names = done.stdout.splitlines()
    assert names[:1] == ["  answer/choice.py"] and "  engine/generate.py" in names, done.stdout
    assert f"live file: {len(names)} " in first
    assert len(names) <= MOST_FILES_OF_A_CHAT, done.stdout


@pytest.mark.parametrize("lock", sorted(SOURCE.parent.parent.glob("requirements*.lock")), ids=lambda lock: lock.name)
def test_every_package_of_a_lock_is_pinned_by_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^ *#.*\n", "", lock.read_text()).strip())
    assert len(entries) > 3
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry and "://" not in entry and " @ " not in entry, entry
