"""The scripts behind a proxy that shows certificates of its own: uv trusts whom pip and the system trust."""

from __future__ import annotations

import io
import os
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ("UV_", "PIP_", "SSL_", "REQUESTS_")
INSTALL = """set -e
cd "$ROOT"; source scripts/tools.sh
"$UV" venv --no-config --quiet --python "$PYTHON" "$HERE/venv"
"$UV" pip install --no-config --no-cache --quiet --python "$HERE/venv" --index-url "$INDEX" tiny && echo installed
"""


def _wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        files.writestr("tiny.py", "")
        files.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        files.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        files.writestr("tiny-1.dist-info/RECORD", "tiny.py,,\n")
    return made.getvalue()


class _Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = _wheel() if self.path.endswith(".whl") else b'<a href="/tiny-1-py3-none-any.whl">tiny-1</a>'
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if self.path.endswith(".whl") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index whose certificate a throwaway authority has signed; its own is in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(shown)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Index)
    server.socket = shown.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def _install(tmp_path: Path, index: str, **trusted: str) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OTHERS) and not name.lower().endswith("_proxy")
    }
    environ |= {"ROOT": str(ROOT), "HERE": str(tmp_path), "INDEX": index, **trusted}
    return subprocess.run(["bash", "-c", INSTALL], env=environ, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(not (ROOT / ".tools" / "bin" / "uv").exists(), reason="the scripts have not installed uv here")
@pytest.mark.parametrize("way", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "PIP_CONFIG_FILE", "none"])
def test_uv_trusts_whom_pip_trusts(way: str, index: str, tmp_path: Path) -> None:
    trusted = {} if way == "none" else {way: str(tmp_path / "ca.pem")}
    if way == "PIP_CONFIG_FILE":
        (tmp_path / "pip.conf").write_text(f"[global]\ncert = {tmp_path / 'ca.pem'}\n")
        trusted = {way: str(tmp_path / "pip.conf")}
    done = _install(tmp_path, index, **trusted)
    if way == "none":
        assert done.returncode != 0 and "UnknownIssuer" in done.stderr
    else:
        assert done.stdout == "installed\n", done.stderr
