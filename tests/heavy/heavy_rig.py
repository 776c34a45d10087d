"""A gateway and its sandbox as processes of their own, and what the system says of the gateway's memory and disk."""

from __future__ import annotations

import hashlib
import io
import os
import random  # noqa: TID251 - fixed seeds are the point
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import openai
import pytest
from google import genai
from google.genai import types

import forked
from gateways import MODEL, SandboxServer
from processes import GatewayProcess, sweep_now, write_config
from waiting import eventually as eventually

MIB = 1024 * 1024
GIB = 1024 * MIB
WAIT = 600.0


@dataclass(frozen=True)
class Figures:
    """Of one process, in bytes: resident now, at its most since `reset_peak`, written to disks so far."""

    resident: int
    peak: int
    written: int


@dataclass(frozen=True)
class Rig:
    gateway: GatewayProcess
    sandbox: SandboxServer
    data_dir: Path
    config: Path

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def proc(self) -> Path:
        return Path(f"/proc/{self.gateway.process.pid}")

    def figures(self) -> Figures:
        status, io_counts = (self.proc / "status").read_text(), (self.proc / "io").read_text()
        return Figures(
            resident=1024 * _number(status, "VmRSS"),
            peak=1024 * _number(status, "VmHWM"),
            written=_number(io_counts, "write_bytes"),
        )

    def reset_peak(self) -> Figures:
        """From here on the peak is what comes; the figures as they are now."""
        (self.proc / "clear_refs").write_text("5")
        return self.figures()

    def descriptors(self) -> list[str]:
        """What the process has open, without the catalogue, whose few connections are made when first needed."""
        found = []
        for entry in list((self.proc / "fd").iterdir()):
            try:
                found.append(os.readlink(entry))
            except FileNotFoundError:
                continue  # closed while we looked
        return sorted(name for name in found if "/catalog.db" not in name)

    def openai(self, key: str = "sk-ann") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=WAIT)

    def genai(self, key: str = "sk-ann") -> genai.Client:
        options = types.HttpOptions(base_url=self.url, timeout=round(WAIT * 1000))
        return genai.Client(api_key=key, http_options=options)

    def finalized(self, sha256: str) -> int:
        """How many files with this hash the sandbox was given."""
        count: int = self.sandbox.stats()["finalized_by_sha256"].get(sha256, 0)
        return count

    def on_disk(self) -> list[str]:
        """Spools, and the objects of the store."""
        spools = [path.name for path in (self.data_dir / "spool").glob("*")]
        return spools + [path.name for path in (self.data_dir / "blobs").rglob("blob-*")]

    def swept(self) -> bool:
        """Without any grace; whether nothing is left then."""
        sweep_now(self.config, self.data_dir)
        return self.on_disk() == []

    def ask(self, sql: str) -> list[Any]:
        """The first column of what the catalogue answers."""
        with closing(sqlite3.connect(f"file:{self.data_dir / 'catalog.db'}?mode=ro", uri=True)) as catalogue:
            return [row[0] for row in catalogue.execute(sql)]


@contextmanager
def rig(directory: Path, **settings: object) -> Iterator[Rig]:
    """Removes all that was stored when it ends: a run at full size leaves gigabytes."""
    directory.mkdir(parents=True, exist_ok=True)
    data_dir = directory / "data"
    with sandbox_process(directory) as sandbox:
        config = write_config(directory / "config.yaml", sandbox.url, **settings)  # type: ignore[arg-type]
        gateway = GatewayProcess(config, data_dir, fresh=True)
        try:
            gateway.wait_ready()
            yield Rig(gateway, sandbox, data_dir, config)
        finally:
            gateway.stop()
            shutil.rmtree(data_dir / "blobs", ignore_errors=True)


@contextmanager
def sandbox_process(directory: Path, *, niceness: int = 0) -> Iterator[SandboxServer]:
    """Its files lie in `directory` and go with it. `niceness`: how far it stands behind others at the processors."""
    environ = {**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"}
    log = directory / f"sandbox-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = forked.started(["sandbox", "--port", "0"], env=environ, stdout=output, stderr=output)
    os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + niceness)
    try:
        assert eventually(lambda: "control http" in log.read_text()), log.read_text()
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert found
        sandbox = SandboxServer(found.group(0))
        assert eventually(lambda: _answers(sandbox)), log.read_text()
        yield sandbox
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        for left in directory.glob("gemini-sandbox-*"):
            shutil.rmtree(left, ignore_errors=True)


def _answers(sandbox: SandboxServer) -> bool:
    try:
        sandbox.stats()
    except OSError:
        return False
    return True


def _number(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found, f"{name} in {text}"
    return int(found.group(1))


def needs_space(directory: Path, size: int) -> None:
    """Skips the test where the disk would not hold `size` bytes and as much again."""
    free = shutil.disk_usage(directory).free
    if free < 2 * size:
        pytest.skip(f"{free // MIB} MiB are free, and {2 * size // MIB} are needed")


class Generated(io.RawIOBase):
    """A file of `size` bytes that is nowhere: one block of random bytes, over and over."""

    def __init__(self, size: int, seed: int) -> None:
        self._block = random.Random(seed).randbytes(MIB)
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._size - self._at if size is None or size < 0 else min(size, self._size - self._at)
        start = self._at % MIB
        self._at += max(0, wanted)
        if start + wanted <= MIB:
            return self._block[start : start + wanted]
        turns = -(-(start + wanted) // MIB)
        return (self._block * turns)[start : start + wanted]

    def as_file(self) -> IO[bytes]:
        """This, as the clients' types call it."""
        return cast("IO[bytes]", self)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for at in range(0, self._size, MIB):
            digest.update(self._block[: min(MIB, self._size - at)])
        return digest.hexdigest()


DOORS: dict[str, Callable[[Rig, Generated, int], str]] = {}


def door(name: str) -> Callable[[Callable[[Rig, Generated, int], str]], Callable[[Rig, Generated, int], str]]:
    def enter(upload: Callable[[Rig, Generated, int], str]) -> Callable[[Rig, Generated, int], str]:
        DOORS[name] = upload
        return upload

    return enter


@door("files")
def through_files(rig: Rig, content: Generated, size: int) -> str:
    """`POST /v1/files` by the official client, for a model; the File's id."""
    with rig.openai() as client:
        made = client.files.create(
            file=("clip.mp4", content.as_file(), "video/mp4"),
            purpose="user_data",
            extra_body={"target_model_names": MODEL},
        )
        assert made.bytes == size
    return made.id


@door("uploads")
def through_uploads(rig: Rig, content: Generated, size: int, part: int = 64 * MIB) -> str:
    """`/v1/uploads` by the official client, for a model; the File's id."""
    with rig.openai() as client:
        upload = client.uploads.create(filename="clip.mp4", purpose="user_data", bytes=size, mime_type="video/mp4")
        parts = []
        while piece := content.read(part):
            parts.append(client.uploads.parts.create(upload.id, data=piece).id)
        done = client.uploads.complete(upload.id, part_ids=parts, extra_body={"target_model_names": [MODEL]})
        assert done.file is not None and done.file.bytes == size
    return done.file.id


@door("native")
def through_native(rig: Rig, content: Generated, size: int) -> str:
    """google-genai's `files.upload`, then a chat about the file; the File's id."""
    with rig.genai() as client:
        config = types.UploadFileConfig(mime_type="video/mp4", display_name="clip.mp4")
        file = client.files.upload(file=content, config=config)
        assert file.name is not None and file.size_bytes == size
        answer = client.models.generate_content(model=MODEL, contents=file)
        assert answer.text
    return file.name.replace("files/", "file-")
