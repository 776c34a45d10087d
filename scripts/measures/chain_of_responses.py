"""What a turn of a long chain costs with a large file in its first turn, beside the same history sent by its client;
and by how much each turn lets the database grow.

.venv/bin/python scripts/measures/chain_of_responses.py [--turns 300] [--megabytes 100] [--tools 60000]
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

AT_ONCE = 40
"""Requests at each depth, of which the mean is told."""
BIN = Path(sys.executable).parent


class House:
    def __init__(self, home: Path) -> None:
        self._running: list[subprocess.Popen[bytes]] = []
        self._home = home
        port = self._start("sandbox", "--port", "0")
        served = {
            "model": "gemini/gemini-2.5-flash",
            "api_key": "key-0123456789",
            "api_base": f"http://127.0.0.1:{port}",
        }
        config = home / "config.yaml"
        config.write_text(json.dumps({"model_list": [{"model_name": "m", "litellm_params": served}]}))
        port = self._start("--config", str(config), "--port", "0", "--data-dir", str(home / "data"))
        self._url = f"http://127.0.0.1:{port}"
        self._pid = self._running[-1].pid

    def _start(self, *arguments: str) -> int:
        log = self._home / f"log{len(self._running)}"
        with log.open("wb") as out:
            self._running.append(subprocess.Popen([BIN / "liftgate", *arguments], stdout=out, stderr=out))
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            if self._running[-1].poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.05)
        return int(found[1])

    def call(self, path: str, body: bytes, kind: str = "application/json") -> Any:
        with urlopen(Request(self._url + path, body, {"Content-Type": kind}), timeout=300) as answer:
            return json.load(answer)

    def ask(self, body: dict[str, Any]) -> Any:
        return self.call("/v1/responses", json.dumps({"model": "m", **body}).encode())

    def upload(self, size: int) -> str:
        form = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--x\r\n'
        form += b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        found: str = self.call(
            "/v1/files", form + b"some words. " * (size // 12) + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
        )["id"]
        return found

    def milliseconds(self) -> float:
        """Of CPU that the gateway has used, all threads."""
        tasks = Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in tasks) / 1e6

    def bytes(self) -> int:
        """Of the catalogue's pages in use, whether they lie in the database yet or in its log."""
        with closing(sqlite3.connect(self._home / "data" / "catalog.db")) as catalog:
            [(used,)] = catalog.execute(
                "SELECT (page_count - freelist_count) * page_size"
                " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
            )
        found: int = used
        return found

    def end(self) -> None:
        for each in reversed(self._running):
            each.terminate()
            each.wait()


def mean(house: House, body: dict[str, Any]) -> float:
    house.ask(body)
    before = house.milliseconds()
    for _ in range(AT_ONCE):
        house.ask(body)
    return (house.milliseconds() - before) / AT_ONCE


def measure(house: House, turns: int, size: int, settings: dict[str, Any]) -> None:
    file_id = house.upload(size)
    beginning = [
        {"role": "user", "content": [{"type": "input_file", "file_id": file_id}, {"type": "input_text", "text": "?"}]}
    ]
    depths = [1, turns // 2, turns]
    history: list[dict[str, Any]] = []
    last: dict[str, Any] = {}
    grown: list[int] = []
    first, first_sent = 0.0, 0.0
    print("| turn | stored, ms | history sent, ms | stored / (1st + what the history costs) |\n|---|---|---|---|")
    for turn in range(1, turns + 1):
        given = beginning if turn == 1 else [{"role": "user", "content": f"question {turn}"}]
        more = {"previous_response_id": last["id"]} if last else {}
        if turn in depths:
            stored = mean(house, {"input": given, **more, **settings})
            sent = mean(house, {"input": history + given, "store": False, **settings})
            if turn == 1:
                first, first_sent = stored, sent
            share = stored / (first + sent - first_sent)
            print(f"| {turn} | {stored:.2f} | {sent:.2f} | {share:.2f} |", flush=True)
        before = house.bytes()
        last = house.ask({"input": given, **more, **settings})
        grown.append(house.bytes() - before)
        history += [*given, *last["output"]]
    settled = sum(grown[turns // 10 :]) / len(grown[turns // 10 :])
    print(f"\nThe database grew by {settled:.0f} bytes a turn, {grown[0]} at the first.")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=300)
    arguments.add_argument("--megabytes", type=int, default=100)
    arguments.add_argument("--tools", type=int, default=0, help="bytes of tools that each turn sends")
    given = arguments.parse_args()
    settings: dict[str, Any] = {}
    if given.tools:
        tool = {"type": "function", "description": "d" * 900, "parameters": {"type": "object", "properties": {}}}
        settings["tools"] = [{**tool, "name": f"f{number}"} for number in range(given.tools // 1000)]
    with tempfile.TemporaryDirectory() as home:
        house = House(Path(home))
        try:
            measure(house, given.turns, given.megabytes * 1_000_000, settings)
        finally:
            house.end()


if __name__ == "__main__":
    main()
