"""What files and inline media come to in tokens, as Google counts them: once for each as it is asked about, that is its
part of a request with the settings that change its count.

A File's count holds for all copies of its bytes. It is kept in the catalogue, so that no process asks again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from liftgate import large_json
from liftgate.ask.question import count_body
from liftgate.catalog.database import Database
from liftgate.catalog.rows.file_tokens import find_tokens, put_tokens
from liftgate.deployments import Deployment
from liftgate.errors import InvalidRequest, LiftgateError, let_go
from liftgate.gemini.client import GeminiClient
from liftgate.json_types import JsonObject
from liftgate.large_bodies import LARGE, Body, encoded
from liftgate.prices import counts_of_gemini

COUNT_SECONDS = 60.0
COUNTED_PARTS = 50_000
"""Parts whose count is remembered."""

ByModality = Mapping[str, int]
Blobs = Mapping[str, str]
"""URI → the blob that it is a copy of."""
_encode = msgspec.json.Encoder(order="deterministic").encode
_read_counts = msgspec.json.Decoder(dict[str, int]).decode

log = logging.getLogger("liftgate.engine")


class PartCounts:
    def __init__(self, db: Database, client: GeminiClient) -> None:
        self._db = db
        self._client = client
        self._counted: OrderedDict[str, ByModality] = OrderedDict()

    async def count_each(
        self,
        deployment: Deployment,
        media: list[JsonObject],
        resolution: object,
        blobs: Blobs,
        *,
        large: bool,
    ) -> list[ByModality]:
        """Each part's tokens, in order; those that are not known are counted at the same time."""
        find = partial(_names, deployment.model, media, resolution, blobs)
        names = await asyncio.to_thread(find, encoded) if large else find(_encode)
        unknown = {name: part for name, part in zip(names, media, strict=True) if name not in self._counted}
        if unknown:
            of_files = {name: blob for name, part in unknown.items() if (blob := blobs.get(_uri(part))) is not None}
            if of_files:
                await self._recall(list(of_files))
            missing = {name: part for name, part in unknown.items() if name not in self._counted}
            await self._count_all(deployment, missing, resolution, large=large)
            await self._keep({name: blob for name, blob in of_files.items() if name in missing})
        return [self._counted.get(name, {}) for name in names]

    async def count(self, deployment: Deployment, body: JsonObject, *, large: bool) -> ByModality:
        """Of a whole request, in the form of a count. Raises what the count does."""
        data = await asyncio.to_thread(encoded, body) if large else _encode(body)
        raw = await self._client.call(deployment, "countTokens", data, timeout=COUNT_SECONDS)
        total = read_json(raw)
        total = total if isinstance(total, dict) else {}
        return counts_of_gemini(
            {
                "promptTokenCount": total.get("totalTokens"),
                "promptTokensDetails": total.get("promptTokensDetails") or (),
            }
        ).prompt

    async def _count_all(
        self, deployment: Deployment, parts: Mapping[str, JsonObject], resolution: object, *, large: bool
    ) -> None:
        tasks = [
            asyncio.get_running_loop().create_task(self._count_part(deployment, name, part, resolution, large))
            for name, part in parts.items()
        ]
        try:
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _count_part(
        self, deployment: Deployment, name: str, part: JsonObject, resolution: object, large: bool
    ) -> None:
        alone: JsonObject = {"contents": [{"role": "user", "parts": [part]}]}
        if resolution is not None:
            alone["generationConfig"] = {"mediaResolution": resolution}
        self._remember(name, await self.count(deployment, count_body(alone, deployment.model), large=large))

    def _remember(self, name: str, counted: ByModality) -> None:
        self._counted[name] = counted
        if len(self._counted) > COUNTED_PARTS:
            self._counted.popitem(last=False)

    async def _recall(self, names: Sequence[str]) -> None:
        """From the catalogue. Without it Google is asked again."""
        try:
            found = await self._db.read(lambda conn: find_tokens(conn, names))
        except LiftgateError as error:
            let_go(error)
            return
        for name, tokens in found.items():
            self._remember(name, _read_counts(tokens))

    async def _keep(self, files: Mapping[str, str]) -> None:
        counted = {
            name: (blob, _encode(self._counted[name]).decode()) for name, blob in files.items() if name in self._counted
        }
        if not counted:
            return
        try:
            await self._db.write(lambda conn: put_tokens(conn, counted), storing=True)
        except LiftgateError as error:
            log.info("what %d files come to is counted again later: %s", len(counted), error.message)
            let_go(error)


def read_json(body: Body) -> Any:
    """None where it is none."""
    try:
        if len(body) >= LARGE:
            with suppress(InvalidRequest):  # by what was added to it, it may have more than came
                return large_json.decoded(body)
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _uri(part: JsonObject) -> str:
    """Of a file; empty where it is none."""
    return _of_file(part)[1]


def _of_file(part: JsonObject) -> tuple[str, str]:
    """(field, URI) of the file that a part names; empty where it names none."""
    for field in ("fileData", "file_data"):
        named = part.get(field)
        uri = (named.get("fileUri") or named.get("file_uri")) if isinstance(named, dict) else None
        if isinstance(uri, str) and uri:
            return field, uri
    return "", ""


def _names(
    model: str,
    parts: Sequence[JsonObject],
    resolution: object,
    blobs: Blobs,
    write: Callable[[object], Body],
) -> list[str]:
    """A digest for each: a copy goes by its blob, wherever it lies."""
    named = [_by_blob(part, blobs) for part in parts]
    return [hashlib.sha256(write([model, part, resolution])).hexdigest() for part in named]


def _by_blob(part: JsonObject, blobs: Blobs) -> JsonObject:
    field, uri = _of_file(part)
    blob = blobs.get(uri)
    if blob is None:
        return part
    kept = {name: value for name, value in part[field].items() if name not in ("fileUri", "file_uri")}
    rest = {name: value for name, value in part.items() if name != field}
    return {**rest, "fileData": {**kept, "blob": blob}}
