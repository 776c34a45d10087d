"""Files as requests and aiohttp send them, with a length and in chunks: `python files_python.py URL`."""

import asyncio
import io
import sys
from collections.abc import Iterator

import aiohttp
import requests

from cases import KEY, run

URL = f"{sys.argv[1]}/v1"
HEADERS = {"Authorization": f"Bearer {KEY}"}
NAME = "größe (1).txt"
BYTES = b"from Python " * 20_000


def kept(file: dict) -> None:
    assert (file["filename"], file["bytes"]) == (NAME, len(BYTES)), file
    assert requests.get(f"{URL}/files/{file['id']}/content", headers=HEADERS, timeout=60).content == BYTES


def form() -> None:
    files = {"file": (NAME, io.BytesIO(BYTES), "text/plain")}
    data = {"purpose": "user_data"}
    kept(requests.post(f"{URL}/files", files=files, data=data, headers=HEADERS, timeout=60).json())


def form_in_chunks() -> None:
    files = {"file": (NAME, io.BytesIO(BYTES), "text/plain")}
    made = requests.Request("POST", f"{URL}/files", files=files, data={"purpose": "user_data"}).prepare()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(made.body), 7_000):
            yield made.body[start : start + 7_000]

    headers = {**HEADERS, "Content-Type": made.headers["Content-Type"]}
    kept(requests.post(f"{URL}/files", data=pieces(), headers=headers, timeout=60).json())


async def aiohttps_form() -> None:
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("purpose", "user_data")
    data.add_field("file", io.BytesIO(BYTES), filename=NAME, content_type="text/plain")
    async with (
        aiohttp.ClientSession(headers=HEADERS) as session,
        session.post(f"{URL}/files", data=data) as answer,
    ):
        file = await answer.json()
    await asyncio.to_thread(kept, file)


asyncio.run(
    run({"requests, a form": form, "requests, a form in chunks": form_in_chunks, "aiohttp, a form": aiohttps_form})
)
