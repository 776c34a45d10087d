"""A disk without a byte left: what frees it works, what needs none of it goes on, and only what is new is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateways import ask, client_for, gateway_server, sandbox_server, settings_for
from liftgate.settings import JobSettings
from processes import GatewayProcess, write_config
from raw_http import call
from running import eventually, form_request
from terminal import Cli

KEY = {"Authorization": "Bearer sk-ann"}
QUIET = JobSettings(purge_seconds=600, sweep_seconds=600, renew_seconds=600, use_write_seconds=0.3)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.decode()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Not a byte is left afterwards; the file that took them."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return filler


def free_or_reserved(disk: Path) -> int:
    """Bytes. A deletion on a full disk may give the reserve up, and who frees bytes makes it again."""
    reserve = disk / "data" / "catalog.db-reserve"
    reserved = reserve.stat().st_blocks * 512 if reserve.exists() else 0
    return os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize + reserved


def status(url: str, method: str, target: str) -> int:
    return call(url, method, target, headers=KEY).status


def test_full_disk_can_be_emptied(disk: Path) -> None:
    data = disk / "data"
    with sandbox_server() as sandbox:
        settings = replace(settings_for(sandbox, data), jobs=QUIET)
        with gateway_server(settings) as url, client_for(url) as client:
            files = [client.files.create(file=(f"{n}", b"%d" % n * 1000), purpose="user_data").id for n in range(60)]
            live, cold, *rest = files
            ask(client, live)
            upload = client.uploads.create(filename="u", purpose="user_data", bytes=6, mime_type="text/plain")
            client.uploads.parts.create(upload.id, data=b"abc")
            filler = fill(disk)
            # What is new is refused, in the dialect of the door, and eats nothing of the reserve.
            for _ in range(3):
                assert call(url, *form_request({"purpose": "user_data"}, b"new", headers=KEY)).status == 507
            # Chats about a file that is at Gemini, about one that is not, downloads and lists go on.
            assert "000" in ask(client, live)
            assert ask(client, cold)
            assert client.files.content(rest[0]).read() == b"2" * 1000
            for file_id in rest[:20]:
                assert status(url, "DELETE", f"/v1/files/{file_id}") == 200
            assert status(url, "DELETE", f"/v1beta/files/{rest[20].removeprefix('file-')}") in (200, 401)
            client.uploads.cancel(upload.id)
            for target, body in (("/v1/files", None), ("/v1/uploads", b"{}")):
                if body is None:
                    answer = call(url, *form_request({"purpose": "user_data"}, b"new", headers=KEY))
                    assert (answer.status, answer.json()["error"]["code"]) == (507, "insufficient_storage"), target
            assert call(url, "GET", "/health/readiness").status == 200
            # With room again the reserve is made again, and files are taken in.
            filler.unlink()
            assert eventually(
                lambda: call(url, *form_request({"purpose": "user_data"}, b"new", headers=KEY)).status == 200
            )
            assert (data / "catalog.db-reserve").stat().st_blocks * 512 >= 9 * 1024 * 1024


def test_everything_of_an_owner_is_erased_on_a_full_disk_and_bytes_are_freed_at_once(
    disk: Path, tmp_path: Path
) -> None:
    """With a gateway beside it, and after a restart on the full disk."""
    data = disk / "data"
    with sandbox_server() as sandbox, ExitStack() as stack:
        config = write_config(tmp_path / "config.yaml", sandbox.url, purge_seconds=600, sweep_seconds=600)
        cli = Cli(tmp_path / "home")
        where = ("--config", config, "--data-dir", data)
        gateway = GatewayProcess(config, data)
        stack.callback(gateway.kill)
        with client_for(gateway.wait_ready()) as ann, client_for(gateway.url, "sk-bob") as bob:
            kept = ann.files.create(file=("k", b"kept"), purpose="user_data").id
            deleted = ann.files.create(file=("d", b"d" * 3_000_000), purpose="user_data").id
            for number in range(5):
                bob.files.create(file=("b", b"%d" % number * 1_000_000), purpose="user_data")
            fill(disk)
            assert b"Erased bob: 5 files" in cli.run("admin", "erase", "bob", "--yes", *where).stdout
            # What was freed serves as the reserve again.
            (disk / "filler").unlink()
            assert eventually((data / "catalog.db-reserve").exists)
            fill(disk)
            ann.files.delete(deleted)
            before = free_or_reserved(disk)
            # Its bytes are kept for a day otherwise.
            assert b"1 blob" in cli.run("admin", "sweep", "--deleted", *where).stdout
            assert free_or_reserved(disk) - before >= 2_000_000
            assert len(list((data / "blobs").rglob("blob-*"))) == 1
            (disk / "filler").unlink()
            assert eventually((data / "catalog.db-reserve").exists)
            fill(disk)
        gateway.kill()
        again = GatewayProcess(config, data)
        stack.callback(again.kill)
        with client_for(again.wait_ready()) as ann:
            assert ann.files.content(kept).read() == b"kept"
            ann.files.delete(kept)
            assert ann.files.list().data == []
        assert again.stop() == 0


COUNTING = """
import sys
from pathlib import Path
from liftgate.metrics import families
from liftgate.metrics.cells import Reader, Slot
from test_full_disk import fill

disk = Path(sys.argv[1])
if sys.argv[2] == "before":
    fill(disk)
slot = Slot(disk / "metrics")
known = [("GET", "/v1/files", str(at)) for at in range(20)]
for labels in known:
    slot.add(families.HTTP, labels, 1.0)
fill(disk)
for at in range(60_000 if sys.argv[2] == "after" else 5_000):
    slot.add(families.HTTP, ("GET", "/v1/files", f"more {at}"), 1.0)
for labels in known:
    slot.add(families.HTTP, labels, 1.0)
(disk / "filler").unlink()
slot.add(families.HTTP, ("GET", "/v1/files", "at last"), 1.0)
found = Reader(disk / "metrics").sums()
if sys.argv[2] == "after":
    assert [found[families.HTTP.name, labels][0] for labels in known] == [2.0] * 20
    assert found[families.HTTP.name, ("GET", "/v1/files", "at last")][0] == 1.0
slot.close()
print("counted")
"""


@pytest.mark.parametrize("full", ["before", "after"])
def test_metrics_on_a_full_disk_end_no_process(disk: Path, full: str) -> None:
    """A page that the disk cannot give would be a signal that nobody survives."""
    code = [sys.executable, "-c", COUNTING, str(disk), full]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(code, capture_output=True, text=True, timeout=100, env=environ, check=False)
    assert (done.returncode, done.stdout) == (0, "counted\n"), done.stderr


def test_what_was_spent_is_told_on_a_full_disk(disk: Path, tmp_path: Path) -> None:
    """It is journaled where there is room, kept in memory where there is none, and added up afterwards."""
    master = {"Authorization": "Bearer sk-master"}
    chat = json.dumps({"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "hello"}]}).encode()
    quiet = {"purge_seconds": 600, "sweep_seconds": 600, "renew_seconds": 600, "spend": True, "metrics": True}
    with sandbox_server() as sandbox, ExitStack() as stack:
        config = write_config(tmp_path / "config.yaml", sandbox.url, **quiet)  # type: ignore[arg-type]
        gateway = GatewayProcess(config, disk / "data")
        stack.callback(gateway.kill)
        url = gateway.wait_ready()
        made = call(url, "POST", "/key/generate", b'{"max_budget": 5, "rpm_limit": 1000}', master).json()["key"]
        for key in ("sk-ann", made):
            asked = {"Authorization": f"Bearer {key}"}
            assert call(url, "POST", "/v1/chat/completions", chat, asked).status == 200
        first = call(url, "GET", "/global/spend", None, master).json()["spend"]
        filler = fill(disk)
        for key in ("sk-ann", made):
            assert call(url, "POST", "/v1/chat/completions", chat, {"Authorization": f"Bearer {key}"}).status == 200
        for target in ("/liftgate/usage", "/global/spend", "/spend/keys", "/key/list", "/metrics"):
            assert call(url, "GET", target, None, master).status == 200, target
        for target in ("/v1/conversations", "/key/generate"):
            assert call(url, "POST", target, b"{}", master).status == 507, target
        assert call(url, "POST", "/key/block", json.dumps({"key": made}).encode(), master).status == 200
        filler.unlink()
        assert eventually(
            lambda: call(url, "GET", "/global/spend", None, master).json()["spend"] == pytest.approx(2 * first)
        )
        assert gateway.stop() == 0
