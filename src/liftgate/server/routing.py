"""Path and method → handler: one look-up for the paths that are written out, a short list of patterns for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from liftgate.errors import MethodNotAllowed, RouteNotFound
from liftgate.server.routes import Handler, Route, Table, table_of_path
from liftgate.server.unserved import route_not_found

_SLASHES = re.compile("/{2,}")
_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


class RouteTable:
    """Made once at start: of `groups`, routes and the prefixes that are put before each one's path. `exact`: the routes
    whose paths are written out."""

    def __init__(self, groups: Iterable[tuple[Iterable[Route], Iterable[str]]]) -> None:
        self.exact: dict[str, Route] = {}
        self._patterns: list[tuple[str, Route]] = []
        for routes, prefixes in groups:
            self._add(routes, prefixes)

    def _add(self, routes: Iterable[Route], prefixes: Iterable[str]) -> None:
        for route in routes:
            for prefix in prefixes:
                path = prefix + route.path
                whole = replace(route, path=path)
                if "{" in path:
                    self._patterns.append((path.partition("{")[0], whole))
                else:
                    self.exact[path] = whole

    def find(self, method: str, path: str) -> tuple[Handler, Route, dict[str, str]]:
        """The handler, its route with the whole path, what the path names; RouteNotFound and MethodNotAllowed."""
        route = self.exact.get(path)
        params: dict[str, str] = {}
        if route is None:
            route, params = self._matching(method, path)
        handler = route.handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            # The address is right, so advice about it would be none.
            only = MethodNotAllowed.sentence(route.methods)
            raise MethodNotAllowed(route.methods, RouteNotFound(method, path, only))
        return handler, route, params

    def _matching(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        if plain_path(path) != path:
            # Its plain spelling may be there; a pattern would take its slashes for a part of a name.
            raise route_not_found(method, path)
        for before, route in self._patterns:
            if path.startswith(before) and (match := _pattern(route.path).fullmatch(path)):
                return route, match.groupdict()
        raise route_not_found(method, path)


@cache
def routes_of(tables: tuple[Table, ...]) -> tuple[Mapping[Table, RouteTable], Mapping[str, tuple[Table, Route]]]:
    """Of each API, and those of `settled`: the same for all gateways of a process."""
    routes = {table: RouteTable(table.groups) for table in tables}
    return routes, settled(routes)


def settled(tables: Mapping[Table, RouteTable]) -> dict[str, tuple[Table, Route]]:
    """The routes whose path only one API has, by the path: nothing else of a request decides between APIs there."""
    holders: dict[str, list[Table]] = {}
    for table, routes in tables.items():
        for path in routes.exact:
            holders.setdefault(path, []).append(table)
    order = tuple(tables)
    alone = {path: held[0] for path, held in holders.items() if held == [table_of_path(path, order)]}
    return {path: (table, tables[table].exact[path]) for path, table in alone.items()}


def plain_path(path: str) -> str:
    """Without the slashes that stand twice, or at the end: clients make them where a base URL ends in one."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """Made when it is first needed: a start would spend its time on patterns of which few are asked for."""
    pieces, end = [], 0
    for found in _PARAMETER.finditer(path):
        before = path[end : found.start()]
        # What follows a colon has none itself, or each colon of a long path would be tried, with all that follows it.
        one = "[^/:]+" if before.endswith(":") else "[^/]+"
        pieces += [re.escape(before), f"(?P<{found[1]}>{'.+' if found[2] else one})"]
        end = found.end()
    return re.compile("".join(pieces) + re.escape(path[end:]), re.DOTALL)
