"""`liftgate admin`: look after the data themselves, with or without a gateway running."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from liftgate.audit import COMMAND_LINE, note
from liftgate.cli.admin.adopt import adopt
from liftgate.cli.admin.backup import backup, restore
from liftgate.cli.admin.data_command import confirm, document, find, show_places, with_data
from liftgate.cli.admin.keys import keys
from liftgate.cli.admin.spend import spend
from liftgate.cli.command_line import keep_to_owner
from liftgate.cli.failures import Failure
from liftgate.cli.options import Number, data_options, json_option
from liftgate.cli.readable import counted, plain, size

if TYPE_CHECKING:
    from liftgate.cli.admin.data import Data
    from liftgate.files.check import Finding
    from liftgate.files.sweep import Swept
    from liftgate.settings import Settings

log = logging.getLogger("liftgate.cli")

SHORT_GRACE = 3600.0
"""Seconds; with less, what a running gateway is storing could be taken for garbage."""
MET = (
    "No bytes were deleted: another catalogue has used this store, or may have, and files of it may need them. If it is"
    " gone for good, --all deletes; `liftgate admin adopt` shuts it out."
)
JOINED = (
    "No bytes were deleted: this catalogue and this store were joined less than a grace (orphan_grace_seconds) ago. If"
    " no other catalogue needs them, --all deletes."
)


@click.group()
def admin() -> None:
    """Look after the data of a gateway: its catalogue and its blob store.

    No gateway need run, and one may. The data are found as `liftgate` itself finds them: --config, --data-dir,
    --database-url and --blob-store, their variables, the defaults.

    Exit codes: 0 done and nothing wrong, 1 something is wrong, 2 wrong usage or configuration, 130 interrupted.
    """
    keep_to_owner()


@admin.command()
@json_option
@data_options
def owners(as_json: bool, config: Path | None, **flags: str | None) -> None:
    """List who has stored how much.

    With --json, one document: {"data": [{"owner", "files", "bytes"}, …], "catalogue", "store"}.
    """
    from liftgate.catalog.rows.files import owners as rows

    found, places = with_data(find(config, flags), lambda data: data.db.read(rows), together=False)
    if as_json:
        names = ("owner", "files", "bytes")
        click.echo(document({"data": [dict(zip(names, row, strict=True)) for row in found]}, places))
        return
    from liftgate.cli.files.tables import show_owners

    show_owners(found)
    show_places(places)


@admin.command()
@click.argument("owner")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@data_options
def erase(owner: str, yes: bool, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Remove everything of an owner, for good and at once.

    Files, unfinished uploads and their bytes here; their copies at Gemini too, where the config has the keys. What
    cannot be removed there now is named, and a running gateway goes on trying until it is done. Take the owner's key
    out of the config first, or new files may come.

    With --json, one document: {"owner", "files", "blobs", "bytes", "parts", "gemini": {"removed", "left"}, "catalogue",
    "store"}.
    """
    from functools import partial

    from liftgate.catalog.rows.copies import count_purges
    from liftgate.catalog.rows.files import owner_usage
    from liftgate.cli.admin.data import purge_now
    from liftgate.files.erase import Erased, erase_at_once

    settings = find(config, flags)
    (files, used), places = with_data(settings, lambda data: data.db.read(partial(owner_usage, owner=owner)))
    if not yes:
        show_places(places, err=True)
        confirm(f"Erase {counted(files, 'file')} of {plain(owner)} ({size(used)}) for good?")

    async def work(data: Data) -> tuple[Erased, int, dict[str, int]]:
        erased = await erase_at_once(data.db, data.blobs, owner)
        note(log, "owner_erased", COMMAND_LINE, owner=owner, files=erased.files, bytes=erased.bytes)
        before = await data.db.read(count_purges)
        await purge_now(data)
        after = await data.db.read(count_purges)
        return erased, max(0, sum(before.values()) - sum(after.values())), after

    (erased, removed, left), _ = with_data(settings, work)
    if not (erased.files or erased.blobs or erased.parts or removed):
        show_places(places, err=True)
        raise Failure(f"nothing is stored of {plain(owner)!r}; `liftgate admin owners` lists who has something.")
    if as_json:
        here = {name: getattr(erased, name) for name in ("files", "blobs", "bytes", "parts")}
        there = {"removed": removed, "left": sum(left.values())}
        click.echo(document({"owner": owner, **here, "gemini": there}, places))
    else:
        click.echo(
            f"Erased {plain(owner)}: {counted(erased.files, 'file')}, "
            f"{size(erased.bytes)} in {counted(erased.blobs, 'blob')}, "
            f"{counted(erased.parts, 'part')} of unfinished uploads."
        )
        _tell_gemini(settings, removed, left)
        show_places(places)
    if erased.left:
        raise Failure(
            f"{counted(erased.left, 'object')} of the blob store were not deleted; a sweep deletes what it may,"
            " and says what it keeps."
        )


def _tell_gemini(settings: Settings, removed: int, left: dict[str, int]) -> None:
    if removed:
        click.echo(f"At Gemini: {_copies(removed)} removed.")
    known = {deployment.account.name: deployment.account.where for deployment in settings.deployments}
    for account, count in sorted(left.items()):
        why = "a running gateway goes on trying" if account in known else "its key is not in this config"
        place = f", {plain(known[account])}," if known.get(account) else ""
        click.echo(f"At Gemini, still to remove: {_copies(count)} at {plain(account)}{place} ({why}).")


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number} copies"


@admin.command()
@click.option(
    "--grace",
    type=Number(0),
    metavar="SECONDS",
    help="Keep anything newer than this.  [default: orphan_grace_seconds of the config, a day]",
)
@click.option("--all", "large", is_flag=True, help="Unknown objects have no owner: delete them even if they are many.")
@click.option("--deleted", is_flag=True, help="Remove the bytes of deleted files now, and not after the grace.")
@click.option("--yes", is_flag=True, help="Do not ask when the grace is less than an hour.")
@json_option
@data_options
def sweep(
    grace: float | None,
    large: bool,
    deleted: bool,
    yes: bool,
    as_json: bool,
    config: Path | None,
    **flags: str | None,
) -> None:
    """Remove expired files, and bytes that no file names.

    A running gateway does it by itself. The grace must be longer than a backup takes. A grace of less than an hour is
    for when no gateway runs: what one is storing has no file yet, and the upload would fail.

    Objects that the catalogue does not know are noted first, and deleted when they are still unknown after the grace.
    Where they are more than a tenth of the store (and more than ten), only --all deletes them: look first whether the
    catalogue is the right one. Where a copy of this catalogue has used the store, or this is one, nothing is deleted
    before --all says that the other catalogue is gone: files that only that one knows lose their bytes.

    --deleted frees space at once, also beside running gateways. A backup that is being made may miss those bytes: no
    file of it needs them.

    With --json, one document: {"files", "blobs", "objects", "parts", "spools", "waiting", "held", "alone",
    "catalogue", "store"}. Not "alone": no bytes were deleted, because another catalogue may need them.
    """
    from dataclasses import asdict

    from liftgate.files.alone import has_met_another
    from liftgate.files.sweep import sweep as sweep_all

    settings = find(config, flags)
    seconds = settings.jobs.orphan_grace_seconds if grace is None else grace
    if seconds < SHORT_GRACE and grace is not None and not yes:
        confirm("An upload that a gateway takes in meanwhile would fail. Are all gateways on these data stopped?")
    if large and not yes and with_data(settings, lambda data: has_met_another(data.db, data.blobs))[0]:
        confirm("Another catalogue has used this store. Files that only it knows lose their bytes. Go on?")

    async def work(data: Data) -> Swept:
        swept = await sweep_all(data.db, data.blobs, data.spool_dir, grace=seconds, large=large, deleted=deleted)
        note(log, "swept", COMMAND_LINE, **asdict(swept))
        return swept

    swept, places = with_data(settings, work)
    if as_json:
        click.echo(document(asdict(swept), places))
        return
    _show_swept(swept)
    if not swept.alone:
        met = with_data(settings, lambda data: has_met_another(data.db, data.blobs))[0]
        click.echo(MET if met else JOINED)
    show_places(places)


def _show_swept(swept: Swept) -> None:
    click.echo(
        f"Removed {counted(swept.files, 'expired file')}, {counted(swept.blobs, 'blob')} that no file names, "
        f"{counted(swept.objects, 'unknown object')}, {counted(swept.parts, 'part')} of uploads that ended, "
        f"{counted(swept.spools, 'dead spool')}."
    )
    if swept.waiting:
        click.echo(f"Kept until the grace has passed: {counted(swept.waiting, 'unknown object')}.")
    if swept.held:
        click.echo(
            f"Kept because they are so large a part of the store: {counted(swept.held, 'unknown object')}. "
            "If this is the right catalogue, --all deletes them."
        )


@admin.command()
@click.option("--full", is_flag=True, help="Read every byte and compare its SHA-256.")
@json_option
@data_options
def check(full: bool, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Compare the blob store with the catalogue, and list what is wrong.

    `missing`, `size` and `hash` are bytes that a file or an unfinished upload has lost: the exit code is 1. `unknown`
    is an object that neither needs: it costs space and nothing else, and a sweep removes it.

    With --json, a line for each finding: {"wrong", "key", "blob_id", "file_id", "owner", "filename", "expected",
    "found"}; where it looked is on standard error.
    """
    from liftgate.catalog.database import verify_catalogue
    from liftgate.cli.admin.findings import find as find_wrong
    from liftgate.cli.admin.findings import shown

    settings = find(config, flags)
    verify_catalogue(settings.storage.catalog_url)
    lost = unknown = 0

    def tell(finding: Finding, names: dict[str, str]) -> None:
        nonlocal lost, unknown
        if finding.wrong == "unknown":
            unknown += 1
        else:
            lost += 1
        click.echo(shown(finding, names, as_json=as_json))

    checked, places = with_data(settings, lambda data: find_wrong(data, full=full, tell=tell))
    if not as_json:
        how = "every byte read" if full else "sizes compared; --full reads every byte"
        click.echo(
            f"{counted(checked, 'blob')} checked ({how}): "
            f"{lost} damaged or missing, {counted(unknown, 'unknown object')}."
        )
    show_places(places, err=as_json)
    if lost:
        raise click.exceptions.Exit(1)


for command in (adopt, backup, keys, restore, spend):
    admin.add_command(command)
