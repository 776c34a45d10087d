"""`build_app(gateway)`: the ASGI application. It finds the route, the caller and the handler, and answers what goes
wrong.

Under a server with the lifespan protocol it opens and closes the gateway; otherwise whoever made the gateway does. The
order for a request is route, key, handler, so nothing of a body is read for a caller without a key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from urllib.parse import unquote

from liftgate import ids
from liftgate.deadlines import Deadlines
from liftgate.dialects.dialect import Errors
from liftgate.engine.meter import recorded
from liftgate.errors import (
    AuthenticationFailed,
    ConfigError,
    InternalError,
    LiftgateError,
    MethodNotAllowed,
    RouteNotFound,
    Unavailable,
    let_go,
)
from liftgate.gateway import Gateway
from liftgate.keys.asking import asking_key, current_key
from liftgate.keys.key import Caller, Place
from liftgate.log_context import working_as, working_for
from liftgate.server import metering
from liftgate.server.app_state import AppState
from liftgate.server.asgi import Receive, Scope, Send
from liftgate.server.auth import OPEN, Authenticator, presented_key
from liftgate.server.bodies import HeldBodies
from liftgate.server.cors import CrossOrigin
from liftgate.server.errors import error_response
from liftgate.server.exchange import ClientLeft
from liftgate.server.local_only import LocalOnly
from liftgate.server.request import Request
from liftgate.server.responses import Response
from liftgate.server.routes import TABLES, Handler, Route, Table, table_of
from liftgate.server.routing import plain_path, routes_of
from liftgate.server.sign_in import COOKIE, SignInDesk, check_owner, cookie_of, sign_in_over, signed_in
from liftgate.tasks import Tasks

log = logging.getLogger("liftgate.server")

RETRY_AFTER = 2.0
"""Seconds in which a gateway that stops is usually followed by the next."""
NO_WEBSOCKET = "No WebSocket is opened here. Send a POST request; with 'stream': true its answer is streamed."


def build_app(gateway: Gateway, tables: Sequence[Table] = TABLES) -> App:
    return App(gateway, tables)


class App:
    """An ASGI 3 application."""

    def __init__(self, gateway: Gateway, tables: Sequence[Table]) -> None:
        self._gateway = gateway
        self._auth = Authenticator(gateway.settings.auth)
        self._meters = gateway.meters
        self._begin = metering.begin_by(gateway.settings.server)
        origins = gateway.settings.server.cors_origins
        self._local_only = None if gateway.settings.auth.required else LocalOnly(origins)
        self._answer = self._answer_request
        self._shares_nothing = not origins
        if origins:
            self._answer = CrossOrigin(origins, self._answer_request, self._dialect_of).answer
        self._leaving = False
        limits = gateway.settings.limits
        largest = limits.max_body_bytes
        held = max(limits.decoded_bytes_limit, largest)
        # Without keys there is one owner; with them another one's largest body finds room.
        bodies = HeldBodies(held, max(held - largest, largest) if gateway.settings.auth.required else held)
        self._desk = SignInDesk(self._auth) if gateway.settings.auth.required else None
        self._state = AppState(Tasks(), Deadlines(), bodies, self._desk)
        self._tables = tables
        self._routes, self._settled = routes_of(tuple(tables))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request_id = ids.new_request_id()
            working_for.set(request_id)
            request = Request(scope, receive, self._gateway, self._state, request_id)
            exchange = request.exchange
            if exchange is not None and self._shares_nothing and send == exchange.send:
                request.direct = exchange
            if self._meters.on:
                call = self._begin(request, self._meters)
                if exchange is None:
                    send = metering.patient(send, call)
            try:
                await self._answer(request, send)
            except BaseException:
                if request.call is not None and not request.call.error:
                    request.call.record_error(InternalError())
                raise
            finally:
                if request.call is not None:
                    metering.end(request, request.call, self._meters)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def leave(self) -> None:
        """The time to drain is over: requests that are cancelled from now on are answered with 503."""
        self._leaving = True

    async def _answer_request(self, request: Request, send: Send) -> None:
        response = None
        try:
            response = await self._response(request)
            if (delivering := response.deliver(request, send)) is not None:
                await delivering
        except ClientLeft:
            return
        except asyncio.CancelledError:
            # The cancelling is ours where the client left just when its answer was ready.
            if request.left:
                return
            if not self._leaving or response is None:
                raise
            await response.break_off(recorded(_stopping()), request, send)
        except Exception:
            # The answer had begun: all that is left is to break the connection, so that it is not taken for whole.
            log.exception("%s %s broke off", request.method, ascii(request.path))
            raise
        finally:
            if request.held:
                request.let_go()

    async def _response(self, request: Request) -> Response:
        table, route = self._settled.get(request.path) or (table_of(request, self._tables), None)
        dialect = table.dialect
        request.id_headers = table.id_headers
        if request.call is not None:
            request.call.dialect = dialect.name
        try:
            handler, route = self._found(request, table, route)
            if not route.public and not (route.capability and request.query_value(route.capability)):
                caller = self._caller(request, table)
                self._admit(request, caller if isinstance(caller, Caller) else await caller, table, route)
            return await handler(request)
        except LiftgateError as error:
            # A slash that is written as %2F belongs to a name and stays.
            if (
                isinstance(error, RouteNotFound)
                and (plain := unquote(plain_path(request.raw_path.decode()))) != request.path
            ):
                let_go(error)
                request.path = plain
                return await self._response(request)
            if error.http_status >= 500:
                log.warning("%s: %s", type(error).__name__, error.message)
            let_go(error)
            return error_response(recorded(error), dialect, request.id)
        except ClientLeft:
            raise
        except asyncio.CancelledError:
            if request.left or not self._leaving:
                raise
            return error_response(recorded(_stopping()), dialect, request.id)
        except Exception as error:
            log.exception("%s %s failed", request.method, ascii(request.path))
            let_go(error)
            return error_response(recorded(InternalError()), dialect, request.id)

    def _dialect_of(self, request: Request) -> Errors:
        return table_of(request, self._tables).dialect

    def _found(self, request: Request, table: Table, route: Route | None) -> tuple[Handler, Route]:
        """The handler and its route. `route`: where the path is settled already. Raises the error of an address that is
        refused."""
        if self._local_only is not None:
            self._local_only.check(request)
        handler = None if route is None else route.handlers.get(request.method)
        if handler is None or route is None:
            try:
                handler, route, request.params = self._routes[table].find(request.method, request.path)
            except MethodNotAllowed as error:
                if request.header(b"upgrade").lower() == "websocket":
                    error.message = NO_WEBSOCKET
                raise
        if request.call is not None:
            request.call.route = route.path
        return handler, route

    def _admit(self, request: Request, caller: Caller, table: Table, route: Route) -> None:
        """Raises PermissionDenied where the caller's key does not open this route."""
        request.caller = caller
        request.owner = caller.owner
        if self._local_only is None:
            # Without keys there is one owner, who shares with nobody.
            working_as.set(caller.owner)
        key, call = caller.key, request.call
        if asking_key() is not key:
            current_key.set(key)
        admission = self._gateway.admission
        ticket = admission.ticket(caller) if caller.owners or key is not None or admission.for_all else None
        if call is None and ticket is not None:
            # The first limits of all were made by another process a moment ago, and nothing has listened until now.
            call = self._begin(request, self._meters)
            call.dialect, call.route = table.dialect.name, route.path
        if call is not None:
            call.key = caller.name
            call.key_id = caller.key_id
            call.ticket = ticket
        if key is not None and not key.opens(route.purposes):
            key.check_route(Place(table.dialect.name, request.path, route.path, route.purposes))

    def _caller(self, request: Request, table: Table) -> Caller | Awaitable[Caller]:
        """The caller, or what to await where the catalogue must be asked. Raises AuthenticationFailed."""
        if self._local_only is not None:
            return OPEN
        if COOKIE in request.headers and self._desk is not None and not presented_key(request):
            return self._by_cookie(request)
        return self._auth.caller_of(request, self._gateway.known_keys, table.key_of)

    async def _by_cookie(self, request: Request) -> Caller:
        """The caller of a browser that signed in, by its cookie."""
        cookie = cookie_of(request)
        if not cookie:
            return await self._auth.find_caller(request, self._gateway.known_keys)
        request.signed_in_key = (await signed_in(request, cookie)).key
        try:
            caller = await self._auth.find_caller(request, self._gateway.known_keys)
        except AuthenticationFailed as error:
            let_go(error)
            raise sign_in_over() from None
        check_owner(request, caller.owner)
        return caller

    async def _live(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._state.tasks.close)
            await receive()
            try:
                await stack.enter_async_context(self._gateway)
            except (ConfigError, LiftgateError) as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _stopping() -> Unavailable:
    return Unavailable("The gateway stopped before the request was finished. Try it again.", retry_after=RETRY_AFTER)
