"""A running gateway as tests see it: its address, its directory, the sandbox behind it, and the official client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import OpenAI

import new_catalogue
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.server.http_protocol import limited_protocol
from liftgate.server.unseen import Front
from liftgate.settings import load_settings
from raw_http import Answer, call
from serving import serve
from waiting import eventually as eventually

MODEL = "gemini-2.0-flash"


@dataclass(frozen=True)
class Running:
    base: str
    sandbox: str
    data_dir: Path

    def call(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return call(self.base, method, target, body, headers)

    def post(self, target: str, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("POST", target, json.dumps(value).encode(), headers)

    def upload(
        self, content: bytes, *, name: str = "a.txt", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        answer = self.call(*form_request({"purpose": "user_data"}, content, name=name, headers=headers))
        assert answer.status == 200, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def order(self, noun: str, **order: Any) -> Any:
        """A control route of the sandbox."""
        answer = call(self.sandbox, "POST", f"/sandbox/{noun}", json.dumps(order).encode())
        assert answer.status == 200, answer.body
        return answer.json()

    def told(self, noun: str) -> Any:
        return call(self.sandbox, "GET", f"/sandbox/{noun}").json()

    def client(self, api_key: str = "any") -> OpenAI:
        return OpenAI(base_url=self.base + "/v1", api_key=api_key, max_retries=0, timeout=20)

    def litter(self) -> list[str]:
        """What is left of uploads that came to nothing: spools, and blobs that no file has."""
        spools = [path.name for path in (self.data_dir / "spool").glob("*")]
        blobs = [path.name for path in (self.data_dir / "blobs").rglob("blob-*")]
        return spools + blobs


def form_request(
    fields: Mapping[str, str], content: bytes, *, name: str = "a.txt", headers: Mapping[str, str] | None = None
) -> tuple[str, str, bytes, dict[str, str]]:
    """`POST /v1/files` as openai-python writes it: fields first, the file last."""
    body = b"".join(
        f'--b0undary\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    )
    body += f'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode()
    body += b"Content-Type: text/plain\r\n\r\n" + content + b"\r\n--b0undary--\r\n"
    sent = {"Content-Type": "multipart/form-data; boundary=b0undary", **(headers or {})}
    return "POST", "/v1/files", body, sent


@contextmanager
def running_gateway(
    sandbox: str,
    data_dir: Path,
    *,
    environ: Mapping[str, str] | None = None,
    api_key: str = "key-a1",
    ours: str = "{}",
    loop: str = "auto",
    **flags: object,
) -> Iterator[Running]:
    """The shipped application on the shipped protocol class, with everything real behind it.

    `ours`: `liftgate_settings` as YAML. `flags`: options by name. `api_key`: the deployment's at Gemini.
    `loop`: uvicorn's name of the event loop.
    """
    config = data_dir / "config.yaml"
    config.write_text(
        f"model_list: [{{model_name: {MODEL}, litellm_params: {{model: gemini/{MODEL}, api_key: {api_key}}}}}]\n"
        "litellm_settings: {num_retries: 0}\n"
        f"liftgate_settings: {ours}\n"
    )
    given = {"data_dir": str(data_dir / "data"), **flags}
    settings, _ = load_settings(config, given, {"GEMINI_API_BASE": sandbox, "HOME": "/", **(environ or {})})
    server = settings.server
    protocol = limited_protocol(
        max_head=settings.limits.max_header_bytes, head_timeout=server.read_timeout, front=Front(server.cors_origins)
    )
    idle: dict[str, Any] = {"timeout_keep_alive": server.keep_alive}
    new_catalogue.lay(settings.storage.catalog_url)
    with serve(build_app(Gateway(settings)), http=protocol, loop=loop, date_header=True, **idle) as base:
        yield Running(base, sandbox, settings.storage.data_dir)
