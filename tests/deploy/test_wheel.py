"""The wheel as people install it: alone, and with each extra alone. It starts, serves, and says in a sentence which
extra is missing when something needs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authorities import outside
from raw_http import call

ROOT = Path(__file__).parents[2]
UV = ROOT / ".tools" / "bin" / "uv"
EXTRAS = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
GOOGLES_KEY = "AIza-of-the-test-of-wheels-0123456789"
NEEDS = {
    "demo": (["demo"], "the demo needs the official OpenAI client: pip install openai"),
    "postgres": (["--database-url", "postgresql://u@127.0.0.1:1/none"], "pip install '.[postgres]'"),
    "objects": (["--blob-store", "s3://bucket/prefix"], "pip install '.[objects]'"),
}
"""What asks for an extra, and the sentence where it is missing."""
SDK = """
import json, sys
import liftgate
from liftgate.exceptions import RateLimitError
with liftgate.Liftgate(data_dir=sys.argv[1], api_key=sys.argv[2]) as client:
    print(json.dumps([liftgate.__version__, len(client.file_list().data)]))
"""


def run(*command: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """The demo asks the emulator where there is no key."""
    environ = {name: value for name, value in outside().items() if not name.startswith(("LIFTGATE_", "G"))}
    if command[-1] != "demo":
        environ["GEMINI_API_KEY"] = GOOGLES_KEY
    return subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, env=environ, stdin=subprocess.DEVNULL
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = place.glob("*.whl")
    return made


@contextmanager
def served(command: list[str], log: Path) -> Iterator[str]:
    """The address that it tells when it listens."""
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environ) as gateway,
    ):
        try:
            while not (told := [word for word in log.read_text().split() if word.startswith("http://127.0.0.1:")]):
                assert gateway.poll() is None, log.read_text()
                time.sleep(0.05)
            yield told[0].rstrip("/")
        finally:
            gateway.terminate()


@pytest.mark.full
@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_wheel_with_one_extra(extra: str, wheel: Path, tmp_path: Path) -> None:
    """From the registry, as pip would: an environment for each."""
    assert set(NEEDS) == set(EXTRAS), "an extra that nothing asks for here"
    place = tmp_path / "environment"
    assert run(str(UV), "venv", "--quiet", "--python", sys.executable, str(place)).returncode == 0
    installed = run(
        str(UV), "pip", "install", "--quiet", "--python", str(place), f"{wheel}[{extra}]" if extra else str(wheel)
    )
    assert installed.returncode == 0, installed.stderr
    python, program = str(place / "bin" / "python"), str(place / "bin" / "liftgate")
    told = run(python, "-X", "dev", "-W", "error", "-c", SDK, str(tmp_path / "sdk"), GOOGLES_KEY)
    assert (told.returncode, told.stderr) == (0, "")
    version, files = json.loads(told.stdout)
    assert run(program, "--version").stdout == f"liftgate {version}\n" and files == 0
    for needed, (arguments, sentence) in NEEDS.items():
        done = run(
            program, *arguments, *([] if arguments == ["demo"] else ["--port", "0", "--data-dir", str(tmp_path)])
        )
        assert "Traceback" not in done.stderr
        assert (sentence in done.stderr) == (needed != extra), done.stderr
        assert (done.returncode == 0) == (needed == extra == "demo")
    with served([program, "--sandbox", "--port", "0", "--data-dir", str(tmp_path / "data")], tmp_path / "log") as base:
        body = {"model": "gemini-flash-latest", "messages": [{"role": "user", "content": "Hello"}]}
        answer = call(base, "POST", "/v1/chat/completions", json.dumps(body).encode())
        assert answer.status == 200 and "Hello" in answer.json()["choices"][0]["message"]["content"]
        assert call(base, "GET", "/ui").status == 200


@pytest.mark.full
def test_the_wheel_with_the_oldest_libraries_that_it_takes(wheel: Path, tmp_path: Path) -> None:
    """Whoever has such a library for another program's sake: what starts serves, and no command ends in a traceback."""
    place = tmp_path / "environment"
    assert run(str(UV), "venv", "--quiet", "--python", sys.executable, str(place)).returncode == 0
    installed = run(
        str(UV), "pip", "install", "--quiet", "--python", str(place), "--resolution", "lowest-direct",
        f"{wheel}[{','.join(EXTRAS)}]",
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    program = str(place / "bin" / "liftgate")
    told = run(str(place / "bin" / "python"), "-c", SDK, str(tmp_path / "sdk"), GOOGLES_KEY)
    assert told.returncode == 0, told.stderr
    note = tmp_path / "note.txt"
    note.write_text("The ferry leaves at nine.")
    with served([program, "--sandbox", "--port", "0", "--data-dir", str(tmp_path / "data")], tmp_path / "log") as base:
        here, data = ("--base-url", base), ("--data-dir", str(tmp_path / "data"))
        for command in (
            ("files", "upload", str(note), "--purpose", "user_data", *here),
            ("files", "ls", "--purpose", "user_data", *here),
            ("chat", "When?", "--file", str(note), *here),
            ("admin", "owners", *data),
            ("admin", "check", *data),
            ("admin", "spend", "--since", "2026-11-28", *data),
            *((*each, "--help") for each in (("files", "ls"), ("chat",), ("admin", "keys", "generate"), ("sandbox",))),
        ):
            done = run(program, *command)
            assert (done.returncode, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
        for wrong in (("files", "nothing"), ("files", "ls", "--limit", "x", *here), ("admin", "spend", "--since", "x")):
            done = run(program, *wrong)
            assert (done.returncode, "Traceback" in done.stderr) == (2, False), (wrong, done.stderr)
    shown = subprocess.run(["/bin/sh", "-c", f"exec {program} --version >&-"], capture_output=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, b"")
