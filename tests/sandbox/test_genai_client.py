"""The official google-genai client drives the sandbox alone: files, generation, and each error of
docs/protocol/gemini.md, "Errors"."""

import asyncio
import base64
import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from media_samples import mp4, pdf, wav
from sandbox_wire import Wire

FLASH = "gemini-2.5-flash"


def items(*parts: str | types.File | types.Part) -> Any:
    """Contents as people write them; the client's own type for it is a union that no list of them fits."""
    return list(parts)


def shown_sha256(file: types.File) -> str:
    """The hash in a File: base64 of the hex digest (docs/protocol/gemini.md, "The File resource")."""
    return base64.b64decode(file.sha256_hash or "").decode()


def test_upload_from_path_keeps_type_and_hash(genai_client: genai.Client, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(0.5, 16000, 1))
    file = genai_client.files.upload(file=str(path))
    assert file.mime_type in ("audio/wav", "audio/x-wav")
    assert file.state is types.FileState.ACTIVE
    assert file.source is types.FileSource.UPLOADED
    assert file.size_bytes == path.stat().st_size
    assert shown_sha256(file) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_upload_from_bytes_with_name(genai_client: genai.Client) -> None:
    config = types.UploadFileConfig(name="files/my-note-1", display_name="Ünï", mime_type="text/plain")
    file = genai_client.files.upload(file=io.BytesIO(b"hello"), config=config)
    assert (file.name, file.display_name) == ("files/my-note-1", "Ünï")
    assert file.uri == "https://generativelanguage.googleapis.com/v1beta/files/my-note-1"
    assert genai_client.files.get(name="my-note-1").uri == file.uri


def test_upload_of_40_mb_goes_in_chunks(genai_client: genai.Client, sandbox: Wire) -> None:
    content = b"0123456789" * 4_000_000
    file = genai_client.files.upload(file=io.BytesIO(content), config={"mime_type": "text/plain"})
    assert shown_sha256(file) == hashlib.sha256(content).hexdigest()
    stats = sandbox.control("GET", "stats")
    assert stats["operations"] == {"upload.start": 1, "upload.chunk": 4, "upload.finalize": 1}
    assert stats["bytes_received"] == len(content)


def test_upload_of_an_empty_file(genai_client: genai.Client) -> None:
    file = genai_client.files.upload(file=io.BytesIO(b""), config={"mime_type": "text/plain"})
    assert shown_sha256(file) == hashlib.sha256(b"").hexdigest()


def test_list_over_pages_shows_every_file_once(genai_client: genai.Client) -> None:
    names = {
        genai_client.files.upload(file=io.BytesIO(b"%d" % index), config={"mime_type": "text/plain"}).name
        for index in range(7)
    }
    listed = [file.name for file in genai_client.files.list(config={"page_size": 3})]
    assert len(listed) == 7
    assert set(listed) == names


def test_video_is_processing_first(genai_client: genai.Client) -> None:
    file = genai_client.files.upload(file=io.BytesIO(mp4(12)), config={"mime_type": "video/mp4"})
    assert file.state is types.FileState.PROCESSING
    assert file.name
    deadline = time.monotonic() + 10
    while (file := genai_client.files.get(name=file.name or "")).state is types.FileState.PROCESSING:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert file.state is types.FileState.ACTIVE
    assert file.video_metadata and file.video_metadata["videoDuration"] == "12s"
    assert file.update_time and file.create_time and file.update_time > file.create_time


@pytest.mark.parametrize("streamed", [False, True])
def test_generate_proves_that_it_read_the_file(genai_client: genai.Client, streamed: bool) -> None:
    content = wav(1.0, 22050, 1)
    file = genai_client.files.upload(file=io.BytesIO(content), config={"mime_type": "audio/wav"})
    if streamed:
        chunks = list(genai_client.models.generate_content_stream(model=FLASH, contents=items("What is this?", file)))
        assert len(chunks) > 2
        assert len({chunk.response_id for chunk in chunks}) == 1
        text = "".join(chunk.text or "" for chunk in chunks)
    else:
        text = genai_client.models.generate_content(model=FLASH, contents=items("What is this?", file)).text or ""
    facts = (
        hashlib.sha256(content).hexdigest(),
        f"{len(content)} bytes",
        "audio/wav",
        "1.000 s",
        "22050 Hz",
        "1 channel",
    )
    assert all(fact in text for fact in facts)
    assert "What is this?" in text


def test_usage_adds_up(genai_client: genai.Client) -> None:
    file = genai_client.files.upload(file=io.BytesIO(pdf(3)), config={"mime_type": "application/pdf"})
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    usage = genai_client.models.generate_content(
        model=FLASH, contents=items("Read", file), config=config
    ).usage_metadata
    assert usage
    by_modality = {detail.modality: detail.token_count for detail in usage.prompt_tokens_details or []}
    assert by_modality == {types.MediaModality.DOCUMENT: 3 * 258, types.MediaModality.TEXT: 1}
    assert usage.prompt_token_count == 3 * 258 + 1
    assert usage.thoughts_token_count and usage.candidates_token_count
    together = usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    assert usage.total_token_count == together


def test_count_tokens_agrees_with_generate(genai_client: genai.Client) -> None:
    counted = genai_client.models.count_tokens(model=FLASH, contents="x" * 100)
    assert counted.total_tokens == 25
    usage = genai_client.models.generate_content(model=FLASH, contents="x" * 100).usage_metadata
    assert usage and usage.prompt_token_count == 25


def test_embeddings_are_deterministic_unit_vectors(genai_client: genai.Client) -> None:
    config = types.EmbedContentConfig(output_dimensionality=64)
    result = genai_client.models.embed_content(model="gemini-embedding-001", contents=items("one", "two", "one"))
    vectors = [embedding.values or [] for embedding in result.embeddings or []]
    assert vectors[0] == vectors[2] != vectors[1]
    assert len(vectors[0]) == 3072
    assert sum(value * value for value in vectors[0]) == pytest.approx(1.0)
    short = genai_client.models.embed_content(model="gemini-embedding-001", contents="one", config=config)
    assert short.embeddings and (short.embeddings[0].values or []) == vectors[0][:64]


def test_models_are_listed(genai_client: genai.Client) -> None:
    names = {model.name for model in genai_client.models.list()}
    assert {"models/gemini-2.0-flash", "models/gemini-3.5-flash", "models/gemini-embedding-001"} <= names
    assert genai_client.models.get(model="gemini-2.5-pro").supported_actions == ["generateContent", "countTokens"]


# google-genai itself subclasses aiohttp's session, which aiohttp discourages by a warning.
@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
def test_async_client_uploads_and_streams(sandbox: Wire) -> None:
    async def run() -> str:
        options = types.HttpOptions(base_url=sandbox.base)
        async with genai.Client(api_key=sandbox.key, http_options=options).aio as client:
            file = await client.files.upload(file=io.BytesIO(b"sentence in a file"), config={"mime_type": "text/plain"})
            stream = await client.models.generate_content_stream(model=FLASH, contents=items("Read", file))
            return "".join([chunk.text or "" async for chunk in stream])

    assert "sentence in a file" in asyncio.run(run())


def refused(call: Callable[[], object]) -> errors.APIError:
    with pytest.raises(errors.APIError) as caught:
        call()
    return caught.value


def test_error_bad_key(sandbox: Wire) -> None:
    client = genai.Client(api_key="invalid-key", http_options=types.HttpOptions(base_url=sandbox.base))
    error = refused(lambda: client.models.generate_content(model=FLASH, contents="x"))
    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")
    assert error.message == "API key not valid. Please pass a valid API key."
    assert error.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    client.close()


@pytest.mark.parametrize("case", ["deleted", "foreign", "never", "expired"])
def test_error_file_gone(sandbox: Wire, genai_client: genai.Client, case: str) -> None:
    name = "files/neverexisted"
    if case != "never":
        file = genai_client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"})
        name = file.name or ""
    if case == "deleted":
        genai_client.files.delete(name=name)
    if case == "expired":
        sandbox.control("POST", "clock", advance=48 * 3600)
    key = "key-b1" if case == "foreign" else sandbox.key
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=sandbox.base))
    uri = f"https://generativelanguage.googleapis.com/v1beta/{name}"
    part = types.Part.from_uri(file_uri=uri, mime_type="text/plain")
    sentence = f"You do not have permission to access the File {name[6:]} or it may not exist."
    for call in (
        lambda: client.files.get(name=name),
        lambda: client.files.delete(name=name),
        lambda: client.models.generate_content(model=FLASH, contents=items("x", part)),
        lambda: list(client.models.generate_content_stream(model=FLASH, contents=items("x", part))),
        lambda: client.models.count_tokens(model=FLASH, contents=items("x", part)),
    ):
        error = refused(call)
        assert (error.code, error.status, error.message) == (403, "PERMISSION_DENIED", sentence)
    client.close()


def test_error_file_in_processing(sandbox: Wire, genai_client: genai.Client) -> None:
    sandbox.fault("stuck_processing", "upload.finalize")
    file = genai_client.files.upload(file=io.BytesIO(mp4(1)), config={"mime_type": "video/mp4"})
    error = refused(lambda: genai_client.models.generate_content(model=FLASH, contents=items("x", file)))
    assert (error.code, error.status) == (400, "FAILED_PRECONDITION")
    assert error.message == f"The File {(file.name or '')[6:]} is not in an ACTIVE state and usage is not allowed."


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("files/abc", "Unsupported file URI type: files/abc"),
        ("data:text/plain,x", "Unsupported file URI type: data:text/plain,x"),
        ("https://example.com/a.pdf", "Cannot fetch content from the provided URL."),
    ],
)
def test_error_bad_file_uri(genai_client: genai.Client, uri: str, sentence: str) -> None:
    part = types.Part.from_uri(file_uri=uri, mime_type="application/pdf")
    error = refused(lambda: genai_client.models.generate_content(model=FLASH, contents=items("x", part)))
    assert (error.code, error.message) == (400, sentence)


def test_error_unsupported_types(genai_client: genai.Client) -> None:
    error = refused(lambda: genai_client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "bad/mime_type"}))
    assert (error.code, error.message) == (400, "Unsupported MIME type: bad/mime_type")
    stored = genai_client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "application/cu-seeme"})
    error = refused(lambda: genai_client.models.count_tokens(model=FLASH, contents=items("x", stored)))
    assert (error.code, error.message) == (400, "Unsupported MIME type: application/cu-seeme")


def test_error_name_taken(genai_client: genai.Client) -> None:
    config = types.UploadFileConfig(name="taken", mime_type="text/plain")
    genai_client.files.upload(file=io.BytesIO(b"x"), config=config)
    error = refused(lambda: genai_client.files.upload(file=io.BytesIO(b"y"), config=config))
    assert (error.code, error.message) == (409, "taken already exists.")


def test_error_storage_full(make_sandbox: Callable[..., Wire]) -> None:
    wire = make_sandbox(quota_bytes=1000)
    client = genai.Client(api_key=wire.key, http_options=types.HttpOptions(base_url=wire.base))
    client.files.upload(file=io.BytesIO(b"x" * 900), config={"mime_type": "text/plain"})
    error = refused(lambda: client.files.upload(file=io.BytesIO(b"x" * 200), config={"mime_type": "text/plain"}))
    assert (error.code, error.status) == (429, "RESOURCE_EXHAUSTED")
    violation = error.details["error"]["details"][0]["violations"][0]
    assert violation["quotaId"] == "FileStorageBytesPerProject"
    client.close()


def test_error_inline_too_big(make_sandbox: Callable[..., Wire]) -> None:
    wire = make_sandbox(inline_limit=20_000)
    client = genai.Client(api_key=wire.key, http_options=types.HttpOptions(base_url=wire.base))
    error = refused(lambda: client.models.generate_content(model=FLASH, contents="x" * 30_000))
    assert (error.code, error.message) == (400, "Request payload size exceeds the limit: 20000 bytes.")
    client.close()


def test_error_unknown_model(genai_client: genai.Client) -> None:
    error = refused(lambda: genai_client.models.generate_content(model="nope", contents="x"))
    assert (error.code, error.status) == (404, "NOT_FOUND")
    assert error.message == (
        "models/nope is not found for API version v1, or is not supported for generateContent. Call "
        "ModelService.ListModels to see the list of available models and their supported methods."
    )


@pytest.mark.parametrize(("code", "status"), [(429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (503, "UNAVAILABLE")])
def test_error_ordered_by_a_fault(sandbox: Wire, genai_client: genai.Client, code: int, status: str) -> None:
    sandbox.fault("status", "generate", code=code, retry_delay="7s")
    error = refused(lambda: genai_client.models.generate_content(model=FLASH, contents="x"))
    assert (error.code, error.status) == (code, status)
    assert error.details["error"]["details"][-1]["retryDelay"] == "7s"
    assert genai_client.models.generate_content(model=FLASH, contents="x").text


def test_function_calling_by_the_client_itself(genai_client: genai.Client) -> None:
    """The client's automatic calling: the call, the function, the signature back, the answer."""

    def temperature(city: str) -> str:
        """The temperature in a city."""
        return f"{len(city)} degrees"

    response = genai_client.models.generate_content(
        model="gemini-3.5-flash",
        contents='Please call temperature({"city": "Zürich"}).',
        config=types.GenerateContentConfig(tools=[temperature]),
    )
    assert "Function temperature answered:" in (response.text or "")
    assert "6 degrees" in (response.text or "")
