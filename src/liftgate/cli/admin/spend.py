"""`liftgate admin spend`: what was used and spent, from the catalogue itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from liftgate.cli.admin.data_command import document, find, show_places, with_data
from liftgate.cli.options import Day, data_options, json_option

if TYPE_CHECKING:
    from liftgate.cli.admin.data import Data
    from liftgate.engine.usage import Used
    from liftgate.json_types import JsonObject

GROUPS = ("key", "owner", "model", "day")


@click.command()
@click.option(
    "--by", multiple=True, type=click.Choice(GROUPS), help="What the rows are grouped by; owner, model by default."
)
@click.option("--since", type=Day(), metavar="DAY", help="The first day (UTC).")
@click.option("--until", type=Day(), metavar="DAY", help="The last day (UTC).")
@click.option("--key", metavar="ID", help="Of one key only, by its id.")
@click.option("--owner", metavar="NAME", help="Of one owner only.")
@click.option("--model", metavar="NAME", help="Of one model only.")
@json_option
@data_options
def spend(
    by: tuple[str, ...],
    as_json: bool,
    config: Path | None,
    **given: str | None,
) -> None:
    """Show what calls of models used and cost, in US dollars.

    It is counted where `spend: true` is set. What a running gateway counted in the last seconds may not be in it yet.

    Below it stands what is left of the gateway's own budget, where the config has one (`max_budget`).

    With --json, one document: {"data": [{…, "requests", "failed", "unpriced", "input_tokens", …, "cost"}, …],
    "budgets": [{"budget_duration", "max_budget", "spend", "held", "budget_reset_at"}, …], "catalogue", "store"}.
    """
    from liftgate.clock import SystemClock
    from liftgate.engine.usage import Usage
    from liftgate.keys.gateway_budget import GatewayBudget
    from liftgate.keys.spending import shown_budget
    from liftgate.records import UsageFilter

    since, until = (given.pop(name) for name in ("since", "until"))
    if since is not None and until is not None and until < since:
        raise click.UsageError(f"--until: {until} is a day before --since, {since}.")
    key, owner, model = (given.pop(name) for name in ("key", "owner", "model"))
    groups = tuple(dict.fromkeys(by)) or ("owner", "model")
    wanted = UsageFilter(key=key, owner=owner, model=model, since=since, until=until)
    settings = find(config, given)

    async def look(data: Data) -> tuple[list[Used], list[JsonObject]]:
        budgets = await GatewayBudget(data.db, settings.budgets).read()
        return await Usage(data.db, SystemClock()).whole(groups, wanted), [shown_budget(each) for each in budgets]

    (found, budgets), places = with_data(settings, look, together=False)
    if as_json:
        data = [
            {**each.names, **{n: c for n, c in each.counts.items() if n != "nano_usd"}, "cost": each.dollars}
            for each in found
        ]
        click.echo(document({"data": data, "budgets": budgets}, places))
        return
    from liftgate.cli.files.tables import show_budgets, show_spend

    show_spend(groups, found)
    show_budgets(budgets)
    show_places(places)
