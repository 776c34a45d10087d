"""The client of the Gemini API: chat, other methods of a model, files, and the requests of a resumable upload.

Bodies come in and go out as ready JSON bytes. The key travels in `x-goog-api-key` only, never in a URL (start an upload
with `?key=` and Google puts it into the upload's URL), and is blotted out of what Google says. Every failure is one of
`liftgate.errors`; no POST is tried twice here: that is the router's for chat and `upload_session`'s for uploads. One
on a kept connection that the upstream closed meanwhile is UpstreamDisconnected, which is retryable.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from urllib.parse import quote

from liftgate.byte_source import ByteSource
from liftgate.clock import Clock
from liftgate.deployments import Account, Deployment
from liftgate.errors import InvalidRequest, LiftgateError, UpstreamFileLost, UpstreamProtocolError
from liftgate.gemini.files import GeminiFile, parse
from liftgate.gemini.replies import Refusals, names_a_file, object_of, upload_number
from liftgate.gemini.status import error_of
from liftgate.gemini.stream import GeminiStream, Patience
from liftgate.gemini.upload_rules import DEFAULT_GRANULARITY, ChunkAnswer, UploadStarted
from liftgate.gemini.upstream import KEY_HEADER, ModelRoute, UpstreamTime, address, whose
from liftgate.http.network import broken
from liftgate.http.transport import ClientLimits, Reply, Transport
from liftgate.json_elements import ElementDecoder
from liftgate.json_types import JsonObject
from liftgate.large_bodies import STEP, Body
from liftgate.measurements import Measurements
from liftgate.names import model_path
from liftgate.sse import EventDecoder

EVENTS = "streamGenerateContent?alt=sse"
MODEL_PAGES = 20
"""Of a thousand models each; Google has some fifty."""
KNOWN_MODELS = 4096
"""A wildcard in `model_list` lets clients name models, so there must be an end to what is remembered."""


class GeminiClient:
    """Safe for any number of calls at once on one event loop. `close()` it there. `headers` go with every request."""

    def __init__(
        self,
        clock: Clock,
        limits: ClientLimits | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        measurements: Measurements | None = None,
    ) -> None:
        self._transport = Transport(limits or ClientLimits(), headers)
        self._refusals = Refusals(measurements or Measurements())
        self._clock = clock
        self._time = UpstreamTime(clock)
        self._models: dict[tuple[str, str], ModelRoute] = {}

    # ── models ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def generate(self, deployment: Deployment, body: Body, *, timeout: float) -> Awaitable[Body]:
        """POST …:generateContent; the JSON of a 200. `timeout` in seconds for the whole exchange."""
        return self.call(deployment, "generateContent", body, timeout=timeout)

    async def call(
        self, deployment: Deployment, method: str, body: Body, *, timeout: float, tier: list[str] | None = None
    ) -> Body:
        """POST …:`method` (countTokens, embedContent, …); the JSON of a 200. `tier` gets the one that Google served it
        in, where its header says so."""
        model = self._model(deployment)
        transport = self._transport
        try:
            with transport.deadlines.within(timeout):
                answer = await transport.send(model.heads.get(method) or model.head(method), body)
                date = answer.header(b"Date")
                if date != self._time.last_dates.get(model.account):
                    self._time.learn(model.account, date)
                if answer.status != 200:
                    reply = await transport.reply(answer)
                    raise self._refusals.error_of(
                        reply, deployment.api_key, model.account, model.whose, names_file=await names_a_file(body)
                    )
                if tier is not None and (served := answer.header(b"x-gemini-service-tier")):
                    tier.append(served)
                whole = answer.at_hand()
                return await answer.read() if whole is None else whole
        except TimeoutError as error:
            raise broken(error) from None

    async def open_stream(
        self, deployment: Deployment, body: Body, *, timeout: float, idle_timeout: float, method: str = EVENTS
    ) -> GeminiStream:
        """POST …:streamGenerateContent; returns once the status is known to be 200. Without `sse` in its query Google
        writes an array.

        `timeout`: seconds for the whole stream; `idle_timeout`: for each silence, also the one before the first byte.
        """
        model = self._model(deployment)
        patience = Patience(self._transport.deadlines, total=timeout, idle=idle_timeout)
        head = model.heads.get(method) or model.head(method)
        names_file = body.find(b"/files/") >= 0 if len(body) <= STEP else await names_a_file(body)
        try:
            with patience.wait():
                answer = await self._transport.send(head, body)
                date = answer.header(b"Date")
                if date != self._time.last_dates.get(model.account):
                    self._time.learn(model.account, date)
                if answer.status != 200:
                    reply = await self._transport.reply(answer)
                    raise self._refusals.error_of(
                        reply, deployment.api_key, model.account, model.whose, names_file=names_file
                    )
        except TimeoutError as error:
            raise broken(error) from None
        decoder = EventDecoder() if "sse" in method else ElementDecoder()
        return GeminiStream(
            answer, patience, decoder, names_file=names_file, account=model.whose, key=deployment.api_key
        )

    async def list_models(self, account: Account) -> list[JsonObject]:
        """All that Google lists for this account, as its Model objects. Raises UpstreamProtocolError for no list."""
        found: list[JsonObject] = []
        token = ""
        for _ in range(MODEL_PAGES):
            query = "models?pageSize=1000" + (f"&pageToken={quote(token, safe='')}" if token else "")
            page = await self._described(account, query)
            models = page.get("models") or []
            if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
                raise UpstreamProtocolError("Gemini listed its models in something that is no list of objects.")
            found += [model for model in models if isinstance(model.get("name"), str)]
            token = str(page.get("nextPageToken") or "")
            if not token:
                break
        return found

    async def get_model(self, account: Account, model: str) -> JsonObject:
        """Google's Model object. Raises NotFound."""
        return await self._described(account, quote(model_path(model), safe="/"))

    async def _described(self, account: Account, path: str) -> JsonObject:
        reply = await self._ask("GET", account, path, {})
        if reply.status != 200:
            raise self._refused(reply, account, names_file=False)
        return object_of(reply.body)

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get_file(self, account: Account, name: str) -> GeminiFile:
        """GET files/x. UpstreamFileLost when it is not there, or not for this account: Google does not tell which."""
        reply = await self._file_call("GET", account, name)
        if reply.status == 404:
            raise UpstreamFileLost(f"Gemini does not know {name}.")
        if reply.status != 200:
            raise self._refused(reply, account, names_file=True)
        return parse(object_of(reply.body))

    async def list_files(self, account: Account, page_size: int, page_token: str = "") -> tuple[list[GeminiFile], str]:
        """A page (100 at most) of the project's files, in Google's order, and the token of the next ("": the last)."""
        query = f"files?pageSize={page_size}" + (f"&pageToken={quote(page_token, safe='')}" if page_token else "")
        reply = await self._ask("GET", account, query, {})
        if reply.status != 200:
            raise self._refused(reply, account, names_file=False)
        page = object_of(reply.body)
        files = page.get("files") or []
        if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
            raise UpstreamProtocolError("Gemini listed its files in something that is no list of objects.")
        return [parse(file) for file in files], str(page.get("nextPageToken") or "")

    async def delete_file(self, account: Account, name: str) -> None:
        """DELETE files/x. A file that is gone already is fine."""
        reply = await self._file_call("DELETE", account, name)
        if reply.status in (200, 204, 404):
            return
        refusal = self._refused(reply, account, names_file=True)
        if not isinstance(refusal, UpstreamFileLost):
            raise refusal.again()

    def _file_call(self, method: str, account: Account, name: str) -> Awaitable[Reply]:
        return self._ask(method, account, quote(name, safe="/"), {})

    # ── uploads ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start_upload(
        self,
        account: Account,
        *,
        mime_type: str,
        size: int,
        name: str | None,
        metadata: Mapping[str, object] | None = None,
    ) -> UploadStarted:
        """Begins a resumable session for `size` bytes; `name` (`files/x`) asks for that name at Gemini, `metadata` for
        other fields of its File (`displayName`)."""
        if not mime_type.isascii() or not mime_type.isprintable():
            raise InvalidRequest("A MIME type has printable ASCII characters only.", param="mime_type")
        headers = {
            "Content-Type": "application/json",
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": mime_type,
        }
        body = json.dumps({"file": {**(metadata or {}), **({"name": name} if name else {})}}).encode()
        reply = await self._ask("POST", account, "files", headers, body, upload=True)
        if reply.status != 200:
            raise self._refused(reply, account, names_file=False)
        session, granularity = reply.headers.get("x-goog-upload-url"), upload_number(reply, "chunk-granularity")
        if not session or not session.startswith(("http://", "https://")):
            raise UpstreamProtocolError("Gemini answered the start of an upload without an upload URL.")
        return UploadStarted(session, granularity or DEFAULT_GRANULARITY)

    async def send_chunk(
        self, account: Account, url: str, source: ByteSource, start: int, stop: int, *, finalize: bool
    ) -> ChunkAnswer:
        """Sends [start, stop) of `source` as the next bytes; with `finalize` as the last ones.

        Any HTTP answer is returned, for `upload_session` to judge. UpstreamDisconnected, or UpstreamTimeout when the
        network takes no byte for `ClientLimits.idle`; what the source raises passes unchanged.
        """
        if start == stop:
            # An upload of no bytes at all is sent as the official SDK sends it; a bare finalize follows sent bytes.
            command = ("finalize" if start else "upload, finalize") if finalize else "upload"
            return await self._command(account, url, command, {"X-Goog-Upload-Offset": str(start)})
        headers = {
            "X-Goog-Upload-Command": "upload, finalize" if finalize else "upload",
            "X-Goog-Upload-Offset": str(start),
            "Content-Type": "application/octet-stream",
        }
        transport = self._transport
        head = transport.head("POST", url, headers)
        silence = transport.deadlines.within(transport.limits.idle)
        try:
            with silence:
                answer = await transport.send_source(head, source, start, stop, silence=silence)
                reply = await transport.reply(answer)
        except TimeoutError as error:
            if silence.expired:
                raise broken(error) from None
            raise
        return self._chunk_answer(account, reply)

    async def query(self, account: Account, url: str) -> ChunkAnswer:
        """Asks what Gemini has of an upload; the final body where it is finished."""
        return await self._command(account, url, "query", {})

    async def cancel(self, account: Account, url: str) -> None:
        """Gives a session up. However Gemini answers short of a 5xx, the session is over."""
        answer = await self._command(account, url, "cancel", {})
        if answer.status >= 500 or answer.status == 429:
            raise error_of(answer.status, answer.headers, answer.body, names_file=False, account=whose(account))

    async def _command(self, account: Account, url: str, command: str, headers: dict[str, str]) -> ChunkAnswer:
        head = self._transport.head("POST", url, {**headers, "X-Goog-Upload-Command": command})
        limits = self._transport.limits
        seconds = limits.chunk_answer if command.endswith("finalize") else limits.call
        return self._chunk_answer(account, await self._transport.exchange(head, b"", seconds=seconds))

    def _chunk_answer(self, account: Account, reply: Reply) -> ChunkAnswer:
        self._time.learn(account.name, reply.headers.get("date"))
        return ChunkAnswer(
            status=reply.status,
            upload_status=reply.headers.get("x-goog-upload-status", "").lower(),
            size_received=upload_number(reply, "size-received"),
            headers=reply.headers,
            body=reply.body,
        )

    # ── all ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def upstream_now(self, account: Account) -> float:
        """Seconds since the epoch on the clock of the account's upstream, by the Date of its last answer; else ours."""
        return self._clock.now() + self._time.skews.get(account.name, 0.0)

    def connections(self) -> tuple[int, int]:
        """How many have an exchange on them, and how many are kept free."""
        counts = [origin.connections() for origin in self._transport.origins.values()]
        return sum(busy for busy, _ in counts), sum(free for _, free in counts)

    async def close(self) -> None:
        """Ends every exchange; later calls raise Unavailable."""
        self._transport.close()

    async def _ask(
        self,
        method: str,
        account: Account,
        path: str,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        upload: bool = False,
    ) -> Reply:
        headers = {KEY_HEADER: account.api_keys[0], **headers}
        head = self._transport.head(method, address(account, path, upload=upload), headers)
        reply = await self._transport.exchange(head, body, seconds=self._transport.limits.call)
        self._time.learn(account.name, reply.headers.get("date"))
        return reply

    def _refused(self, reply: Reply, account: Account, *, names_file: bool) -> LiftgateError:
        return self._refusals.error_of(reply, account.api_keys[0], account.name, whose(account), names_file=names_file)

    def _model(self, deployment: Deployment) -> ModelRoute:
        key = (deployment.id, deployment.model)
        known = self._models.get(key)
        if known is None or (known.deployment is not deployment and known.deployment != deployment):
            if len(self._models) >= KNOWN_MODELS:
                self._models.clear()
            known = self._models[key] = ModelRoute(deployment, self._transport)
        return known
