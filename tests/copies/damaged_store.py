"""Stored bytes under a running gateway, in a directory or at S3, and what can become of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from liftgate.settings import StorageSettings
from s3_server import BUCKET, S3Server, s3_endpoint
from scene import Scene, scene

Where = Literal["local", "s3"]


@dataclass
class DamagedStore:
    """A scene whose stored bytes can be got at. `objects` are the keys of what was stored, oldest first."""

    of: Scene
    where: Where
    directory: Path
    s3: S3Server | None

    def objects(self) -> list[str]:
        if self.s3 is not None:
            return sorted(key for key in self.s3.objects if "/blob-" in key)
        found = [path for path in self.directory.rglob("blob-*") if path.is_file()]
        return [str(path) for path in sorted(found, key=lambda path: path.stat().st_ctime_ns)]

    def read(self, key: str) -> bytes:
        return self.s3.objects[key] if self.s3 is not None else Path(key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        """Something else stands there now, under the same name and in another file."""
        if self.s3 is not None:
            self.s3.objects[key] = data
            return
        path = Path(key)
        remove(path)
        path.write_bytes(data)

    def remove(self, key: str) -> None:
        if self.s3 is not None:
            self.s3.objects.pop(key, None)
        else:
            remove(Path(key))


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def damaged_store(
    where: Where, data_dir: Path, environment: pytest.MonkeyPatch, **changes: Any
) -> Iterator[DamagedStore]:
    if where == "local":
        with scene(data_dir, storage=StorageSettings(data_dir=data_dir), brisk=False, **changes) as of:
            yield DamagedStore(of, where, data_dir / "blobs", None)
        return
    with s3_endpoint(environment) as server:
        storage = StorageSettings(data_dir=data_dir, blob_store=f"s3://{BUCKET}/p")
        with scene(data_dir, storage=storage, brisk=False, **changes) as of:
            yield DamagedStore(of, where, data_dir / "blobs", server)


def _changed(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


Harm = Callable[[DamagedStore, str], None]

HARMS: Mapping[str, Harm] = {
    "removed": lambda store, key: store.remove(key),
    "emptied": lambda store, key: store.write(key, b""),
    "truncated": lambda store, key: store.write(key, store.read(key)[:-1]),
    "cut in half": lambda store, key: store.write(key, store.read(key)[: len(store.read(key)) // 2]),
    "one byte changed": lambda store, key: store.write(key, _changed(store.read(key))),
    "the first byte changed": lambda store, key: store.write(key, b"\0" + store.read(key)[1:]),
    "replaced by others of the same size": lambda store, key: store.write(key, bytes(len(store.read(key)))),
}


def _in_its_place(make: Callable[[Path], object]) -> Harm:
    def harm(store: DamagedStore, key: str) -> None:
        store.remove(key)
        make(Path(key))

    return harm


IN_A_DIRECTORY: Mapping[str, Harm] = {
    "grown": lambda store, key: store.write(key, store.read(key) + b"more"),
    "a directory": _in_its_place(Path.mkdir),
    "a pipe": _in_its_place(os.mkfifo),
    "a link to itself": _in_its_place(lambda path: path.symlink_to(path)),
    "a link to nowhere": _in_its_place(lambda path: path.symlink_to("/nowhere")),
    "a device": _in_its_place(lambda path: path.symlink_to("/dev/zero")),
}
