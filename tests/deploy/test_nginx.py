"""nginx in front of a gateway, by the very recipe of docs/operations.md: what passes, and what is known of who asks."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme
import yaml

from gateways import MODEL, SandboxServer, settings_for
from javascript import missing
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import ServerSettings
from serving import serve
from waiting import until

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
NAME = "gemini.example.com"
AROUND = """
pid nginx.pid;
error_log error.log;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxied; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
%s
}
"""
SIGN_IN = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1"}


def block(first: str) -> str:
    """The block of the page that begins with this line."""
    [found] = re.findall(rf"```\w+\n{re.escape(first)}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


class Front:
    """nginx at a port of 127.0.0.1, as clients at several addresses reach it."""

    def __init__(self, port: int, trusted: ssl.SSLContext) -> None:
        self._port = port
        self._trusted = trusted

    def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, of: str = "127.0.0.1"
    ) -> tuple[int, bytes, str]:
        """Status, body and `Set-Cookie` of an answer. `of`: the client's address."""
        with closing(self.line(of)) as line:
            line.request(method, path, body, {"Host": NAME, **(headers or {})})
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers.get("Set-Cookie", "")

    def line(self, of: str = "127.0.0.1") -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self._port, context=self._trusted, source_address=(of, 0), timeout=60
        )


@contextmanager
def nginx(gateway: str, place: Path) -> Iterator[Front]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or missing("nginx is not installed")
    place.mkdir()
    authority = trustme.CA()
    made = authority.issue_cert(NAME, "127.0.0.1")
    made.private_key_and_cert_chain_pem.write_to_path(place / "both.pem")
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = block("# /etc/nginx/conf.d/liftgate.conf")
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        (f"/etc/letsencrypt/live/{NAME}/fullchain.pem", str(place / "both.pem")),
        (f"/etc/letsencrypt/live/{NAME}/privkey.pem", str(place / "both.pem")),
        ("http://127.0.0.1:4000;", f"{gateway};"),
    ):
        assert server.count(there) == 1, there
        server = server.replace(there, here)
    (place / "nginx.conf").write_text(AROUND % server)
    command = [
        program,
        "-p",
        str(place),
        "-c",
        "nginx.conf",
        "-e",
        "error.log",
        "-g",
        "daemon off; master_process off;",
    ]
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        try:
            until(lambda: listens(port) or running.poll() is not None)
            assert running.poll() is None, running.stderr and running.stderr.read()
            yield Front(port, trusted)
        finally:
            running.terminate()


def listens(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def front(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    place = tmp_path_factory.mktemp("front")
    given = yaml.safe_load(block("# /etc/liftgate/config.yaml"))["liftgate_settings"]
    server = ServerSettings(
        public_base_url=given["public_base_url"], trusted_proxies=tuple(given["trusted_proxies"].split(","))
    )
    app = build_app(Gateway(settings_for(sandbox, place, server=server)))
    # As `server/run` has it: uvicorn itself believes no header.
    with serve(app, proxy_headers=False) as url, nginx(url, place / "nginx") as front:
        yield front


def test_a_sign_in_is_bound_to_https_and_wrong_keys_lock_out_their_own_address_only(front: Front) -> None:
    key = {good: json.dumps({"key": good}).encode() for good in ("sk-ann", "sk-wrong")}
    told = [front.call("POST", "/liftgate/session", key["sk-wrong"], SIGN_IN, of="127.0.0.2")[0] for _ in range(11)]
    assert told == [401] * 10 + [429]
    status, _, cookie = front.call("POST", "/liftgate/session", key["sk-ann"], SIGN_IN, of="127.0.0.3")
    assert status == 200
    assert cookie.startswith("__Host-liftgate=") and cookie.endswith("Secure")


def test_large_files_pass_and_streams_come_as_they_are_made(front: Front, sandbox: SandboxServer) -> None:
    ann = {"Authorization": "Bearer sk-ann"}
    content = b"more than a proxy takes by default\n" * 100_000
    head = '--b0undary\r\nContent-Disposition: form-data; name="{}"'.format
    form = f'{head("purpose")}\r\n\r\nuser_data\r\n{head("file")}; filename="a.txt"\r\n\r\n'.encode()
    sent = {**ann, "Content-Type": "multipart/form-data; boundary=b0undary"}
    status, body, _ = front.call("POST", "/v1/files", form + content + b"\r\n--b0undary--\r\n", sent)
    assert (status, json.loads(body)["bytes"]) == (200, len(content))
    # The second piece comes long after the test.
    pieces = [{"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]} for text in ("first", "last")]
    sandbox.control("scripts", {"chunks": pieces, "delays": [0, 3600]})
    asked = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    with closing(front.line()) as line:
        line.request("POST", "/v1/chat/completions", json.dumps(asked), {**ann, "Content-Type": "application/json"})
        answer = line.getresponse()
        assert answer.status == 200
        assert any(b"first" in told for told in iter(answer.readline, b""))
