"""The official JavaScript client at a gateway."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path

from cut_line import content_of
from gateways import MODEL, gateway_server, sandbox_server, settings_for
from javascript import packages

HERE = Path(__file__).resolve()
RUN_SECONDS = 60


def test_javascript_client_uploads_asks_lists_and_deletes(tmp_path: Path) -> None:
    content = content_of(20_000_000)
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path / "data")) as url:
        run = subprocess.run(
            ["node", str(HERE.with_name("native_client.cjs")), str(packages()), url, "sk-ann", MODEL, str(path)],
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
