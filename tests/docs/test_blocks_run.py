"""Every block of the pages that people copy from runs as it stands, or a table says why it cannot.

They run in a directory that looks like a checkout, against a real gateway in front of the sandbox. Only the gateway's
port is exchanged, and the place of a backup.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml

import forked
from fences import ROOT, Block, blocks, commands_in_sentences
from gateways import sandbox_server
from javascript import packages
from liftgate.cli.main import cli
from liftgate.settings.load import load_settings

SECONDS = 60.0
GOOGLE_KEY = "AIzaSyA" + "k" * 32
NOT_RUN = {
    "README.md: ./scripts/demo    # upload a recording, ask about it, let 48 hours pass, ask again": "see test_demo",
    "docs/quickstart.md: ./scripts/demo": "test_demo runs it without the installation",
    "docs/quickstart.md: pip install .              # the gateway and the SDK": "installs; the extras are read below",
    'examples/README.md: espeak-ng -v en-us -s 165 -w spoken.wav "Good morning. The ferry to the island leaves …"': (
        "needs espeak-ng and ffmpeg; what they made is in examples/"
    ),
    "docs/behind-litellm.md: # LiteLLM's config.yaml: Gemini by way of Liftgate, and any other provider beside it.": (
        "LiteLLM's config; test_behind_litellm runs it"
    ),
    "docs/metrics.md: # prometheus.yml": "a part of Prometheus' own config",
    "docs/operations.md: # /etc/systemd/system/liftgate.service": "a unit of systemd; its command is read below",
    "docs/operations.md: # /etc/nginx/conf.d/liftgate.conf": "nginx's; needs a certificate and a name",
    "docs/operations.md: sudo useradd --system --home /var/lib/liftgate --create-home liftgate": "needs root",
    "docs/operations.md: cd /opt/liftgate && sudo git pull": "changes a server, needs root",
}
BLOCKS = blocks()
RUN = [block for block in BLOCKS if block.name not in NOT_RUN]
KEYS = {
    "ANNS_KEY": "sk-ann-1", "BOBS_KEY": "sk-bob-1", "LIFTGATE_MASTER_KEY": "sk-master-1", "TEAM_A_KEY": "sk-team-a",
    "FIRST_KEY": GOOGLE_KEY, "SECOND_KEY": GOOGLE_KEY + "2", "KEY_1": GOOGLE_KEY, "KEY_2": GOOGLE_KEY + "2",
    "LIFTGATE_DATABASE_URL": "postgresql://db.example.com/liftgate", "GEMINI_API_KEY": GOOGLE_KEY,
}  # fmt: skip


def _of(language: str) -> list[object]:
    return [pytest.param(each, id=f"{each.name[:60]}") for each in RUN if each.language == language]


@dataclass(frozen=True)
class Place:
    """`port`: the gateway's, whose config is examples/config.yaml."""

    directory: Path
    port: int
    environ: dict[str, str]

    def run(self, *command: str) -> str:
        """Standard output. The exit code is 0."""
        done = subprocess.run(
            command, cwd=self.directory, env=self.environ, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def exchanged(self, code: str) -> str:
        return code.replace("127.0.0.1:4000", f"127.0.0.1:{self.port}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "examples", directory / "examples")
    for name in ("talk.mp4", "lecture.mp4"):
        shutil.copy(ROOT / "examples" / "talk.mp4", directory / name)
    shutil.copy(ROOT / "examples" / "config.yaml", directory / "config.yaml")
    with sandbox_server() as sandbox:
        environ = _environment(directory) | {
            "GEMINI_API_KEY": GOOGLE_KEY,
            "GEMINI_API_BASE": sandbox.url,
            "LIFTGATE_LOG_USER_SECRET": "of-the-log-0123456789",
        }
        with _Served(["liftgate", "--config", "examples/config.yaml"], directory, environ) as url:
            yield Place(directory, int(url.rpartition(":")[2]), environ | {"LIFTGATE_BASE_URL": url})


@pytest.fixture(scope="module")
def governed(place: Place) -> Iterator[Place]:
    """A gateway with a master key that counts, beside the other."""
    counts = {f"LIFTGATE_{name}": "true" for name in ("SPEND", "METRICS")}
    environ = place.environ | counts | {"LIFTGATE_MASTER_KEY": KEYS["LIFTGATE_MASTER_KEY"]}
    environ["LIFTGATE_DATA_DIR"] = str(place.directory / "governed")
    with _Served(["liftgate", "--config", "examples/config.yaml"], place.directory, environ) as url:
        yield Place(place.directory, int(url.rpartition(":")[2]), environ | {"LIFTGATE_BASE_URL": url})


def _environment(directory: Path) -> dict[str, str]:
    """Of a person who has set nothing yet."""
    ours = ("LIFTGATE_", "LITELLM_", "GEMINI_", "GOOGLE_", "OPENAI_", "XDG_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return clean | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory / "home"),
        "PYTHONUNBUFFERED": "1",
    }


class _Served:
    """A `liftgate …` that serves, on a free port; ended with SIGTERM, which it answers with 0."""

    def __init__(self, command: list[str], directory: Path, environ: dict[str, str]) -> None:
        self._log = directory / f"{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self._process = forked.started(
                [*command[1:], "--port", "0"], cwd=directory, env=environ, stdout=log, stderr=log
            )

    def __enter__(self) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+", self._log.read_text(errors="replace")):
                return found[0]
            time.sleep(0.02)
        raise AssertionError(self._log.read_text(errors="replace"))

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0, self._log.read_text(errors="replace")


def _serves(command: str) -> bool:
    """Whether a line starts a gateway or a sandbox, which runs until it is ended."""
    words = shlex.split(command, comments=True)
    return words[:1] == ["liftgate"] and not {*words} & {"files", "chat", "admin", "demo"}


def test_each_exception_is_a_block_of_today() -> None:
    assert NOT_RUN.keys() - {block.name for block in BLOCKS} == set()


def test_each_block_has_a_way_to_run() -> None:
    assert {block.language for block in RUN} <= {"bash", "python", "yaml", "js", "", "text"}
    assert all(line.startswith("liftgate ") for each in RUN if not each.language for line in each.code.splitlines())


@pytest.mark.parametrize("block", _of("bash"))
def test_commands_run(block: Block, place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    code = block.code.replace("/backup/liftgate", str(place.directory / "backup")).replace("\\\n", "")
    if "admin restore" in code:
        _restores(code, place, tmp_path)
    elif all(_serves(line) for line in code.splitlines()):
        for line in code.splitlines():
            data = {"LIFTGATE_DATA_DIR": str(tmp_path / str(time.monotonic_ns()))}
            with _Served(shlex.split(line, comments=True), place.directory, place.environ | data) as url:
                assert url
    elif "$LIFTGATE_MASTER_KEY" in code:
        governed: Place = request.getfixturevalue("governed")
        assert governed.run("bash", "-euc", governed.exchanged(code.replace("curl ", "curl --fail-with-body ")))
    else:
        assert place.run("bash", "-euc", place.exchanged(code))


def _restores(code: str, place: Place, tmp_path: Path) -> None:
    """Into a new directory, after a backup of the gateway that runs."""
    backup = str(place.directory / "backup")
    place.run("liftgate", "admin", "backup", backup, "--config", "config.yaml")
    other = Place(place.directory, place.port, place.environ | {"LIFTGATE_DATA_DIR": str(tmp_path / "restored")})
    assert other.run("bash", "-euc", code)


def test_the_quick_start_is_typed_from_its_first_command_on(tmp_path: Path) -> None:
    """Right after `liftgate --sandbox`, without a key, a config or a setting: its section's blocks, in their order.
    JavaScript's are run below."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    section = (
        (ROOT / "docs/quickstart.md").read_text().partition("\n## Through the gateway\n")[2].partition("\n### ")[0]
    )
    starts, *typed = [block for block in BLOCKS if block.page == "docs/quickstart.md" and block.code in section]
    command = next(line for line in starts.code.splitlines() if "--sandbox" in line)
    environ = _environment(tmp_path)
    shells = {"bash": ("bash", "-euc"), "python": (sys.executable, "-c")}
    typed = [block for block in typed if block.language in shells]
    with _Served(shlex.split(command, comments=True), tmp_path, environ) as url:
        place = Place(tmp_path, int(url.rpartition(":")[2]), environ | {"LIFTGATE_BASE_URL": url})
        said = [place.run(*shells[each.language], place.exchanged(each.code)) for each in typed]
    assert [each.language for each in typed] == ["bash", "bash", "python"]
    assert all("video/mp4, 27657 bytes" in each for each in said), said


@pytest.mark.parametrize("block", _of("python"))
def test_programs_run(block: Block, place: Place) -> None:
    said = place.run(sys.executable, "-W", "error", "-c", place.exchanged(block.code))
    assert bool(said.strip()) == ("print(" in block.code)
    if '"type": "file"' in block.code or "generate_content" in block.code:
        assert "video/mp4, 27657 bytes" in said


@pytest.mark.parametrize("block", _of("js"))
def test_javascript_runs(block: Block, place: Place) -> None:
    program = place.directory / "javascript" / "block.mjs"
    program.parent.mkdir(exist_ok=True)
    modules = program.parent / "node_modules"
    if not modules.exists():
        modules.symlink_to(packages() / "node_modules")
    program.write_text(place.exchanged(block.code))
    assert "video/mp4, 27657 bytes" in place.run("node", str(program))


@pytest.mark.parametrize("block", _of("yaml"))
def test_configs_load_without_a_warning(block: Block, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(block.code)
    settings, warnings = load_settings(config, {}, KEYS)
    assert warnings == []
    asked = yaml.safe_load(block.code).get("model_list") or [{"model_name": "*"}]
    assert [each.model_name for each in settings.deployments] == [each["model_name"] for each in asked]


@pytest.mark.parametrize("block", _of(""))
def test_synopses_name_commands_and_options_that_exist(block: Block) -> None:
    for line in block.code.splitlines():
        _known(line)


@pytest.mark.parametrize(("page", "command"), sorted(set(commands_in_sentences())))
def test_commands_in_sentences_exist(page: str, command: str) -> None:
    _known(command)


def test_the_unit_starts_a_command_that_exists() -> None:
    (unit,) = (block.code for block in BLOCKS if "liftgate.service" in block.name)
    command = re.search(r"^ExecStart=\S*/(liftgate .*)$", unit, re.MULTILINE)
    assert command is not None
    _known(command[1])


def test_the_extras_that_are_installed_exist() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    pages = "\n".join((ROOT / block.page).read_text() for block in BLOCKS)
    extras = set(re.findall(r"pip install '\.\[(\w+)\]'", pages))
    assert extras == {"demo", "postgres", "objects"}
    assert all(re.search(rf"^{extra} = \[", pyproject, re.MULTILINE) for extra in extras)
    assert "liftgate[" not in pages


def _known(line: str) -> None:
    """Every command and every option of a line is there."""
    words = re.findall(r"--?[a-z][\w-]*|[\w-]+", line.split("#")[0])[1:]
    command: click.Command = cli
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options, line
