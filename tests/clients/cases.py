"""What the Python programs share: cases by name, each of which passes or says what went wrong."""

import asyncio
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

MODEL = "gemini-3-flash-preview"
KEY = "sk-ann"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

ERRORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "responses_errors.json").read_text("utf-8"))
"""Requests of Responses that OpenAI refuses, each with the refusal; `without`: what is left out of it."""


@contextmanager
def held() -> Iterator[None]:
    """Gemini answers nothing until this ends. The sandbox stands second in the program's arguments."""
    faults = f"{sys.argv[2]}/sandbox/faults"
    order = {"kind": "stall", "operation": "generate", "after_bytes": 0, "times": None}
    urlopen(Request(faults, json.dumps(order).encode(), {"Content-Type": "application/json"}), timeout=30).close()
    try:
        yield
    finally:
        urlopen(Request(faults, method="DELETE"), timeout=30).close()


async def run(cases: dict[str, Callable[[], Any]]) -> None:
    """Prints one JSON object: "ok" or the error, by the case's name."""
    told = {}
    for name, case in cases.items():
        try:
            # What is not async may make an event loop of its own, which its thread must not have yet.
            result = case() if inspect.iscoroutinefunction(case) else await asyncio.to_thread(case)
            if inspect.isawaitable(result):
                await result
            told[name] = "ok"
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            told[name] = f"{type(error).__name__}: {error}"[:300]
    # On a line of its own: a client may have printed a line without its end.
    print("\n" + json.dumps(told))
