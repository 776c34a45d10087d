"""Fixtures of the sandbox's own tests: a sandbox on a socket, and the official client in front of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from google import genai
from google.genai import types

from liftgate.sandbox.app import SandboxSettings, create_app
from sandbox_wire import Wire
from serving import serve

PROJECTS = {"key-a1": "project-a", "key-a2": "project-a", "key-b1": "project-b"}


@pytest.fixture
def sandbox() -> Iterator[Wire]:
    """A sandbox with two projects, of which the first has two keys."""
    with serve(create_app(SandboxSettings(projects=PROJECTS, video_processing=0.05))) as base:
        yield Wire(base, "key-a1")


@pytest.fixture
def make_sandbox() -> Iterator[Callable[..., Wire]]:
    """Makes sandboxes with the given fields of SandboxSettings; all end with the test."""
    with ExitStack() as stack:

        def make(**fields: Any) -> Wire:
            settings = replace(SandboxSettings(projects=PROJECTS, video_processing=0.05), **fields)
            return Wire(stack.enter_context(serve(create_app(settings))), "key-a1")

        yield make


@pytest.fixture
def genai_client(sandbox: Wire) -> Iterator[genai.Client]:
    """google-genai as anybody uses it, with only the base URL changed."""
    client = genai.Client(api_key=sandbox.key, http_options=types.HttpOptions(base_url=sandbox.base))
    yield client
    client.close()
