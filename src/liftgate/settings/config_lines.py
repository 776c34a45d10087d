"""Where a setting stands: the file and the line of each, for the sentences about it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml


class Lines:
    """Of a config and the files that it includes, in the order in which they were joined."""

    def __init__(self) -> None:
        self._files: list[tuple[Path, yaml.Node]] = []

    def add(self, path: Path, root: yaml.Node) -> None:
        self._files.append((path, root))

    def place(self, sentence: str) -> str:
        """A sentence of the form `FILE: section.name …`, with the line where that stands and the file that has it. Of
        what does not stand there, as a setting that is missing, it is the line of the entry or section it belongs to.
        """
        if not self._files:
            return sentence
        start = f"{self._files[0][0]}: "
        setting = re.match(r"[^\s:]+", sentence.removeprefix(start)) if sentence.startswith(start) else None
        if setting is None:
            return sentence
        steps = _steps(setting[0])
        found = [(self._follow(steps, number), path) for number, (path, _) in enumerate(self._files)]
        (depth, line), path = max(found, key=lambda each: each[0][0])
        return f"{path}, line {line}: {sentence.removeprefix(start)}" if depth else sentence

    def place_in(self, path: Path, setting: str) -> str:
        """`FILE, line N` of a setting in the file that was read last from this path; `FILE` where it does not stand."""
        numbers = [number for number, (file, _) in enumerate(self._files) if file == path]
        depth, line = self._follow(_steps(setting), numbers[-1], shared=False) if numbers else (0, 1)
        return f"{path}, line {line}" if depth else str(path)

    def places(self, setting: str) -> list[str]:
        """`FILE, line N` for each file that has the setting."""
        steps = _steps(setting)
        found = [(self._follow(steps, number), path) for number, (path, _) in enumerate(self._files)]
        return [f"{path}, line {line}" for (depth, line), path in found if depth == len(steps)]

    def _follow(self, steps: list[str], number: int, *, shared: bool = True) -> tuple[int, int]:
        """How many of the steps a file has, and the line of the last. `shared`: lists of several files are one."""
        node, line, taken = self._files[number][1], 1, 0
        while taken < len(steps):
            if isinstance(node, yaml.SequenceNode) and steps[taken].isdecimal():
                # A shared list of this file begins after those of the files before it.
                index = int(steps[taken]) - (self._listed(steps[0], number) if taken == 1 and shared else 0)
                if not 0 <= index < len(node.value):
                    break
                node, used = node.value[index], 1
                line = node.start_mark.line + 1
            elif isinstance(node, yaml.MappingNode) and (pair := _named(node, steps[taken:])):
                key, node, used = pair
                line = key.start_mark.line + 1
            else:
                break
            taken += used
        return taken, line

    def _listed(self, section: str, number: int) -> int:
        """How long the list of this section is in the files before."""
        lists = [pair[1] for _, root in self._files[:number] if (pair := _named(root, [section]))]
        return sum(len(each.value) for each in lists if isinstance(each, yaml.SequenceNode))


def _steps(setting: str) -> list[str]:
    return re.findall(r"[^.\[\]]+", setting)


def _named(node: yaml.Node, steps: list[str]) -> tuple[yaml.Node, yaml.Node, int] | None:
    """The key, its value, and how many of the steps are its name: names may have dots in them."""
    if isinstance(node, yaml.MappingNode):
        for used in range(1, len(steps) + 1):
            name = ".".join(steps[:used])
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value == name:
                    return key, value, used
    return None
