"""What all callers together may spend: a budget of the config's, kept as the budgets of keys and of owners are.

Its row in the catalogue is its memory: a gateway that starts again, or another node, goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self
from zoneinfo import ZoneInfo

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.allowances import GATEWAY, begin_gateway, read_gateway
from liftgate.keys.limits import Bounds, Limit
from liftgate.keys.spending import Budget, budget_of
from liftgate.keys.terms import Budget as Amount
from liftgate.keys.terms import Terms
from liftgate.settings.sections import BudgetSettings

UNBEGUN = (0.0, "")


class GatewayBudget:
    """`bounds`: what calls are held to once it is open; none where nothing is configured. `zone`: in which budgets of
    keys and of owners begin anew too."""

    def __init__(self, db: Database, settings: BudgetSettings) -> None:
        self._db = db
        self.settings = settings
        self.zone = ZoneInfo(settings.budget_time_zone)
        further = () if settings.of_provider is None else (Amount(*settings.of_provider),)
        self._terms = Terms(
            max_budget=settings.max_budget, budget_duration=settings.budget_duration, budget_limits=further
        )
        self.bounds: tuple[Bounds, ...] = ()

    async def open(self) -> Self:
        """Begins what has not begun yet. Raises what the catalogue does."""
        if ids := [each.id for each in self._limits({})]:

            def begin(conn: Connection) -> dict[str, tuple[float, str]]:
                begin_gateway(conn, ids)
                return read_gateway(conn)

            self.bounds = (self._bounds(await self._db.write(begin)),)
        return self

    async def read(self) -> list[Budget]:
        """How each stands now. Raises what the catalogue does."""
        return await self._db.read(self.read_in) if self._limits({}) else []

    def read_in(self, conn: Connection) -> list[Budget]:
        rows, now = read_gateway(conn), conn.now()
        return [budget_of(each, rows.get(each.id, UNBEGUN)[1] or None, now, self.zone) for each in self._limits(rows)]

    def _limits(self, rows: Mapping[str, tuple[float, str]]) -> tuple[Limit, ...]:
        return self._bounds(rows).limits

    def _bounds(self, rows: Mapping[str, tuple[float, str]]) -> Bounds:
        bounds = Bounds(GATEWAY, "", 0.0, self._terms, "gateway")
        bounds.limits = tuple(replace(each, counted_from=rows.get(each.id, UNBEGUN)[0]) for each in bounds.limits)
        return bounds
