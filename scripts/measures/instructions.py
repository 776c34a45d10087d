"""What a chat and an event of a stream take in instructions of user mode, as valgrind counts them: unlike a time, the
same on a busy machine. The kernel's part (about a quarter of a chat's CPU time, and the same for all) is not in it.

.venv/bin/python scripts/measures/instructions.py [--beside CHECKOUT] [--connections 64] [--each 25]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.load import streams  # noqa: E402 - not a package of the environment
from bench.load.one import Line  # noqa: E402
from bench.machine import cores  # noqa: E402
from bench.standin.answers import EVENTS  # noqa: E402
from bench.standin.upstreams import Upstreams, upstreams  # noqa: E402
from bench.systems import ours  # noqa: E402
from bench.systems.system import Running, Site, System  # noqa: E402

PATIENCE = 600.0
"""Seconds. A program that is counted is fifty times as slow."""
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


class Rig:
    def __init__(self, standins: Upstreams, run_dir: Path, options: argparse.Namespace) -> None:
        self._standins = standins
        self._run_dir = run_dir
        self._options = options

    def per_chat(self, make: Callable[[tuple[str, ...]], System]) -> float:
        def load(running: Running, each: int) -> int:
            request, port = running.door.chat(), running.door.port

            def ask(_: int) -> None:
                with Line(port, PATIENCE) as line:
                    for _ in range(each):
                        assert line.ask(request).status == 200

            with ThreadPoolExecutor(self._options.connections) as threads:
                list(threads.map(ask, range(self._options.connections)))
            return each * self._options.connections

        return self._instructions(make, self._standins.chat, load)

    def per_event(self, make: Callable[[tuple[str, ...]], System]) -> float:
        def load(running: Running, each: int) -> int:
            connections = self._options.connections
            found = streams.run(
                running.door.stream(),
                running.door.port,
                connections=connections,
                streams=max(connections, each * connections // EVENTS),
                seconds=PATIENCE,
            )
            assert not found.short, found.short
            return found.events

        return self._instructions(make, self._standins.streams, load)

    def _instructions(
        self, make: Callable[[tuple[str, ...]], System], upstream: int, load: Callable[[Running, int], int]
    ) -> float:
        out = self._run_dir / "callgrind.out"
        under = ("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}")
        running = replace(make(under), patience=PATIENCE).start(Site(upstream, cores().gateway, self._run_dir))
        try:
            load(running, 3)
            with self._counting(running):
                done = load(running, self._options.each)
        finally:
            running.stop()
        return int(_TOTAL.findall(out.read_text())[-1]) / done

    @contextmanager
    def _counting(self, running: Running) -> Iterator[None]:
        def switch(word: str) -> None:
            assert running.started is not None
            # It finds the process by a file where that one keeps what is temporary.
            subprocess.run(
                ["callgrind_control", "-i", word, str(running.started.pid)],
                check=True,
                capture_output=True,
                timeout=60,
                env={**os.environ, "TMPDIR": str(self._run_dir)},
            )

        switch("on")
        yield
        switch("off")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="another checkout, with nothing on, from its .venv"
    )
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--each", type=int, default=25, help="chats of each connection")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed.")
    home = ROOT / ".venv"
    systems: dict[str, Callable[[tuple[str, ...]], System]] = {}
    if (checkout := options.beside) is not None:
        systems["beside, nothing on"] = lambda under: ours.liftgate(checkout.resolve() / ".venv", under=under)
    systems["nothing on"] = lambda under: ours.liftgate(home, under=under)
    systems["all on"] = lambda under: ours.counted(home, under)
    with tempfile.TemporaryDirectory() as made:
        run_dir = Path(made)
        with upstreams(run_dir, cores().upstream) as standins:
            rig = Rig(standins, run_dir, options)
            print("| | a chat: thousand instructions | × the first | an event | × the first |")
            print("| --- | ---: | ---: | ---: | ---: |")
            first: tuple[float, float] | None = None
            for name, make in systems.items():
                chat, event = rig.per_chat(make), rig.per_event(make)
                first = first or (chat, event)
                cells = f"{chat / 1000:.0f} | {chat / first[0]:.2f} | {event / 1000:.1f} | {event / first[1]:.2f}"
                print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
