"""How long files live and how much fits: `expires_after`, an owner's quota, a full disk, a project without room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aging import let_pass
from gateways import SandboxServer, client_for, settings_for
from liftgate.gateway import Gateway
from liftgate.sandbox.app import SandboxSettings
from liftgate.server.app import build_app
from liftgate.settings import LimitSettings
from moved_clock import MovedClock
from scene import QUICK, Scene, audio, eventually, outcome, quick_settings, scene
from serving import serve

MIB = 1 << 20
NOTE = b"a note with an end"


def test_file_is_gone_after_its_time_and_so_is_its_replica(sandbox: SandboxServer, tmp_path: Path) -> None:
    clock = MovedClock()
    with serve(build_app(Gateway(quick_settings(sandbox, tmp_path), clock=clock))) as url, client_for(url) as client:
        of = Scene(sandbox, url, client)
        file = client.files.create(
            file=("a.mp3", NOTE), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        assert file.expires_at == file.created_at + 3600
        of.ask(file.id, NOTE)
        clock.advance(3590)
        of.ask(file.id, NOTE)
        clock.advance(20)
        for call in (
            lambda: client.files.retrieve(file.id),
            lambda: client.files.content(file.id),
            lambda: of.ask(file.id, NOTE),
        ):
            assert outcome(call) == "404 None"
        assert list(client.files.list()) == []
        # Whether an hour has passed or the clock has jumped cannot be told yet: what is hidden is not removed.
        let_pass(f"sqlite://{tmp_path}/catalog.db", 3610)
        assert eventually(lambda: of.at_gemini() == [])


def test_file_without_an_end_has_none(sandbox: SandboxServer, tmp_path: Path) -> None:
    clock = MovedClock()
    with serve(build_app(Gateway(settings_for(sandbox, tmp_path), clock=clock))) as url, client_for(url) as client:
        file = client.files.create(file=("a.mp3", NOTE), purpose="user_data")
        assert file.expires_at is None
        clock.advance(10 * 365 * 86400)
        assert client.files.content(file.id).read() == NOTE


def test_replica_in_use_is_renewed_while_the_old_one_serves(sandbox: SandboxServer, tmp_path: Path) -> None:
    """It ends in an hour, and chats go on without a wait: the new one takes over when it is there."""
    settings = quick_settings(sandbox, tmp_path, jobs=replace(QUICK, renew_ahead_seconds=7200))
    with serve(build_app(Gateway(settings))) as url, client_for(url) as client:
        of = Scene(sandbox, url, client)
        file_id = of.create(NOTE)
        of.ask(file_id, NOTE)
        of.advance(47 * 3600.0)
        of.order(kind="slow", operation="upload.finalize", seconds=2)
        of.ask(file_id, NOTE)
        assert eventually(lambda: of.operations("upload.finalize") == 2)
        of.ask(file_id, NOTE)
        assert of.finalized == 1, "answered by the old one"
        assert eventually(lambda: of.finalized == 2)
        assert eventually(lambda: of.operations("upload.start") == 2)
        of.advance(2 * 3600.0)
        of.ask(file_id, NOTE)
        assert of.finalized == 2, "answered by the new one"


def test_owner_over_the_quota_is_refused_and_has_room_after_a_delete(sandbox: SandboxServer, tmp_path: Path) -> None:
    limits = LimitSettings(owner_max_bytes=MIB, stored_bytes_by_owner={"bob": 2 * MIB})
    settings = quick_settings(sandbox, tmp_path, limits=limits)
    with serve(build_app(Gateway(settings))) as url, client_for(url) as ann, client_for(url, "sk-bob") as bob:
        first = Scene(sandbox, url, ann).create(audio(700_000, 1))
        assert outcome(lambda: Scene(sandbox, url, ann).create(audio(700_000, 2))) == "413 storage_quota_exceeded"
        assert len(list(ann.files.list())) == 1
        Scene(sandbox, url, bob).create(audio(MIB + 1, 3))
        ann.files.delete(first)
        Scene(sandbox, url, ann).create(audio(700_000, 2))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, timeout=10, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", str(place)], timeout=10, check=True)


@pytest.mark.parametrize("extra", [{}, {"target_model_names": "gemini-2.5-flash"}], ids=["stored", "carried early"])
def test_full_disk_is_507_and_leaves_no_litter(sandbox: SandboxServer, small_disk: Path, extra: dict[str, str]) -> None:
    with serve(build_app(Gateway(quick_settings(sandbox, small_disk)))) as url, client_for(url) as client:
        of = Scene(sandbox, url, client)
        kept = of.create(audio(4 * MIB, 1))
        assert outcome(lambda: of.create(audio(40 * MIB, 2), extra_body=extra)) == "507 insufficient_storage"
        assert eventually(lambda: list((small_disk / "spool").iterdir()) == [])
        assert len([path for path in (small_disk / "blobs").rglob("blob-*")]) == 1
        assert of.at_gemini() == []
        # The catalogue may have met the full disk too: then uploads are taken again once its reserve is there.
        assert eventually(lambda: outcome(lambda: of.create(audio(8 * MIB, 3))) == "answer")
        of.ask(kept, audio(4 * MIB, 1))


@pytest.mark.parametrize("checked_at", ["start", "finalize"])
def test_full_project_makes_room_by_the_least_recently_used(tmp_path: Path, checked_at: str) -> None:
    room = SandboxSettings(quota_bytes=10 * MIB)
    with scene(
        tmp_path,
        switches={"quota_checked_at": checked_at},
        sandbox_settings=room,
        jobs=replace(QUICK, evict_idle_seconds=1.5),
    ) as of:
        files = [(of.create(audio(4 * MIB, seed)), audio(4 * MIB, seed)) for seed in range(3)]
        for file_id, data in files[:2]:
            of.ask(file_id, data)
        of.ask(*files[0])
        # Use times are written in batches, and nothing that was used just now is evicted.
        assert eventually(lambda: outcome(lambda: of.ask(*files[2])) == "answer")
        assert of.finalized == 3
        of.ask(*files[0])
        assert of.finalized == 3, "the other one had to go"
        assert eventually(lambda: outcome(lambda: of.ask(*files[1])) == "answer")
        assert len(of.at_gemini()) == 2


def test_full_project_of_files_in_use_is_told_and_evicts_none(tmp_path: Path) -> None:
    with scene(tmp_path, sandbox_settings=SandboxSettings(quota_bytes=10 * MIB)) as of:
        files = [(of.create(audio(4 * MIB, seed)), audio(4 * MIB, seed)) for seed in range(3)]
        for file_id, data in files[:2]:
            of.ask(file_id, data)
        assert outcome(lambda: of.ask(*files[2])) == "503 upstream_storage_full"
        for file_id, data in files[:2]:
            of.ask(file_id, data)
        assert of.finalized == 2
