"""OpenAI's published schemas as a judge of our answers; the tests that need them skip where they are not there."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DIRECTORY = Path(__file__).resolve().parents[3] / "shared" / "openai"


@cache
def _spec() -> Any:
    found = importlib.util.spec_from_file_location("openai_validate", DIRECTORY / "validate.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.Spec(str(DIRECTORY / "subset.yaml"))


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """`path` without `/v1`. Raises what jsonschema finds wrong."""
    if not (DIRECTORY / "validate.py").exists():
        pytest.skip("the OpenAI schemas are not beside this checkout")
    _spec().check_response(method, path, status, body)


def check(schema: str, body: Any) -> None:
    if not (DIRECTORY / "validate.py").exists():
        pytest.skip("the OpenAI schemas are not beside this checkout")
    _spec().check(schema, body)
