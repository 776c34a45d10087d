"""The client objects and where their work runs: threads, running loops, forks, the end of a process."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, Self

import pytest

import liftgate
from liftgate import AsyncLiftgate, Liftgate
from liftgate.errors import AuthenticationFailed
from liftgate.sandbox.app import SandboxSettings, create_app
from sdk_sandbox import MODEL, ROOT, Sandbox, asking, engines_threads
from serving import serve
from waiting import until

HELLO = [{"role": "user", "content": "Hello"}]


def _script(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What asyncio's debug mode says of slow steps is left out: a busy machine has them."""
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    run.stderr = "".join(line for line in run.stderr.splitlines(True) if not line.startswith("Executing <"))
    return run


def test_a_client_holds_its_key_and_root(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("GEMINI_API_BASE")
    with Liftgate(api_key="key-b", api_base=sandbox.url) as client:
        file = client.create_file(file=b"some text")
        assert client.completion(MODEL, asking(file.id)).choices[0].message.content
        assert sandbox.files()[0]["project"] == "two"
        with pytest.raises(AuthenticationFailed):
            client.file_retrieve(file.id, api_key="invalid-key")


def test_an_async_client_works_on_the_callers_loop(sandbox: Sandbox) -> None:
    async def talk() -> None:
        async with AsyncLiftgate() as client:
            threads = engines_threads()
            file = await client.create_file(file=("a.txt", b"some text"))
            assert (await client.completion(MODEL, asking(file.id))).choices[0].message.content
            stream = await client.completion(MODEL, asking(file.id), stream=True)
            assert [chunk async for chunk in stream]
            assert (await client.file_list()).data[0].id == file.id
            assert engines_threads() <= threads
        with pytest.raises(RuntimeError, match="async with"):
            await client.file_list()

    asyncio.run(talk())


def test_a_closed_client_starts_anew(sandbox: Sandbox) -> None:
    client = Liftgate()
    for _ in range(2):
        assert len(client.file_list()) == 0
        client.close()
        client.close()


@pytest.mark.parametrize("read", [1, None])
def test_a_stream_that_is_closed_after_its_client_makes_no_other_engine(
    sandbox: Sandbox, tmp_path: Path, read: int | None
) -> None:
    before = engines_threads()
    with Liftgate(data_dir=tmp_path) as client:
        streams: list[Any] = [
            client.completion(MODEL, HELLO, stream=True),
            client.responses("Hello", MODEL, stream=True),
        ]
        for stream in streams:
            assert list(islice(stream, read))
        assert engines_threads() > before
    # Threads of a store that may hang are told to end, and not waited for.
    until(lambda: engines_threads() <= before)
    for stream in streams:
        stream.close()
        assert list(stream) == []
    assert engines_threads() <= before


def test_sync_functions_work_inside_a_running_loop(sandbox: Sandbox) -> None:
    async def cell() -> str:
        file = liftgate.create_file(file=b"some text")
        return str(liftgate.completion(MODEL, asking(file.id)).choices[0].message.content)

    assert "text/plain" in asyncio.run(cell())


def test_many_threads_share_one_loop(sandbox: Sandbox) -> None:
    answers: list[str] = []

    def talk() -> None:
        answers.append(str(liftgate.completion(MODEL, HELLO).choices[0].message.content))

    threads = [threading.Thread(target=talk) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 16
    assert len([thread for thread in threading.enumerate() if thread.name == "liftgate"]) == 1


FORK = """
import os
import liftgate
liftgate.file_list()
child = os.fork()
if child == 0:
    made = liftgate.create_file(file=b"made in the child")
    os._exit(0 if liftgate.file_retrieve(made.id).status == "processed" else 1)
assert os.waitpid(child, 0)[1] == 0
assert len(liftgate.file_list()) == 1
"""


def test_a_forked_child_has_a_loop_of_its_own(sandbox: Sandbox) -> None:
    run = _script(FORK)
    assert (run.returncode, run.stderr) == (0, "")


END = """
import liftgate
file = liftgate.create_file(file=b"some text")
stream = liftgate.completion("gemini-2.0-flash", [{"role": "user", "content": "Hello"}], stream=True)
print(next(stream).choices[0].delta.role)
"""


def test_a_process_ends_clean_with_a_stream_half_read(sandbox: Sandbox) -> None:
    run = _script(END)
    assert (run.returncode, run.stdout, run.stderr) == (0, "assistant\n", "")


def test_the_documented_example_runs_with_only_the_environment_set(sandbox: Sandbox, wav: bytes) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GEMINI_", "GOOGLE_"))}
    environ |= {"GEMINI_API_BASE": sandbox.url, "GEMINI_API_KEY": "key-a"}
    run = subprocess.run(
        [sys.executable, "tests/docs/older_programs/sdk.py"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("file: FileObject(id='https://generativelanguage.googleapis.com/v1beta/files/")
    assert f"{len(wav)} bytes" in run.stdout
    assert "audio/wav" in run.stdout


def test_a_synchronous_call_on_liftgates_own_loop_is_refused_and_does_not_hang(sandbox: Sandbox) -> None:
    class Pieces:
        def __aiter__(self) -> Self:
            return self

        async def __anext__(self) -> bytes:
            liftgate.file_list()
            return b""

    with pytest.raises(RuntimeError, match="async twin"):
        liftgate.create_file(file=Pieces())
    assert liftgate.create_file(file=b"one").bytes == 3


FRAMES = """
import asyncio, sys, traceback
import liftgate
from liftgate import Liftgate, acompletion, completion, create_file
said = [{"role": "user", "content": "hi"}]
key = {"api_key": "wrong"}
calls = {
    "completion": lambda: completion("gemini-2.5-flash", said, **key),
    "stream": lambda: next(iter(completion("gemini-2.5-flash", said, stream=True, **key))),
    "file": lambda: create_file(file=("a.txt", b"abc"), purpose="user_data", **key),
    "client": lambda: Liftgate(**key).completion("gemini-2.5-flash", said),
    "awaited": lambda: asyncio.run(acompletion("gemini-2.5-flash", said, **key)),
    "unknown": lambda: completion("gemini-2.5-flash", said, no_such_parameter=1),
}
for name in sys.argv[1:]:
    try:
        calls[name]()
    except (liftgate.AuthenticationError, liftgate.UnsupportedParamsError) as error:
        found = traceback.extract_tb(error.__traceback__)
        print(*(frame.name for frame in found if "liftgate" in frame.filename or "contextlib" in frame.filename))
        assert error.__cause__ is None and error.__suppress_context__
"""
FAILING = ["completion", "stream", "file", "client", "awaited", "unknown"]


@pytest.fixture(scope="module")
def frames_by_call() -> dict[str, list[str]]:
    """The frames of Liftgate in the traceback of each of FAILING, in a program that catches them."""
    with serve(create_app(SandboxSettings(projects={"right": "project-a"}, open_keys=False))) as sandbox:
        environ = {**os.environ, "GEMINI_API_BASE": sandbox}
        run = subprocess.run(
            [sys.executable, "-c", FRAMES, *FAILING], env=environ, capture_output=True, text=True, check=True
        )
    return {call: line.split() for call, line in zip(FAILING, run.stdout.splitlines(), strict=True)}


@pytest.mark.parametrize("call", FAILING)
def test_an_error_shows_the_callers_line_and_no_engine(call: str, frames_by_call: dict[str, list[str]]) -> None:
    """In a notebook a wrong key was 47 lines, of which one spoke of it."""
    names = frames_by_call[call]
    assert 0 < len(names) <= 3 and set(names) <= {"completion", "acompletion", "method", "__exit__", "__next__"}


@pytest.mark.parametrize("make", [liftgate.Liftgate, liftgate.AsyncLiftgate])
def test_a_directory_that_cannot_be_is_told_where_it_is_named(tmp_path: Path, make: Callable[..., object]) -> None:
    (tmp_path / "file").write_text("no directory")
    for directory in (tmp_path / "file", tmp_path / "file" / "below", "/proc/liftgate"):
        with pytest.raises(liftgate.ConfigError, match="data_dir"):
            make(api_key="key-0123456789", data_dir=directory)
