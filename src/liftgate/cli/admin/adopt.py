"""`liftgate admin adopt`: joins a catalogue and a store that do not belong together yet, or not any more."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from liftgate.audit import COMMAND_LINE, note
from liftgate.cli.admin.data_command import confirm, document, find, show_places, with_data
from liftgate.cli.options import data_options, json_option
from liftgate.cli.readable import counted, plain

if TYPE_CHECKING:
    from liftgate.cli.admin.data import Data
    from liftgate.files.belonging import Joining


log = logging.getLogger("liftgate.cli")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@data_options
def adopt(yes: bool, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Join this catalogue and this store, for good.

    A gateway does not start where the two do not belong together, because then a mistyped address is the likeliest
    reason. Where it is no mistake (a store that was lost and begun anew, a catalogue restored from elsewhere), this
    command makes them belong together. Where a copy of the catalogue has used the store, it shuts the copy out. Stop
    all gateways first: those with the former catalogue, a copy or the former store are refused from then on. No bytes
    are deleted for a whole grace (orphan_grace_seconds) afterwards.

    With --json, one document: {"adopted", "catalogue_knows", "store_has", "both", "catalogue", "store"}.
    """
    from liftgate.files.alone import has_met_another
    from liftgate.files.belonging import adopt as join
    from liftgate.files.belonging import weigh

    async def looked(data: Data) -> tuple[Joining, bool]:
        joining = await weigh(data.db, data.blobs)
        return joining, joining.together and await has_met_another(data.db, data.blobs)

    settings = find(config, flags)
    (joining, met_another), places = with_data(settings, looked, together=False)
    needed = met_another or not joining.together
    if needed:
        for line in _lines(joining, met_another=met_another):
            click.echo(line, err=as_json)
        show_places(places, err=as_json)
        if not yes:
            confirm("Join them? Everything else that used either of them is refused from then on.")

        async def work(data: Data) -> None:
            await join(data.db, data.blobs)
            note(log, "adopted", COMMAND_LINE, **data.places)

        with_data(settings, work, together=False)
    if as_json:
        counts = {name: getattr(joining, name) for name in ("catalogue_knows", "store_has", "both")}
        click.echo(document({"adopted": needed, **counts}, places))
    else:
        click.echo("They belong together from now on." if needed else "They belong together already.")
        if not needed:
            show_places(places)


def _lines(joining: Joining, *, met_another: bool) -> list[str]:
    missing = joining.catalogue_knows - joining.both
    unknown = joining.store_has - joining.both
    lines = [
        f"The catalogue knows {counted(joining.catalogue_knows, 'object')}, the store has"
        f" {counted(joining.store_has, 'object')}, and {joining.both} are the same."
    ]
    if met_another:
        lines.append("A copy of this catalogue, or the one that this is a copy of, has used the store.")
    if joining.former_catalogue is not None:
        lines.append(f"The store belongs to the catalogue {plain(joining.former_catalogue)}.")
    if joining.former_store is not None:
        lines.append(f"The catalogue belongs to the store {plain(joining.former_store)}.")
    if missing:
        lines.append(f"{counted(missing, 'object')} of files will not be there: those files cannot be read.")
    if unknown:
        lines.append(
            f"{counted(unknown, 'object')} of the store will be unknown: a sweep deletes them after the grace, and asks"
            " for --all where they are more than a small part of the store."
        )
    return lines
