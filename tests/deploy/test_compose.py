"""Compose without Docker: what the file gives its gateways, given to processes beside a PostgreSQL and a store."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateways import client_for, sandbox_server
from s3_server import S3Server

DEPLOY = Path(__file__).parents[2] / "deploy"
GIVEN = {
    "GEMINI_API_KEY": "key-a",
    "LIFTGATE_MASTER_KEY": "sk-master-of-compose",
    "POSTGRES_PASSWORD": "a1b2c3",
    "STORE_PASSWORD": "d4e5f6",
    "LIFTGATE_PUBLIC_BASE_URL": "",
    "LIFTGATE_TRUSTED_PROXIES": "",
}
"""deploy/.env, filled in."""
START_SECONDS = 60.0


def composed() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


def filled(value: str) -> str:
    """As Compose does: `${NAME:?why}`, `${NAME:-}`."""
    return re.sub(r"\$\{(\w+)(?::[?-][^}]*)?\}", lambda match: GIVEN[match[1]], value)


def image_environment() -> dict[str, str]:
    [text] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return dict(part.split("=", 1) for part in text.replace("\\\n", " ").split())


def health_check() -> list[str]:
    """The command of the image's HEALTHCHECK."""
    [command] = re.findall(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    read: list[str] = json.loads(command)
    return [sys.executable, *read[1:]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_healthy(environ: Mapping[str, str]) -> bool:
    return subprocess.run(health_check(), env=dict(environ), capture_output=True, check=False).returncode == 0


@pytest.fixture
def environ(tmp_path: Path, empty_postgres_url: str) -> Iterator[dict[str, str]]:
    """What Compose gives a gateway, with the addresses of this machine in place of the names of services."""
    services = composed()
    given = {name: filled(value) for name, value in services["liftgate"]["environment"].items()}
    assert re.fullmatch(r"postgresql://liftgate:a1b2c3@database/liftgate", given["LIFTGATE_DATABASE_URL"])
    store = S3Server(bucket=given["LIFTGATE_BLOB_STORE"].removeprefix("s3://"), key=given["AWS_ACCESS_KEY_ID"])
    with sandbox_server() as sandbox, closing(store):
        store.start()
        yield {
            **image_environment(),
            **given,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LIFTGATE_HOST": "127.0.0.1",
            # One volume for all gateways of a scaled service.
            "LIFTGATE_DATA_DIR": str(tmp_path / "data"),
            "LIFTGATE_DATABASE_URL": empty_postgres_url,
            "AWS_ENDPOINT_URL": store.url,
            "GEMINI_API_BASE": sandbox.url,
        }


def test_the_services_fit_each_other() -> None:
    services = composed()
    given = {name: filled(value) for name, value in services["liftgate"]["environment"].items()}
    database, store = (
        {name: filled(value) for name, value in services[name]["environment"].items()} for name in ("database", "store")
    )
    user, password, host, name = re.fullmatch(  # type: ignore[union-attr]
        r"postgresql://(\w+):(\w+)@(\w+)/(\w+)", given["LIFTGATE_DATABASE_URL"]
    ).groups()
    assert host in services
    assert (user, password, name) == (
        database["POSTGRES_USER"],
        database["POSTGRES_PASSWORD"],
        database["POSTGRES_DB"],
    )
    assert user in services["database"]["healthcheck"]["test"]
    assert given["AWS_ENDPOINT_URL"] == "http://store:9000" and given["AWS_ALLOW_HTTP"] == "true"
    assert (given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"]) == (
        store["MINIO_ROOT_USER"],
        store["MINIO_ROOT_PASSWORD"],
    )
    made = filled(services["bucket"]["environment"]["MC_HOST_store"])
    assert made == f"http://{store['MINIO_ROOT_USER']}:{store['MINIO_ROOT_PASSWORD']}@store:9000"
    assert f"store/{given['LIFTGATE_BLOB_STORE'].removeprefix('s3://')};" in services["bucket"]["command"][0]
    [ports] = services["liftgate"]["ports"]
    assert ports.endswith(f":{image_environment()['LIFTGATE_PORT']}")
    volumes = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["volumes"]
    for service in services.values():
        assert {each.partition(":")[0] for each in service.get("volumes", [])} <= set(volumes)
    assert services["liftgate"]["volumes"] == [f"spool:{image_environment()['LIFTGATE_DATA_DIR']}"]


@pytest.mark.full
def test_two_gateways_of_one_service_serve_the_same_files(environ: dict[str, str]) -> None:
    ports = [free_port(), free_port()]
    started = [
        subprocess.Popen(["liftgate"], env={**environ, "LIFTGATE_PORT": str(port)}, stderr=subprocess.PIPE)
        for port in ports
    ]
    try:
        deadline = time.monotonic() + START_SECONDS
        for port in ports:
            while not is_healthy({**environ, "LIFTGATE_PORT": str(port)}):
                ended = [each.stderr and each.stderr.read() for each in started if each.poll() is not None]
                assert not ended and time.monotonic() < deadline, ended
                time.sleep(0.2)
        one, other = (f"http://127.0.0.1:{port}" for port in ports)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{one}/v1/files", timeout=10)
        with client_for(one, GIVEN["LIFTGATE_MASTER_KEY"]) as client:
            file = client.files.create(file=("words.txt", b"words of a gateway"), purpose="user_data")
        with client_for(other, GIVEN["LIFTGATE_MASTER_KEY"]) as client:
            assert client.files.content(file.id).read() == b"words of a gateway"
            parts: list[Any] = [
                {"type": "text", "text": "What is said?"},
                {"type": "file", "file": {"file_id": file.id}},
            ]
            answer = client.chat.completions.create(
                model="gemini-2.5-flash", messages=[{"role": "user", "content": parts}]
            )
            assert "18 bytes" in (answer.choices[0].message.content or "")
        for process in started:
            process.send_signal(signal.SIGTERM)
        grace = int(composed()["liftgate"]["stop_grace_period"].removesuffix("s"))
        for process in started:
            process.wait(timeout=grace)
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            if process.stderr is not None:
                process.stderr.close()
