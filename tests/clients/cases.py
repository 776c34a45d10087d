"""What the Python programs share: cases by name, each of which passes or says what went wrong."""

import asyncio
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

MODEL = "gemini-3-flash-preview"
KEY = "sk-ann"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


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
    print(json.dumps(told))
