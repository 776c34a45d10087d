"""The official JavaScript client at a gateway; skipped where node or npm is missing, or the registry is."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cut_line import content_of
from gateways import MODEL, gateway_server, sandbox_server, settings_for

PACKAGE = "@google/genai@2.32.0"
HERE = Path(__file__).resolve()
PACKAGES = HERE.parents[2] / ".cache" / "js"
INSTALL_SECONDS = 120
RUN_SECONDS = 60


@pytest.fixture(scope="module")
def packages() -> Path:
    """A directory from which the client can be required; kept between runs."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    manifest = PACKAGES / "node_modules" / "@google" / "genai" / "package.json"
    if manifest.exists() and json.loads(manifest.read_text())["version"] == PACKAGE.rpartition("@")[2]:
        return PACKAGES
    PACKAGES.mkdir(parents=True, exist_ok=True)
    options = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    made = subprocess.run(
        [npm, "install", *options, "--prefix", str(PACKAGES), PACKAGE],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"npm could not install {PACKAGE}: {made.stderr[-300:]}")
    return PACKAGES


def test_javascript_client_uploads_asks_lists_and_deletes(packages: Path, tmp_path: Path) -> None:
    content = content_of(20_000_000)
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path / "data")) as url:
        run = subprocess.run(
            ["node", str(HERE.with_name("native_client.cjs")), str(packages), url, "sk-ann", MODEL, str(path)],
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    digest = hashlib.sha256(content).hexdigest()
    assert base64.b64decode(found["file"]["sha256Hash"]).decode() == digest
    assert (found["file"]["displayName"], found["file"]["state"]) == ("ünï", "ACTIVE")
    assert (found["small"]["name"], found["small"]["mimeType"]) == ("files/from-js", "text/csv")
    assert digest in found["reply"] and digest in found["streamed"]
    assert found["chunks"] > 1
    assert found["counted"] > 0
    assert found["listed"] == ["files/from-js", found["file"]["name"]]
    assert found["got"]["uri"] == found["file"]["uri"]
    assert found["gone"] == 403
    assert found["models"] == [f"models/{MODEL}"]
