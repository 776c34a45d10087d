"""The house in numbers: sizes, parameters, cycles, types, docstrings of a source tree, as rows of a table.

python scripts/measures/house.py src/liftgate [--tests tests] [--apart sandbox]
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """`imports`: modules of the tree that it names, with whether it does so inside a function."""

    path: Path
    name: str
    text: str
    tree: ast.Module
    imports: set[tuple[str, bool]] = field(default_factory=set)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node


def read(root: Path) -> list[Module]:
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        found.append(Module(path, name, text, ast.parse(text)))
    names = {module.name for module in found}
    for module in found:
        module.imports = set(_imports(module, names))
    return found


def _imports(module: Module, names: set[str]) -> Iterator[tuple[str, bool]]:
    """Those under `if TYPE_CHECKING` run never, and count for none."""
    typing_only = {
        id(each)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for each in ast.walk(statement)
    }
    lazy = {id(each) for function in module.functions() for each in ast.walk(function)}
    for node in ast.walk(module.tree):
        if id(node) in typing_only:
            continue
        wanted: list[str] = []
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
            wanted = [each if each in names else node.module for each in wanted]
        for each in wanted:
            if each in names and each != module.name:
                yield each, id(node) in lazy


def cycles(modules: Sequence[Module], *, lazy: bool) -> list[list[str]]:
    """Groups of modules that import each other in a ring (Tarjan's components)."""
    edges = {module.name: {name for name, late in module.imports if lazy or not late} for module in modules}
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        numbers[name] = lowest[name] = len(numbers)
        stack.append(name)
        for other in edges.get(name, ()):
            if other not in numbers:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], numbers[other])
        if lowest[name] == numbers[name]:
            ring = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(ring) > 1:
                found.append(sorted(ring))

    for module in modules:
        if module.name not in numbers:
            visit(module.name)
    return found


def _size(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _parameters(node: Function) -> list[ast.arg]:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [each for each in given if each.arg not in ("self", "cls")]


def _public(node: Function) -> bool:
    return not node.name.startswith("_")


def _p90(values: Sequence[int]) -> int:
    return statistics.quantiles(values, n=10)[-1].__round__() if len(values) > 1 else values[0]


def _comments(module: Module) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return sum(token.type == tokenize.COMMENT and not token.string.startswith("#!") for token in tokens)


def _docstring_lines(module: Module) -> int:
    lines = 0
    for node in ast.walk(module.tree):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                lines += (statement.end_lineno or statement.lineno) - statement.lineno + 1
    return lines


def rows(modules: Sequence[Module], tests: Path | None = None) -> list[tuple[str, str]]:
    """(measure, value)."""
    functions = [node for module in modules for node in module.functions()]
    sizes = [module.lines for module in modules]
    long = [_size(node) for node in functions]
    parameters = [len(_parameters(node)) for node in functions]
    classes = [node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    methods = [sum(isinstance(each, Function) for each in node.body) for node in classes]
    arguments = [each for node in functions for each in _parameters(node)]
    text = "\n".join(module.text for module in modules)
    code = sum(1 for line in text.splitlines() if line.strip())
    documented = [node for node in functions if ast.get_docstring(node)]
    public = [node for node in functions if _public(node)]
    names = [node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.Name)]
    casts = [each for each in names if each.id == "cast"]
    docstrings, comments = sum(map(_docstring_lines, modules)), sum(map(_comments, modules))
    code -= docstrings + sum(line.lstrip().startswith("#") for line in text.splitlines())
    found = [
        ("modules / lines", f"{len(modules)} / {sum(sizes):,}"),
        ("file: median, p90, largest", f"{statistics.median(sizes):.0f}, {_p90(sizes)}, {max(sizes)}"),
        (
            "files over 300 / 350 lines (under 50)",
            f"{sum(n > 300 for n in sizes)} / {sum(n > 350 for n in sizes)} ({sum(n < 50 for n in sizes)})",
        ),
        (
            "function: median, p90, longest; over 40, over 60 lines",
            f"{statistics.median(long):.0f}, {_p90(long)}, {max(long)}; "
            f"{sum(n > 40 for n in long)}, {sum(n > 60 for n in long)}",
        ),
        ("parameters p90; functions with more than 7", f"{_p90(parameters)}; {sum(n > 7 for n in parameters)}"),
        ("classes; with more than 10 methods; most", f"{len(classes)}; {sum(n > 10 for n in methods)}; {max(methods)}"),
        (
            "import cycles: at module level / lazy too",
            f"{len(cycles(modules, lazy=False))} / {len(cycles(modules, lazy=True))}",
        ),
        ("lazy imports", str(sum(late for module in modules for _, late in module.imports))),
        (
            "`Any` / ignores / casts / noqa",
            f"{sum(each.id == 'Any' for each in names)} / {len(re.findall('# type: ignore', text))} / {len(casts)} / "
            f"{len(re.findall('# noqa', text))}",
        ),
        (
            "`JsonObject`, `JsonMapping` (objects of JSON whose values are `Any`)",
            f"{sum(each.id in ('JsonObject', 'JsonMapping') for each in names):,}",
        ),
        ("arguments typed", f"{100 * sum(each.annotation is not None for each in arguments) / len(arguments):.0f} %"),
        (
            "functions with docstring; public ones",
            f"{100 * len(documented) / len(functions):.0f} %; "
            f"{100 * sum(map(_public, documented)) / len(public):.0f} %",
        ),
        (
            "comment / docstring lines per 100 of code",
            f"{100 * comments / code:.1f} / {100 * docstrings / code:.0f}",
        ),
    ]
    if tests is not None:
        found.append(("tests: lines per source line; functions; patches of own code", _tests(tests, sum(sizes))))
    return found


def _tests(tests: Path, source: int) -> str:
    files = [path for path in tests.rglob("*.py") if "older_programs" not in path.parts]
    texts = [path.read_text("utf-8") for path in files]
    lines = sum(len(text.splitlines()) for text in texts)
    functions = sum(len(re.findall(r"^(?:async )?def test_", text, re.MULTILINE)) for text in texts)
    patches = sum(len(re.findall(r"""(?:patch|setattr)\(\s*["']?liftgate""", text)) for text in texts)
    return f"{lines / source:.1f}; {functions:,}; {patches}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("source", type=Path)
    arguments.add_argument("--tests", type=Path)
    arguments.add_argument("--apart", default="sandbox", help="a room that is measured beside the others")
    given = arguments.parse_args()
    modules = read(given.source)
    apart = [module for module in modules if module.name.split(".")[1:2] == [given.apart]]
    core = [module for module in modules if module not in apart]
    columns = [dict(rows(core, given.tests)), dict(rows(apart)) if apart else {}]
    print(f"| measure | {given.source.name} without {given.apart} | {given.apart} |" if apart else "| measure | |")
    print("|---|---|---|" if apart else "|---|---|")
    for measure, value in columns[0].items():
        print(f"| {measure} | {value} | {columns[1].get(measure, '–')} |" if apart else f"| {measure} | {value} |")
    for ring in cycles(modules, lazy=True):
        print("cycle:", " → ".join(ring))


if __name__ == "__main__":
    main()
