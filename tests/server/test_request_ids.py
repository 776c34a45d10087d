"""For whom the gateway works stands in each line of its log: a request's id, or the name of a job."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from pathlib import Path

from gateways import sandbox_server
from liftgate.blobs.disk import in_thread
from liftgate.catalog.database import open_database
from liftgate.cli.serve.log_lines import LogLines
from liftgate.clock import SystemClock
from liftgate.log_context import RequestIds, working_for
from processes import gateway_processes, write_config
from raw_http import Answer, call
from running import eventually, form_request

KEY = {"Authorization": "Bearer sk-ann"}


def upload(url: str, content: bytes) -> str:
    answer = call(url, *form_request({"purpose": "user_data"}, content, headers=KEY))
    assert answer.status == 200, answer.body
    found: str = answer.json()["id"]
    return found


def ask(url: str, file_id: str) -> Answer:
    content = [{"type": "text", "text": "What is it?"}, {"type": "file", "file": {"file_id": file_id}}]
    body = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": content}]}
    return call(url, "POST", "/v1/chat/completions", json.dumps(body).encode(), KEY)


def test_page_in_names_the_request_that_began_it(tmp_path: Path) -> None:
    answers: list[Answer] = []
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url)
        with gateway_processes(config, tmp_path / "data", 1, "--debug") as (gateway,):
            file_id = upload(gateway.url, b"a text of some length")
            sandbox.control("faults", {"kind": "slow", "operation": "upload.*", "seconds": 1.0, "times": 1})
            chats = [threading.Thread(target=lambda: answers.append(ask(gateway.url, file_id))) for _ in range(3)]
            for chat in chats:
                chat.start()
            for chat in chats:
                chat.join()
            gateway.stop()
            log = gateway.log.read_text()
    assert [answer.status for answer in answers] == [200] * 3
    requests = {answer.headers["x-request-id"] for answer in answers}
    (first,) = re.findall(rf"DEBUG copies \[(req_\w+)\] page-in of {file_id} to \S+ begins: 21 bytes", log)
    assert first in requests
    assert re.findall(rf"INFO copies \[(req_\w+)\] page-in of {file_id} to \S+ is done \(\d+\.\d\d s\)", log) == [first]
    assert re.findall(rf"gemini \[(req_\w+)\] {file_id}: bytes 0 to 21 of 21 were sent", log) == [first]
    waited = re.findall(rf"copies \[(req_\w+)\] waits for the page-in of {file_id} to \S+, begun for (req_\w+)", log)
    assert {whom for _, whom in waited} == {first}
    assert {who for who, _ in waited} == requests - {first}


def test_failure_below_the_server_names_its_request_and_each_line_its_room(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url)
        with gateway_processes(config, tmp_path / "data", 1, "--debug") as (gateway,):
            file_id = upload(gateway.url, b"a text")
            assert ask(gateway.url, file_id).status == 200
            sandbox.control("faults", {"kind": "status", "operation": "generate", "code": 503, "times": None})
            failed = ask(gateway.url, file_id)
            assert failed.status == 503
            sandbox.control("faults", {"kind": "status", "operation": "files.delete", "code": 503, "times": None})
            assert call(gateway.url, "DELETE", f"/v1/files/{file_id}", headers=KEY).status == 200
            assert eventually(lambda: "copies [job purge] purge of" in gateway.log.read_text())
            gateway.stop()
            log = gateway.log.read_text()
    request = re.escape(failed.headers["x-request-id"])
    assert re.search(rf"DEBUG router \[{request}\] \S+ failed: ", log)
    assert re.search(rf"WARNING server \[{request}\] \w+: ", log)
    # The access log keeps its form: its lines end in the id.
    assert re.search(rf"INFO POST /v1/chat/completions 503 \d+\.\d+ms \d+B ann {request}$", log, re.MULTILINE)


def test_threads_work_for_the_request_whose_work_they_do(tmp_path: Path) -> None:
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record) + " " + record.request_id)  # type: ignore[attr-defined]

    handler = Kept()
    handler.setFormatter(LogLines())
    handler.addFilter(RequestIds())
    log = logging.getLogger("liftgate.trial")
    log.addHandler(handler)

    async def scene() -> None:
        db = await open_database(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", clock=SystemClock())
        try:
            for whom in ("req_one", "req_two", ""):
                working_for.set(whom)
                await db.read(lambda _: log.warning("read"))
                await db.write(lambda _: log.warning("written"))
                await in_thread(None, lambda: log.warning("on the disk"))
                await asyncio.to_thread(log.warning, "elsewhere")
        finally:
            await db.close()

    try:
        asyncio.run(scene())
    finally:
        log.removeHandler(handler)
    told = [line.split("WARNING ")[1] for line in lines]
    for whom in ("req_one", "req_two"):
        texts = ("read", "written", "on the disk", "elsewhere")
        assert [line for line in told if line.endswith(whom)] == [f"trial [{whom}] {text} {whom}" for text in texts]
    assert told[-4:] == ["trial read -", "trial written -", "trial on the disk -", "trial elsewhere -"]
