"""The image is built here and started as it is meant to run: any user, nothing to write but /data, no capability."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from image import BASE, IMAGE, UID, base_image, built, check_tools, mounted, run, started

MOST_BYTES = 60_000_000
START_SECONDS = 60.0


def size_of(image: str) -> int:
    """Of its files, in bytes."""
    with mounted(image) as root:
        return int(run("du", "--summarize", "--bytes", "--one-file-system", str(root)).split()[0])


@pytest.mark.full
def test_the_image_starts_read_only_as_any_user(tmp_path: Path) -> None:
    check_tools()
    base_image(tmp_path)
    image = built(tmp_path)
    config = run("buildah", "inspect", "--type", "image", "--format", "{{.OCIv1.Config}}", image)
    assert "10001:0" in config and "[liftgate]" in config and "SIGTERM" in config
    grown = size_of(IMAGE) - size_of(BASE)
    assert grown <= MOST_BYTES, f"{grown / 1e6:.1f} MB over the base"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 0, 0)
    data.chmod(0o2770)
    environ = {
        "PATH": "/opt/liftgate/bin:/usr/bin:/bin",
        "HOME": "/data",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIFTGATE_DATA_DIR": "/data",
        "LIFTGATE_PORT": str(port),
        "LIFTGATE_MASTER_KEY": "sk-master-1",
        "GEMINI_API_KEY": "AIza" + "k" * 35,
    }
    with mounted(image) as root:
        process = started(root, data, environ, ["liftgate"])
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    with urllib.request.urlopen(f"{url}/health/readiness", timeout=5) as answer:
                        assert answer.status == 200
                        break
                except (urllib.error.URLError, OSError):
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise AssertionError(process.stdout and process.stdout.read()) from None
                    time.sleep(0.1)
            with urllib.request.urlopen(f"{url}/ui", timeout=5) as answer:
                assert b"modulepreload" in answer.read()
            assert {path.stat().st_uid for path in data.iterdir()} == {UID}
            touched = started(root, data, environ, ["sh", "-c", "touch /opt/x || touch /x"])
            told, _ = touched.communicate(timeout=30)
            assert touched.returncode != 0 and told.count(b"Read-only file system") == 2, told
        finally:
            process.send_signal(signal.SIGTERM)
            told, _ = process.communicate(timeout=30)
        assert process.returncode == 0, told
