"""`Liftgate(data_dir=…)`: the gateway's engine in this process keeps what Gemini forgets."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import liftgate
from liftgate import AsyncLiftgate, Liftgate
from liftgate.errors import FileNotFound, InternalError, InvalidRequest, NotFound
from sdk_sandbox import MODEL, RECORDING, ROOT, Sandbox, asking

DAYS_LATER = 48 * 3600 + 60


def test_a_kept_file_outlives_gemini_and_gives_its_bytes_back(sandbox: Sandbox, tmp_path: Path, wav: bytes) -> None:
    with Liftgate(data_dir=tmp_path) as client:
        file = client.create_file(file=RECORDING, purpose="assistants")
        assert (file.id[:5], file.bytes, file.filename, file.purpose) == (
            "file-",
            len(wav),
            "recording.wav",
            "assistants",
        )
        first = client.completion(MODEL, asking(file.id)).choices[0].message.content
        sandbox.control("clock", {"advance": DAYS_LATER})
        assert sandbox.files() == []
        assert client.completion(f"gemini/{MODEL}", asking(file.id)).choices[0].message.content == first
        assert sandbox.count("upload.finalize") == 2
        content = client.file_content(file.id, chunk_size=100_000)
        assert (content.read(), content.filename, content.mime_type) == (wav, "recording.wav", "audio/wav")
        assert [len(piece) for piece in content] == [100_000, 100_000, len(wav) - 200_000]
        for wrong in (0, -1):
            with pytest.raises(liftgate.BadRequestError, match="chunk_size"):
                list(content.iter_bytes(wrong))
        content.write_to_file(tmp_path / "copy.wav")
        assert (tmp_path / "copy.wav").read_bytes() == wav
        assert client.file_retrieve(file.id) == file
        assert [each.id for each in client.file_list()] == [file.id]
        assert client.file_delete(file.id).deleted
        with pytest.raises(FileNotFound):
            client.file_retrieve(file.id)


@pytest.mark.parametrize("harm", ["one byte changed", "truncated", "removed"])
def test_damaged_bytes_are_never_read_for_whole(sandbox: Sandbox, tmp_path: Path, wav: bytes, harm: str) -> None:
    """However they are read; the pieces that are asked for are parts of the file to whoever keeps it."""
    with Liftgate(data_dir=tmp_path) as client:
        file = client.create_file(file=RECORDING, purpose="assistants")
        [blob] = [path for path in (tmp_path / "blobs").rglob("blob-*")]
        blob.chmod(0o600)
        if harm == "removed":
            blob.unlink()
        else:
            blob.write_bytes(wav[:-1] + (b"?" if harm == "one byte changed" else b""))
        for chunk_size in (100_000, 1024 * 1024):
            content = client.file_content(file.id, chunk_size=chunk_size)
            copy = partial(content.write_to_file, tmp_path / "copy.wav")
            reads: list[Callable[[], object]] = [content.read, partial(list, content), copy]
            for read in reads:
                with pytest.raises(InternalError, match=f"{file.id}.*missing or damaged"):
                    read()
            if (tmp_path / "copy.wav").exists():
                assert len((tmp_path / "copy.wav").read_bytes()) < len(wav)
        started = sandbox.count("upload.start")
        for _ in range(2):
            with pytest.raises(InternalError, match=f"{file.id}.*missing or damaged"):
                client.completion(MODEL, asking(file.id))
        assert sandbox.count("upload.start") <= started + 1


def test_streams_and_the_async_client_work_over_kept_files(sandbox: Sandbox, tmp_path: Path, wav: bytes) -> None:
    async def talk() -> None:
        async with AsyncLiftgate(data_dir=tmp_path) as client:
            file = await client.create_file(file=("clip.wav", wav))
            stream = await client.completion(MODEL, asking(file.id), stream=True)
            told = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            assert told == (await client.completion(MODEL, asking(file.id))).choices[0].message.content
            content = await client.file_content(file.id)
            assert await content.aread() == wav
            await content.awrite_to_file(tmp_path / "copy.wav")
            with pytest.raises(RuntimeError, match="async"):
                content.read()

    asyncio.run(talk())
    assert (tmp_path / "copy.wav").read_bytes() == wav


def test_a_config_names_the_models(sandbox: Sandbox, tmp_path: Path) -> None:
    with Liftgate(config=ROOT / "examples" / "config.yaml", data_dir=tmp_path) as client:
        messages = [{"role": "user", "content": "Hello"}]
        assert client.completion("gemini-2.0-flash", messages).choices[0].message.content
        with pytest.raises(NotFound, match=r"gemini-2\.5-pro"):
            client.completion("gemini-2.5-pro", messages)


def test_files_are_there_for_the_next_process(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "import sys\nfrom liftgate import Liftgate\nwith Liftgate(data_dir=sys.argv[1]) as c:\n    "
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + "print(c.create_file(file=b'some text').id)", str(tmp_path)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (made.returncode, made.stderr) == (0, "")
    with Liftgate(data_dir=tmp_path) as client:
        assert client.file_content(made.stdout.strip()).text == "some text"


def test_expiry_is_openais_and_kept_within_its_bounds(sandbox: Sandbox, tmp_path: Path) -> None:
    with Liftgate(data_dir=tmp_path) as client:
        file = client.create_file(file=b"text", expires_after={"anchor": "created_at", "seconds": 3600})
        assert file.expires_at == file.created_at + 3600
        for wrong in ({"anchor": "created_at", "seconds": 60}, {"anchor": "now", "seconds": 3600}, {"seconds": 3600}):
            with pytest.raises(InvalidRequest, match="expires_after"):
                client.create_file(file=b"text", expires_after=wrong)


def test_a_file_can_be_carried_ahead_and_only_what_acts_is_taken(sandbox: Sandbox, tmp_path: Path) -> None:
    with Liftgate(data_dir=tmp_path) as client:
        file = client.create_file(file=b"text", extra_body={"target_model_names": f"gemini/{MODEL}"})
        assert client.completion(MODEL, asking(file.id)).choices[0].message.content
        assert sandbox.count("upload.finalize") == 1
        for refused in ({"api_key": "key-b"}, {"extra_body": {"target_model": "x"}}, {"num_retries": 1}):
            with pytest.raises(InvalidRequest):
                client.create_file(file=b"text", **refused)


@pytest.mark.parametrize("client", [liftgate.Liftgate, liftgate.AsyncLiftgate])
def test_a_mistake_of_a_client_shows_where_it_was_made(client: type[Any], tmp_path: Path, sandbox: Sandbox) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("model_list: [{model_name: m, litellm_params: {model: gemini/m, api_key: os.environ/NONE_SUCH}}]")
    with pytest.raises(liftgate.ConfigError, match="NONE_SUCH"):
        client(config=config)
    with pytest.raises(liftgate.BadRequestError, match="extra_headers"):
        client(data_dir=tmp_path, extra_headers={"a": "b"})
