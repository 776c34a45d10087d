"""The `liftgate` command as people run it: a process, its banner, its exit codes, and signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

import forked
from liftgate import __version__
from waiting import until

CONFIG = "model_list: [{model_name: m, litellm_params: {model: gemini/gemini-2.0-flash}}]\n"
DEADLINE = 30.0


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONWARNINGS": "error::ResourceWarning", **more}


def ended(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return forked.run_text(arguments, env=environment(home, **more))


@dataclass(frozen=True)
class Started:
    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    @property
    def base(self) -> str:
        """The address of the banner; waits for it."""
        deadline = time.monotonic() + DEADLINE
        while (found := re.search(r"http://\S+", self.output.read_text())) is None:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)
        return found[0]

    def end(self) -> tuple[str, str]:
        """Ends it with SIGTERM; what it wrote to standard output and error."""
        self.process.terminate()
        assert self.process.wait(DEADLINE) == 0, self.log.read_text()
        return self.output.read_text(), self.log.read_text()


def started(home: Path, *arguments: str, **more: str) -> AbstractContextManager[Started]:
    """The command while it runs; ended with SIGTERM when the test has not ended it."""
    return running_with(home, arguments, more)


@contextmanager
def running_with(
    home: Path, arguments: Sequence[str], more: Mapping[str, str], *, fresh: bool = not forked.HERE
) -> Iterator[Started]:
    """`fresh`: by an interpreter of its own."""
    output, log = home / "output.txt", home / "log.txt"
    with output.open("wb") as out, log.open("wb") as err:
        env = environment(home, **more)
        process = forked.started(arguments, stdout=out, stderr=err, env=env, fresh=fresh)
    try:
        yield Started(process, output, log)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()


def fetch(url: str, *, key: str = "", body: bytes | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(url, data=body, headers=headers), timeout=DEADLINE) as answer:
        return answer.status, answer.read()


def test_version_is_told(tmp_path: Path) -> None:
    for flag in ("--version", "-v"):
        command = [sys.executable, "-m", "liftgate.cli.main", flag]
        done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=DEADLINE)
        assert done.stdout == f"liftgate {__version__}\n"


def test_help_says_how_to_begin_and_lists_the_settings(tmp_path: Path) -> None:
    shown = ended(tmp_path, "--help").stdout
    for said in ("liftgate --config config.yaml", "--num-workers", "Listening:", "sandbox", "demo", "[default: 4000]"):
        assert said in shown
    assert "Run an emulator of the Gemini API" in ended(tmp_path, "sandbox", "--help").stdout


def test_help_and_version_load_no_server(tmp_path: Path) -> None:
    code = (
        "import sys, click.testing, liftgate.cli.main as m\n"
        "for flag in ('--help', '--version'):\n"
        "    assert click.testing.CliRunner().invoke(m.cli, [flag]).exit_code == 0\n"
        "heavy = {'uvicorn', 'aiohttp', 'yaml', 'rich', 'sqlite3', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        ([], "No model to serve"),
        (["--sandbox", "--port", "many"], "--port: expected a whole number"),
        (["--sandbox", "--host", "0.0.0.0"], "no key is configured"),
        (["--sandbox", "--host", "192.0.2.1"], "no key is configured"),
        (["--sandbox", "--data-dir", "/dev/null/x"], "--data-dir /dev/null/x"),
        (["--sandbox", "--database-url", "mysql://x"], "mysql"),
        (["sandbox", "--project", "nonsense"], "expected KEY=PROJECT"),
    ],
)
def test_a_mistake_ends_with_2_and_one_sentence(tmp_path: Path, arguments: Sequence[str], expected: str) -> None:
    done = ended(tmp_path, *arguments)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert done.stderr.startswith("liftgate: ") and done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["--colour", "red"], ["paint"], ["--port"], ["--port", "1", "sandbox"], ["--sandbox", "demo"]]
)
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: Sequence[str]) -> None:
    assert ended(tmp_path, *arguments).returncode == 2


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with started(tmp_path, "--sandbox", "--port", "0") as running:
        done = ended(tmp_path, "--sandbox", "--port", running.base.rsplit(":", 1)[1])
    assert done.returncode == 2
    assert "Address already in use" in done.stderr


def test_the_gateway_with_its_sandbox_serves_and_ends_on_a_signal(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    arguments = ["--config", str(tmp_path / "config.yaml"), "--sandbox", "--port", "0", "--access_log"]
    with running_with(tmp_path, arguments, {}, fresh=True) as running:
        assert fetch(f"{running.base}/health/readiness")[0] == 200
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "are you there?"}]}).encode()
        status, answer = fetch(f"{running.base}/v1/chat/completions?key=secret-in-the-query", body=body)
        assert status == 200 and b"are you there?" in answer
        shown, logged = running.end()
    assert "no key configured" in shown and "sandbox is Gemini here" in shown
    assert re.search(r"POST /v1/chat/completions 200 [\d.]+ms \d+B local req_\w+", logged)
    assert "secret-in-the-query" not in shown + logged
    # Without --data-dir what a sandbox kept is thrown away.
    assert not (tmp_path / ".local").exists()


def test_the_data_directory_keeps_files_over_a_restart(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    arguments = ["-c", str(tmp_path / "config.yaml"), "--sandbox", "--port=0", "--data_dir", str(tmp_path / "kept")]
    body = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nkept\r\n--b--\r\n'
    )
    with started(tmp_path, *arguments) as running:
        request = Request(f"{running.base}/v1/files", body, {"Content-Type": "multipart/form-data; boundary=b"})
        with urlopen(request, timeout=DEADLINE) as answer:
            file_id = json.loads(answer.read())["id"]
    with started(tmp_path, *arguments) as running:
        assert fetch(f"{running.base}/v1/files/{file_id}/content") == (200, b"kept")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG + "liftgate_settings: {keys: [{name: red, key: os.environ/RED}]}\n")
    secrets = {"LIFTGATE_MASTER_KEY": "master-secret-1", "RED": "red-secret-1", "GEMINI_API_KEY": "google-secret-1"}
    arguments = ["--config", str(tmp_path / "config.yaml"), "--sandbox", "--port", "0", "--access-log"]
    with started(tmp_path, *arguments, **secrets) as running:
        assert fetch(f"{running.base}/v1/models", key="red-secret-1")[0] == 200
        with pytest.raises(URLError):
            fetch(f"{running.base}/v1/models", key="wrong-secret-1")
        shown, logged = running.end()
    assert "2 (master, red)" in shown
    for secret in (*secrets.values(), "wrong-secret-1"):
        assert secret not in shown + logged


def test_workers_share_the_port_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    arguments = ["--config", str(tmp_path / "config.yaml"), "--sandbox", "--port", "0", "--num_workers", "2"]
    with started(tmp_path, *arguments) as running:
        base = running.base
        first = workers_of(running.process.pid)
        assert len(first) == 2
        assert all(fetch(f"{base}/health/liveness")[0] == 200 for _ in range(10))
        os.kill(first[0], signal.SIGKILL)
        until(lambda: first[0] not in (now := workers_of(running.process.pid)) and len(now) == 2)
        # The new one is not there at once; the other one is all the time.
        until(lambda: running.log.read_text().count("starting another") == 1)
        assert all(fetch(f"{base}/health/liveness")[0] == 200 for _ in range(10))
        running.end()
        assert not [pid for pid in first if alive(pid)]


def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    arguments = ["--config", str(tmp_path / "config.yaml"), "--sandbox", "--port", "0", "--num-workers", "2"]
    with started(tmp_path, *arguments) as running:
        assert running.base
        workers = workers_of(running.process.pid)
        running.process.kill()
        running.process.wait(DEADLINE)
        until(lambda: not any(alive(pid) for pid in workers))


def workers_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.exists():
        pytest.skip("this system does not list a process's children")
    return [int(child) for child in found.read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_sandbox_runs_by_itself(tmp_path: Path) -> None:
    with started(tmp_path, "sandbox", "--port", "0", "--project", "key-a=project-a", "--closed") as running:
        base = running.base
        until(lambda: answers(base))
        request = Request(f"{base}/v1beta/files", headers={"x-goog-api-key": "key-a"})
        with urlopen(request, timeout=DEADLINE) as answer:
            assert answer.status == 200
        with pytest.raises(URLError):
            fetch(f"{base}/v1beta/files?key=another")


def answers(base: str) -> bool:
    try:
        return fetch(f"{base}/sandbox/stats")[0] == 200
    except URLError:
        return False
