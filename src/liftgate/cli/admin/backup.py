"""`liftgate admin backup` and `restore`: a whole copy of the data, and the way back, also to stores of another kind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from liftgate.audit import COMMAND_LINE, note
from liftgate.cli.admin.data_command import document, find, show_places, with_data
from liftgate.cli.failures import Failure, run
from liftgate.cli.files.progress import progress
from liftgate.cli.options import data_options, json_option
from liftgate.cli.readable import counted, moment, size

if TYPE_CHECKING:
    from liftgate.files.backup import Begin
    from liftgate.files.copying import Report
    from liftgate.files.restore import Restored
    from liftgate.settings import Settings

log = logging.getLogger("liftgate.cli")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@data_options
def backup(directory: Path, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Copy the catalogue and all bytes into DIR, beside running gateways.

    What is in DIR afterwards is the data as they were when the command began. A run that was interrupted is continued
    by the next one; a later run brings DIR up to date and copies only what is new. It must not take longer than
    orphan_grace_seconds (a day), for which the bytes of deleted files are kept.

    DIR holds what your users stored, readable by you alone. It holds no key, and digests of those made at run time.

    With --json, one document: {"id", "files", "blobs", "bytes", "copied", "kept", "missing", "damaged", "catalogue",
    "store"}. The exit code is 1 when bytes are missing or damaged in the store itself.
    """
    from liftgate.files.backup import back_up

    settings = find(config, flags)
    with _progress("backup") as begin:
        made, places = with_data(
            settings,
            lambda data: back_up(
                data.db,
                data.blobs,
                directory.absolute(),
                data_dir=settings.storage.data_dir,
                now=data.services.clock.now(),
                begin=begin,
            ),
        )
    note(log, "backed_up", COMMAND_LINE, backup=str(directory.absolute()), files=made.files, **places)
    _show(made, places, as_json, f"Backed up {counted(made.files, 'file')}")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--replace", is_flag=True, help="Set aside a catalogue and a local store that are there. Nothing is deleted."
)
@click.option(
    "--take-copies",
    is_flag=True,
    help="Take over the copies at Google: only where the gateway that was backed up never runs again.",
)
@json_option
@data_options
def restore(
    directory: Path, replace: bool, take_copies: bool, as_json: bool, config: Path | None, **flags: str | None
) -> None:
    """Put a backup into a catalogue and a store, which may be of another kind than those it was made of.

    Both must be empty; no gateway may run on them. Every byte is compared with its SHA-256. A run that was interrupted
    is continued by the same command.

    With --replace, a catalogue that is there is renamed, and so is what a local store has and the backup does not; the
    command says to what. Bytes that are in place already are used again.

    Without --take-copies the restored gateway uploads files to Google anew when they are needed, and never touches
    the copies of the gateway that was backed up: that one may still be running. With it, both would delete each
    other's copies.

    Keys made at run time are as they were when the backup was made: those that were deleted or blocked since are good
    again, and those made since are unknown. The command says how many there are.

    With --json, one document as `backup` has it, with "already" (true: nothing was left to do), "set_aside", "keys" and
    "made_at".
    """
    from liftgate.cli.admin.data import restore_settings
    from liftgate.cli.serve.log_lines import audit_to_stderr

    settings = restore_settings(config, flags)
    audit_to_stderr(settings)
    aside: list[str] = []
    with _progress("restore") as begin:
        made, places = run(
            lambda: _run_restore(settings, directory.absolute(), begin, aside, replace=replace, copies=take_copies)
        )
    for name in aside:
        click.echo(f"Set aside: {name}.", err=as_json)
    if made.keys and not as_json:
        click.echo(
            f"{counted(made.keys, 'key')} made at run time as of {moment(made.made_at)}: delete or block again what was"
            " deleted or blocked since (liftgate admin keys list)."
        )
    _show(made, places, as_json, f"Restored {counted(made.files, 'file')}", set_aside=aside)


async def _run_restore(
    settings: Settings, directory: Path, begin: Begin, aside: list[str], *, replace: bool, copies: bool
) -> tuple[Restored, dict[str, str]]:
    from liftgate.blobs.open import open_blob_store
    from liftgate.blobs.places import make_place
    from liftgate.catalog.database import check_unused, open_database
    from liftgate.clock import SystemClock
    from liftgate.errors import ConfigError
    from liftgate.files.aside import NOTE, set_aside
    from liftgate.files.restore import check_apart, join, read_backup, restore

    manifest = read_backup(directory)
    storage, clock = settings.storage, SystemClock()
    check_apart(directory, storage.data_dir)
    make_place(storage.data_dir, "data_dir")
    make_place(storage.data_dir / "spool", "data_dir")
    check_unused(storage.catalog_url)
    async with AsyncExitStack() as stack:
        blobs = open_blob_store(storage.blob_store, storage.data_dir)
        stack.push_async_callback(blobs.close)
        if replace:
            aside += await set_aside(storage, blobs, directory, manifest, clock.now())
        db = await open_database(storage.catalog_url, clock=clock, schema=manifest.schema)
        stack.push_async_callback(db.close)
        try:
            done = await restore(
                db, blobs, directory, storage.data_dir / "spool", copies=copies, take_over=replace, begin=begin
            )
        except ConfigError:
            # What is there came after an earlier run: the next one sets it aside.
            (storage.data_dir / NOTE).unlink(missing_ok=True)
            raise
        await db.close()
        # Once more, for the migrations that the backup did not have yet.
        db = await open_database(storage.catalog_url, clock=clock)
        stack.push_async_callback(db.close)
        await join(db, blobs)
        (storage.data_dir / NOTE).unlink(missing_ok=True)
        note(log, "restored", COMMAND_LINE, backup=str(directory), files=done.files, catalogue=db.place)
        return done, {"catalogue": db.place, "store": blobs.notes.place}


@contextmanager
def _progress(name: str) -> Iterator[Begin]:
    with progress() as meter:
        transfers = []

        def begin(total: int) -> Callable[[int], None]:
            transfer = meter.begin(name, total)
            transfers.append(transfer)
            moved = 0

            def tell(more: int) -> None:
                nonlocal moved
                moved += more
                transfer.at(moved)

            return tell

        yield begin
        for transfer in transfers:
            transfer.end()


def _show(made: Report, places: dict[str, str], as_json: bool, did: str, **more: object) -> None:
    if as_json:
        click.echo(document({**asdict(made), **more}, places))
    else:
        click.echo(
            f"{did} ({size(made.bytes)} in {counted(made.blobs, 'blob')}):"
            f" {made.copied} copied, {made.kept} there already."
        )
        for what, names in (("missing", made.missing), ("damaged", made.damaged)):
            for name in names:
                click.echo(f"{what:<8} {name}")
        show_places(places)
    if made.missing or made.damaged:
        raise Failure(f"{counted(len(made.missing) + len(made.damaged), 'blob')} could not be copied: see above.")
