"""The sandbox as an ASGI application: routes, authentication, faults, counters, and the errors as they are written.

`create_app` is the way in. No framework: the emulator must be able to cut a connection, read a body by the piece and
answer before it has come. `liftgate.sandbox.server` runs it, `/sandbox/…` is `liftgate.sandbox.control`.
"""

from urllib.parse import unquote

from liftgate.sandbox import control
from liftgate.sandbox.answers import embeddings, generation
from liftgate.sandbox.answers.generation import Call
from liftgate.sandbox.files import files_api, uploads
from liftgate.sandbox.requests.refusals import Refusal, UploadRefusal, model_unknown
from liftgate.sandbox.routes import Route, route_of
from liftgate.sandbox.settings import SandboxSettings, Unverified
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.status_faults import status_reply
from liftgate.sandbox.wire import multipart_upload
from liftgate.sandbox.wire.http import (
    JSON_TYPE,
    TEXT,
    VARY,
    Connection,
    Exchange,
    Hangup,
    Message,
    Receive,
    Reply,
    Send,
    api_headers,
    api_reply,
    json_bytes,
    send_reply,
    upload_reply,
)

__all__ = ["Sandbox", "SandboxSettings", "Unverified", "create_app"]

MODELS_DEFAULT, MODELS_MOST = 50, 1000


class Sandbox:
    """The ASGI application; `state` is open to in-process tests."""

    def __init__(self, settings: SandboxSettings):
        self.state = SandboxState(settings)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(Exchange.begin(scope, receive), receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                self.state.close()
                return

    async def _serve(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        if exchange.path.startswith("/sandbox/"):
            reply = await control.handle(self.state, exchange)
            await send_reply(reply, send, exchange.plan, self.state.clock.http_date(), cross_origin=False)
            return
        stats = self.state.stats
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        try:
            reply = await self._reply(exchange)
            stats.statuses[str(reply.status)] += 1
            cross_origin = "origin" in exchange.headers
            await send_reply(reply, send, exchange.plan, self.state.clock.http_date(), cross_origin=cross_origin)
        except Hangup as hangup:
            if hangup.by_client:
                stats.abandoned += 1
                return
            Connection(send).end(reset=hangup.reset)
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            stats.in_flight -= 1

    async def _reply(self, exchange: Exchange) -> Reply:
        if exchange.method == "OPTIONS" and "origin" in exchange.headers:
            allowed = exchange.headers.get("access-control-request-headers", "*")
            return Reply(
                200, [("access-control-allow-methods", "*"), ("access-control-allow-headers", allowed)], sized=True
            )
        route = route_of(exchange)
        if route is None:
            return api_reply(404, Refusal(404, f"Method not found: {exchange.method} {exchange.path}").body())
        try:
            return await self._dispatch(exchange, route)
        except UploadRefusal as refusal:
            extra = [("x-goog-upload-status", refusal.upload_status)] if refusal.upload_status else []
            return upload_reply(refusal.code, refusal.text.encode(), TEXT, *extra)
        except Refusal as refusal:
            return self._refused(exchange, route, refusal)

    def _refused(self, exchange: Exchange, route: Route, refusal: Refusal) -> Reply:
        if route.operation.startswith("upload."):
            session = self.state.sessions.get(exchange.query.get("upload_id", ""))
            ended = session is not None and session.state != "active"
            extra = (("x-goog-upload-status", "final"),) if ended else ()
            return upload_reply(refusal.code, json_bytes(refusal.body()), JSON_TYPE, VARY, *extra)
        if route.operation == "stream" and exchange.wants_events:
            body = json_bytes(refusal.body())
            if self.state.switches.early_stream_error == "data":
                body = b"data: " + body.replace(b"\n", b"") + b"\r\n\r\n"
            return Reply(refusal.code, api_headers("text/event-stream"), body)
        return api_reply(refusal.code, refusal.body())

    async def _dispatch(self, exchange: Exchange, route: Route) -> Reply:
        """Who calls, under which faults; then the handler."""
        state = self.state
        session = None
        if route.operation.startswith("upload.") and "upload_id" in exchange.query:
            session = state.sessions.get(exchange.query["upload_id"])
            if session is None:
                raise UploadRefusal(404, "Invalid or missing session ID")
            key, project = session.key, session.project
        else:
            key, project = self._caller(exchange, route)
        state.stats.count(route.operation, key, project)
        model = unquote(route.id) if route.method else ""
        exchange.plan = state.faults.draw(route.operation, key, project, model)
        await exchange.plan.before_processing()
        status = exchange.plan.first("status")
        if status is not None and not status.processed:
            return status_reply(status, route.operation)
        if session is not None:
            reply = await uploads.data(state, exchange, session)
        elif route.operation.startswith("upload."):
            handler = multipart_upload.upload if route.operation == "upload.multipart" else uploads.start
            reply = await handler(state, exchange, key, project)
        elif route.method:
            call = Call(model, route.method, route.version, key, project, route.operation)
            reply = await self._method(exchange, call)
        else:
            await exchange.drain()
            reply = self._resource(exchange, route, project)
        return reply if status is None else status_reply(status, route.operation)

    def _caller(self, exchange: Exchange, route: Route) -> tuple[str, str]:
        if route.handler == "files.register":
            raise Refusal(
                401,
                "API keys are not supported by this API. Expected OAuth2 access token or other authentication "
                "credentials that assert a principal.",
            )
        return self.state.caller(exchange)

    async def _method(self, exchange: Exchange, call: Call) -> Reply:
        if call.operation == "countTokens":
            return await generation.count_tokens(self.state, exchange, call)
        if call.operation == "embed":
            return await embeddings.embed(self.state, exchange, call)
        return await generation.generate(self.state, exchange, call)

    def _resource(self, exchange: Exchange, route: Route, project: str) -> Reply:
        state = self.state
        match route.handler:
            case "files.list":
                return files_api.list_files(state, exchange, project)
            case "files.get":
                return files_api.get_file(state, project, route.id)
            case "files.delete":
                return files_api.delete_file(state, project, route.id)
            case "files.redirect":
                return files_api.redirect_download(state, exchange, project, route.version, route.id)
            case "files.download":
                return files_api.download(state, exchange, project, route.id)
            case "models.list":
                return self._models(exchange)
            case "models.get":
                model = state.model(route.id)
                if model is None:
                    raise model_unknown(route.id, route.version, "generateContent")
                return api_reply(200, model.resource())
        raise Refusal(400, "Request contains an invalid argument.")

    def _models(self, exchange: Exchange) -> Reply:
        models = [model.resource() for model in self.state.models.values()]
        size, token = exchange.query.get("pageSize", "0"), exchange.query.get("pageToken", "0")
        if not size.isdigit() or not token.isdigit():
            raise Refusal(400, "Invalid page size or page token.")
        start, count = int(token), min(int(size), MODELS_MOST) or MODELS_DEFAULT
        body: dict[str, object] = {"models": models[start : start + count]}
        if start + count < len(models):
            body["nextPageToken"] = str(start + count)
        return api_reply(200, body)


def create_app(settings: SandboxSettings | None = None) -> Sandbox:
    """A new sandbox with its own state."""
    return Sandbox(settings or SandboxSettings())
