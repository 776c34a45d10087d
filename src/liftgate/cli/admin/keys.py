"""`liftgate admin keys`: keys that are made at run time, in the catalogue itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from liftgate.audit import COMMAND_LINE
from liftgate.cli.admin.data_command import confirm, document, find, show_places, with_data
from liftgate.cli.failures import Failure
from liftgate.cli.options import data_options, json_option
from liftgate.cli.readable import plain
from liftgate.json_types import JsonMapping, JsonObject

if TYPE_CHECKING:
    from liftgate.keys.keyring import Keyring
    from liftgate.records import KeyRecord

T = TypeVar("T")
Command = Callable[..., None]
TEXTS = ("models", "allowed_routes", "tags")
"""Options that may be given more than once, and stand for an array."""


def _term_options(command: Command) -> Command:
    """What a key may; the names are those of LiteLLM's fields."""
    options = (
        click.option("--alias", "key_alias", metavar="NAME", help="A name for lists and logs."),
        click.option("--owner", "user_id", metavar="NAME", help="Whose files it sees; its own by default."),
        click.option("--model", "models", multiple=True, metavar="NAME", help="A model, or pattern, that it may ask."),
        click.option("--route", "allowed_routes", multiple=True, metavar="PATH", help="A path that it may call."),
        click.option("--type", "key_type", metavar="TYPE", help="default, llm_api, management or read_only."),
        click.option("--tag", "tags", multiple=True, metavar="TEXT", help="Kept and shown."),
        click.option("--duration", metavar="TIME", help="How long it is good: 30d, 12h, 1mo; -1: for ever."),
        click.option("--max-budget", metavar="USD", help="What it may spend."),
        click.option("--soft-budget", metavar="USD", help="From where on the log tells of it."),
        click.option("--budget-duration", metavar="TIME", help="The budget's window: 1d, 1w, 1mo, 30d."),
        click.option("--rpm", "rpm_limit", metavar="N", help="Requests in 60 seconds."),
        click.option("--tpm", "tpm_limit", metavar="N", help="Tokens in 60 seconds."),
        click.option("--parallel", "max_parallel_requests", metavar="N", help="Requests at one time."),
    )
    for option in reversed(options):
        command = option(command)
    return command


_NEAR = {
    **dict.fromkeys(("create", "new", "add", "make"), "generate"),
    **dict.fromkeys(("remove", "rm", "revoke"), "delete"),
    **dict.fromkeys(("show", "get"), "info"),
    **dict.fromkeys(("set", "change", "edit"), "update"),
    **dict.fromkeys(("rotate", "renew", "reset"), "regenerate"),
    **dict.fromkeys(("disable", "lock"), "block"),
    **dict.fromkeys(("enable", "unlock"), "unblock"),
    "ls": "list",
}
"""What other programs call a command of these."""


class _Keys(click.Group):
    """Says what is meant by another word: the most similar one may do something else to a key."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in _NEAR:
            raise click.UsageError(f"There is no command {args[0]!r}: liftgate admin keys {_NEAR[args[0]]}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Keys)
def keys() -> None:
    """Make, change and remove keys of callers.

    A key is named by its secret, its digest or its alias. The secret is shown once, when it is made.
    """


@keys.command()
@_term_options
@click.option("--key", metavar="SECRET", help="A secret of one's own; by default one is made.")
@json_option
@data_options
def generate(as_json: bool, config: Path | None, **given: object) -> None:
    """Make a key, and show its secret.

    With --json, one document as POST /key/generate answers.
    """
    from liftgate.keys.shown import made_key

    fields, flags = _split(given)
    read = _read(fields)
    (shown, secret), places = _with_keyring(config, flags, lambda keyring: keyring.generate(read, COMMAND_LINE))
    if as_json:
        click.echo(document(made_key(shown, secret), places))
        return
    click.echo(secret)
    owner = plain(shown["owner"])
    click.echo(f"Owner {owner}. Its digest is {shown['token']}; the secret is not shown again.", err=True)
    show_places(places, err=True)


@keys.command(name="list")
@json_option
@data_options
def list_keys(as_json: bool, config: Path | None, **flags: str | None) -> None:
    """List all keys.

    With --json, one document: {"data": [key, …], "catalogue", "store"}.
    """
    from liftgate.keys.shown import shown_key
    from liftgate.records import KeySearch

    async def work(keyring: Keyring) -> list[KeyRecord]:
        found: list[KeyRecord] = []
        page = 1
        while True:
            some, total = await keyring.list(KeySearch(page=page, order="created_at", descending=False))
            found += some
            if not some or len(found) >= total:
                return found
            page += 1

    found, places = _with_keyring(config, flags, work)
    if as_json:
        click.echo(document({"data": [shown_key(each) for each in found]}, places))
        return
    from liftgate.cli.files.tables import show_keys

    show_keys(found)
    show_places(places)


@keys.command()
@click.argument("key")
@json_option
@data_options
def info(key: str, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Show what is known of a key."""

    async def work(keyring: Keyring, token: str) -> JsonObject:
        [shown] = await keyring.show(await keyring.find(token))
        return shown

    shown, places = _on_key(config, flags, key, work)
    if as_json:
        click.echo(document(shown, places))
        return
    for name, value in shown.items():
        click.echo(f"{name}: {plain(str(value))}")
    show_places(places)


@keys.command()
@click.argument("key")
@_term_options
@json_option
@data_options
def update(key: str, as_json: bool, config: Path | None, **given: object) -> None:
    """Change what the options name of a key; an empty text takes a value away."""
    fields, flags = _split(given)
    if not fields:
        raise click.UsageError("Name what to change, such as --model or --duration.")
    read = _read(fields)
    shown, places = _on_key(config, flags, key, lambda keyring, token: keyring.update(token, read, COMMAND_LINE))
    _tell(shown, "changed", places, as_json=as_json)


@keys.command()
@click.argument("key")
@json_option
@data_options
def block(key: str, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Refuse a key until it is unblocked."""
    shown, places = _on_key(config, flags, key, lambda keyring, token: keyring.block(token, COMMAND_LINE, on=True))
    _tell(shown, "blocked", places, as_json=as_json)


@keys.command()
@click.argument("key")
@json_option
@data_options
def unblock(key: str, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Take a blocked key again."""
    shown, places = _on_key(config, flags, key, lambda keyring, token: keyring.block(token, COMMAND_LINE, on=False))
    _tell(shown, "unblocked", places, as_json=as_json)


@keys.command()
@click.argument("key")
@click.option("--grace", default="", metavar="TIME", help="How long the old secret is good too: 1h, 2d.")
@json_option
@data_options
def regenerate(key: str, grace: str, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Give a key another secret, and show it. Its files, models and limits stay."""
    from liftgate.durations import grace_of
    from liftgate.errors import InvalidRequest
    from liftgate.keys.shown import made_key

    try:
        seconds = grace_of(grace, "--grace")
    except InvalidRequest as wrong:
        raise click.UsageError(wrong.message) from None
    (shown, secret), places = _on_key(
        config, flags, key, lambda keyring, token: keyring.regenerate(token, {}, seconds, COMMAND_LINE)
    )
    if as_json:
        click.echo(document(made_key(shown, secret), places))
        return
    click.echo(secret)
    show_places(places, err=True)


@keys.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@data_options
def delete(key: str, yes: bool, as_json: bool, config: Path | None, **flags: str | None) -> None:
    """Remove a key for good. Files of its owner stay."""
    if not yes:
        confirm("Remove this key for good? Whoever has it is refused within a second.")

    async def work(keyring: Keyring, token: str) -> JsonObject:
        [shown] = await keyring.show(await keyring.find(token))
        await keyring.delete([token], COMMAND_LINE)
        return shown

    shown, places = _on_key(config, flags, key, work)
    _tell(shown, "deleted", places, as_json=as_json)


def _tell(shown: JsonObject, what: str, places: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        click.echo(document(shown, places))
        return
    click.echo(f"The key {shown['key_name']} of {plain(shown['key_alias'] or shown['owner'])} is {what}.")
    show_places(places)


def _split(given: JsonMapping) -> tuple[JsonObject, dict[str, str | None]]:
    """LiteLLM's fields that were given, and where the data are."""
    from liftgate.keys.fields import BY_FIELD

    fields = {
        name: [each for each in value if each] if name in TEXTS else None if value == "" else value
        for name, value in given.items()
        if name in BY_FIELD and value not in (None, ())
    }
    return fields, {name: value for name, value in given.items() if name not in BY_FIELD}


def _read(fields: JsonMapping) -> JsonObject:
    """Raises UsageError, which names the option in place of the field."""
    from liftgate.errors import InvalidRequest
    from liftgate.keys.fields import read_fields

    try:
        return read_fields(fields)
    except InvalidRequest as wrong:
        option = _options().get((wrong.param or "").partition("[")[0], "")
        raise click.UsageError(wrong.message.replace(f"'{wrong.param}'", option) if option else wrong.message) from None


def _options() -> dict[str, str]:
    """Field → the option of this command that gives it."""
    parameters = click.get_current_context().command.params
    return {each.name: each.opts[-1] for each in parameters if each.name and isinstance(each, click.Option)}


def _with_keyring(
    config: Path | None, flags: dict[str, str | None], work: Callable[[Keyring], Awaitable[T]]
) -> tuple[T, dict[str, str]]:
    from zoneinfo import ZoneInfo

    from liftgate.keys.keyring import Keyring, token_of

    settings = find(config, flags)
    if not settings.auth.required:
        raise Failure(
            "this config has no key, so its gateway asks for none. Set LIFTGATE_MASTER_KEY or "
            "general_settings.master_key first."
        )
    taken = {token_of(secret) for secret in settings.auth.owners()}
    zone = ZoneInfo(settings.budgets.budget_time_zone)
    return with_data(settings, lambda data: work(Keyring(data.db, taken, zone)), together=False)


def _on_key(
    config: Path | None, flags: dict[str, str | None], key: str, work: Callable[[Keyring, str], Awaitable[T]]
) -> tuple[T, dict[str, str]]:
    """`work` gets the digest of the key that is named by its secret, its digest or its alias."""

    async def found(keyring: Keyring) -> T:
        from liftgate.errors import NotFound

        try:
            token = (await keyring.find(key)).token
        except NotFound:
            if key.startswith("sk-"):
                raise
            token = await keyring.find_alias(key)
        return await work(keyring, token)

    return _with_keyring(config, flags, found)
